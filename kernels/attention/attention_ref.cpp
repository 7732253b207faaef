#include <algorithm>
#include <cmath>

#include "kernels/attention/attention.h"

namespace assay::kernels {

void attend_ref(const AttentionArgs& a) {
  for (int q = 0; q < a.n_queries; ++q) {
    const int n_keys = a.n_keys[q];
    std::vector<double> weight(static_cast<std::size_t>(n_keys));
    double largest = -INFINITY;
    for (int u = 0; u < n_keys; ++u) {
      const float* key = a.key_chunks[u / kChunkTokens] + (u % kChunkTokens) * a.key_stride;
      double dot = 0;
      for (int k = 0; k < a.key_width; ++k) dot += static_cast<double>(a.queries[q][k]) * static_cast<double>(key[k]);
      weight[static_cast<std::size_t>(u)] = static_cast<double>(a.scale) * dot;
      largest = std::max(largest, weight[static_cast<std::size_t>(u)]);
    }
    double total = 0;
    for (double& w : weight) total += w = std::exp(w - largest);
    for (int j = 0; j < a.value_width; ++j) {
      double sum = 0;
      for (int u = 0; u < n_keys; ++u) {
        const float* value = a.value_chunks[u / kChunkTokens] + (u % kChunkTokens) * a.value_stride;
        sum += weight[static_cast<std::size_t>(u)] / total * static_cast<double>(value[j]);
      }
      a.outputs[q][j] = static_cast<float>(sum);
    }
  }
}

}  // namespace assay::kernels

#include <algorithm>

#include "kernels/attention/decode_attention.cuh"

namespace assay::kernels {

DecodePlan plan_decode(std::span<const DecodeRow> rows) {
  DecodePlan plan;
  plan.first_item.reserve(rows.size() + 1);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    plan.first_item.push_back(static_cast<std::int32_t>(plan.items.size()));
    for (std::int32_t first = 0; first < rows[r].n_keys; first += kDecodeChunkTokens) {
      DecodeItem item{static_cast<std::int32_t>(r), std::min(kDecodeChunkTokens, rows[r].n_keys - first), {}, {}};
      for (int p = 0; p * kCachePageTokens < item.n_keys; ++p) {
        item.pages[p] = rows[r].pages[static_cast<std::size_t>(first / kCachePageTokens + p)];
      }
      plan.items.push_back(item);
    }
  }
  plan.first_item.push_back(static_cast<std::int32_t>(plan.items.size()));
  return plan;
}

}  // namespace assay::kernels

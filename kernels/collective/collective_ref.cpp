#include "kernels/collective/collective.h"

#include <cstddef>

namespace assay::kernels {

void add_in_rank_order(std::span<const std::span<const float>> parts, std::span<float> x) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    float sum = parts[0][i];
    for (std::size_t rank = 1; rank < parts.size(); ++rank) sum += parts[rank][i];
    x[i] += sum;
  }
}

}  // namespace assay::kernels

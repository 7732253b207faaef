#include <algorithm>

#include "kernels/attention/mla_gather.cuh"

namespace assay::kernels {

MlaGatherPlan plan_mla_gather(std::span<const MlaCachedSequence> sequences) {
  MlaGatherPlan plan;
  std::int32_t row = 0;
  for (const MlaCachedSequence& s : sequences) {
    plan.first_row.push_back(row);
    for (std::int32_t first = 0; first < s.n_cached; first += kCachePageTokens) {
      const std::int32_t page = s.pages[static_cast<std::size_t>(first / kCachePageTokens)];
      plan.pages.push_back({page, row + first, std::min(kCachePageTokens, s.n_cached - first), 0});
    }
    row += s.n_cached;
  }
  plan.first_row.push_back(row);
  return plan;
}

}  // namespace assay::kernels

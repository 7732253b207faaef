#include "kernels/attention/decode_attention.cuh"

namespace assay::kernels {

DecodePlan plan_decode(std::span<const std::int32_t> n_keys) {
  DecodePlan plan;
  plan.first_item.reserve(n_keys.size() + 1);
  for (std::size_t row = 0; row < n_keys.size(); ++row) {
    plan.first_item.push_back(static_cast<std::int32_t>(plan.items.size()));
    const int n_chunks = (n_keys[row] + kDecodeChunkTokens - 1) / kDecodeChunkTokens;
    for (int chunk = 0; chunk < n_chunks; ++chunk) plan.items.push_back({static_cast<std::int32_t>(row), chunk});
  }
  plan.first_item.push_back(static_cast<std::int32_t>(plan.items.size()));
  return plan;
}

}  // namespace assay::kernels

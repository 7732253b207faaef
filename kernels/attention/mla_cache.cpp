#include "kernels/attention/mla_cache.cuh"

#include <array>

namespace assay::kernels {

Result<CUtensorMap> mla_page_map(const MlaCache& cache, int n_parts) {
  constexpr std::uint64_t kRowBytes = kMlaRow * sizeof(__nv_bfloat16);
  constexpr int kPart = 64, kRows = 8, kGroups = kCachePageTokens / kRows;
  const std::array<TensorMapDim, 4> dims{
      TensorMapDim{kPart, 0, kPart}, TensorMapDim{kRows, kRowBytes, kRows},
      TensorMapDim{kMlaRow / kPart, kPart * sizeof(__nv_bfloat16), static_cast<std::uint32_t>(n_parts)},
      TensorMapDim{static_cast<std::uint64_t>(cache.n_pages) * kGroups, kRows * kRowBytes, kGroups}};
  return encode_tensor_map(cache.rows, dims);
}

}  // namespace assay::kernels

#include "kernels/attention/mla_cache.cuh"

#include <array>

namespace assay::kernels {

Result<CUtensorMap> mla_cache_map(const MlaCache& cache) {
  constexpr std::uint64_t kRowBytes = kMlaRow * sizeof(__nv_bfloat16);
  const std::array<TensorMapDim, 3> dims{
      TensorMapDim{kMlaRow, 0, 64}, TensorMapDim{kCachePageTokens, kRowBytes, kCachePageTokens},
      TensorMapDim{static_cast<std::uint64_t>(cache.n_pages), kCachePageTokens * kRowBytes, 1}};
  return encode_tensor_map(cache.rows, dims);
}

}  // namespace assay::kernels

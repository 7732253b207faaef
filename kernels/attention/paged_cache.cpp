#include "kernels/attention/paged_cache.cuh"

#include <array>

namespace assay::kernels {

Result<CUtensorMap> cache_map(const PagedCache& cache) {
  const auto row_bytes = static_cast<std::uint64_t>(cache.head_dim) * sizeof(__nv_bfloat16);
  const auto halves = 2 * static_cast<std::uint64_t>(cache.kv_heads);
  const std::array<TensorMapDim, 4> dims{
      TensorMapDim{static_cast<std::uint64_t>(cache.head_dim), 0, 64},
      TensorMapDim{kCachePageTokens, row_bytes, kCachePageTokens},
      TensorMapDim{halves, kCachePageTokens * row_bytes, 1},
      TensorMapDim{static_cast<std::uint64_t>(cache.n_pages), halves * kCachePageTokens * row_bytes, 1}};
  return encode_tensor_map(cache.memory, dims);
}

Result<CUtensorMap> cache_page_map(const PagedCache& cache) {
  constexpr std::uint64_t kColumns = 64;
  const auto head_rows = static_cast<std::uint64_t>(cache_head_elements(cache.head_dim)) / kColumns;
  const auto n_heads = static_cast<std::uint64_t>(cache.n_pages) * static_cast<std::uint64_t>(cache.kv_heads);
  const std::array<TensorMapDim, 2> dims{
      TensorMapDim{kColumns, 0, kColumns},
      TensorMapDim{n_heads * head_rows, kColumns * sizeof(__nv_bfloat16), static_cast<std::uint32_t>(head_rows)}};
  return encode_tensor_map(cache.memory, dims);
}

}  // namespace assay::kernels

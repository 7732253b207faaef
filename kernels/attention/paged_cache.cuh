#pragma once
// A layer's keys and values on the device, in pages of 64 tokens: [n_pages][kv_heads][keys, values][64][head_dim]
// bfloat16, so that all that a head has in a page lies together. What a page holds past a sequence's last token may be
// anything, also NaN.

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/device/tensor_map.cuh"

namespace assay::kernels {

constexpr int kCachePageTokens = 64;

struct PagedCache {
  __nv_bfloat16* memory = nullptr;  ///< 16-byte aligned; only rope_append writes it
  int n_pages = 0;
  int kv_heads = 0;
  int head_dim = 0;  ///< 64 or 128

  std::int64_t page_elements() const { return std::int64_t{2} * kv_heads * kCachePageTokens * head_dim; }
};

/// Where a head's keys of a page begin, in elements; its values lie half of cache_head_elements behind.
constexpr std::int64_t cache_head_elements(int head_dim) { return std::int64_t{2} * kCachePageTokens * head_dim; }
constexpr std::int64_t cache_keys_place(std::int64_t page, int kv_heads, int kv_head, int head_dim) {
  return (page * kv_heads + kv_head) * cache_head_elements(head_dim);
}

/// A map whose boxes are 64 columns of one head's keys or values of a page: coordinates are column, token, 2·head
/// (keys) or 2·head + 1 (values), page.
Result<CUtensorMap> cache_map(const PagedCache& cache);

/// The same memory as rows of 64 columns, head_dim / 64 a token, whose boxes are all rows of one head's page, keys and
/// values: they lie together, and memory likes to be read so. The box of a page and head begins at row
/// (page * kv_heads + head) * 2 * 64 * head_dim / 64.
Result<CUtensorMap> cache_page_map(const PagedCache& cache);

}  // namespace assay::kernels

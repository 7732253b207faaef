#pragma once
// A layer's keys and values on the device, in pages of 64 tokens: [n_pages][kv_heads][64][head_dim] bfloat16 each, so
// that a head's rows of a page lie together. What a page holds past a sequence's last token may be anything, also NaN.

#include <cuda_bf16.h>

#include "kernels/device/tensor_map.cuh"

namespace assay::kernels {

constexpr int kCachePageTokens = 64;

struct PagedCache {
  const __nv_bfloat16* keys = nullptr;  ///< 16-byte aligned
  const __nv_bfloat16* values = nullptr;
  int n_pages = 0;
  int kv_heads = 0;
  int head_dim = 0;  ///< 64 or 128
};

/// A map of the keys or the values whose boxes are 64 columns of one head's page.
Result<CUtensorMap> cache_map(const PagedCache& cache, const __nv_bfloat16* rows);

/// The same memory as rows of 64 columns, head_dim / 64 a token, whose boxes are all rows of one head's page: they lie
/// together, and memory likes to be read so. The box of a page and head begins at row
/// (page * kv_heads + head) * 64 * head_dim / 64.
Result<CUtensorMap> cache_page_map(const PagedCache& cache, const __nv_bfloat16* rows);

}  // namespace assay::kernels

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

}  // namespace assay::kernels

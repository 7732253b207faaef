#pragma once
// What multi-head latent attention caches of a position on the device: one row of 576 bfloat16, the normed latent (512)
// and then the rotated key (64) that all heads share. A layer's cache is [n_pages][64][576]. Smaller models are padded
// with zeros to these widths. What a page holds past a sequence's last token may be anything, also NaN.

#include <cuda_bf16.h>

#include "kernels/attention/paged_cache.cuh"

namespace assay::kernels {

constexpr int kMlaLatent = 512;                 ///< kv_lora_rank
constexpr int kMlaRope = 64;                    ///< qk_rope_head_dim
constexpr int kMlaNope = 128;                   ///< qk_nope_head_dim
constexpr int kMlaValue = 128;                  ///< v_head_dim
constexpr int kMlaRow = kMlaLatent + kMlaRope;  ///< of the cache, and of an absorbed query
constexpr int kMlaHead = kMlaNope + kMlaRope;   ///< of a query, and of a materialised key

struct MlaCache {
  const __nv_bfloat16* rows = nullptr;  ///< 16-byte aligned
  int n_pages = 0;
};

/// A map whose boxes are whole pages of 64·n_parts columns, in shared memory [8][n_parts][8 rows][64 columns]: eight
/// rows at a time, as they lie in memory, so that a copy reads from one place after the other. Coordinates: 0, 0, the
/// first column / 64, page · 8.
Result<CUtensorMap> mla_page_map(const MlaCache& cache, int n_parts);

}  // namespace assay::kernels

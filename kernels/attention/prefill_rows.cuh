#pragma once
// A prefill block's step over 128 keys but for its products: rows of scores, weights and outputs in registers, as a
// warpgroup's wgmma and four warps' mma.m16n8k16 both lay them, 16 rows a warp. Device code only. The order of its sums
// is prefill_attention.cuh's and mla_prefill_attention.cuh's.

#include "kernels/attention/mma.cuh"
#include "kernels/attention/prefill_attention.cuh"

namespace assay::kernels::hopper {

constexpr int kPrefillGroups = 2;  // of four computing warps each
constexpr int kGroupRows = 64;
constexpr int kBlockKeys = 128;
static_assert(kPrefillTileRows == kPrefillGroups * kGroupRows, "tiles are made of whole parts");

using Scores = float[kBlockKeys / 2];

template <int kDim>
struct Rows {
  float output[kDim / 2];
  float max[2];  // of score · log2 e; rows lane/4 and lane/4 + 8
  float sum[2];  // this thread's share
};

/// Scores past a row's own position become minus infinity. `first_key` is the block's, `position` the first row's.
__device__ inline void mask_scores(Scores& scores, int first_key, int position) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
#pragma unroll
  for (int i = 0; i < kBlockKeys / 2; ++i) {
    const int key = first_key + i / 4 * 8 + 2 * (lane % 4) + i % 2, own = position + i / 2 % 2 * 8;
    if (key > own) scores[i] = -INFINITY;
  }
}

/// Scores to weights; updates the running maximum and sum, and brings the output so far to the new maximum.
template <int kDim>
__device__ inline void take_block(Scores& scores, Rows<kDim>& rows, float scale_log2) {
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    float largest = -INFINITY;
#pragma unroll
    for (int i = 2 * h; i < kBlockKeys / 2; i += 4) largest = fmaxf(largest, fmaxf(scores[i], scores[i + 1]));
    largest = fmaxf(largest, __shfl_xor_sync(0xFFFFFFFFu, largest, 1));
    largest = fmaxf(largest, __shfl_xor_sync(0xFFFFFFFFu, largest, 2));
    const float max = fmaxf(rows.max[h], largest * scale_log2);
    const float before = exp2f(rows.max[h] - max);
    float sum = 0;
#pragma unroll
    for (int i = 2 * h; i < kBlockKeys / 2; i += 4) {
      scores[i] = exp2f(fmaf(scores[i], scale_log2, -max));
      scores[i + 1] = exp2f(fmaf(scores[i + 1], scale_log2, -max));
      sum += scores[i] + scores[i + 1];
    }
    rows.sum[h] = fmaf(rows.sum[h], before, sum);
    rows.max[h] = max;
#pragma unroll
    for (int i = 2 * h; i < kDim / 2; i += 4) {
      rows.output[i] *= before;
      rows.output[i + 1] *= before;
    }
  }
}

/// Stores a group's rows that the tile has. `out` [tokens, heads, kDim].
template <int kDim>
__device__ void store_rows(__nv_bfloat16* out, int heads, const PrefillTile& tile, int head, int group,
                           const Rows<kDim>& rows) {
  const int thread = static_cast<int>(threadIdx.x) % kGroupThreads, lane = thread % kWarpThreads;
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    float sum = rows.sum[h] + __shfl_xor_sync(0xFFFFFFFFu, rows.sum[h], 1);
    sum += __shfl_xor_sync(0xFFFFFFFFu, sum, 2);
    const int row = group * kGroupRows + thread / kWarpThreads * 16 + lane / 4 + 8 * h;
    if (row >= tile.n_rows) continue;
    __nv_bfloat16* to = out + (static_cast<std::size_t>(tile.first_row + row) * heads + head) * kDim + 2 * (lane % 4);
#pragma unroll
    for (int j = 0; j < kDim / 8; ++j) {
      *reinterpret_cast<std::uint32_t*>(to + 8 * j) =
          pack_bf16(rows.output[4 * j + 2 * h] / sum, rows.output[4 * j + 2 * h + 1] / sum);
    }
  }
}

}  // namespace assay::kernels::hopper

#pragma once
// A prefill block's step over 128 keys, for 64 rows in the registers of a warpgroup: scores, weights, outputs. Device
// code only. The order of its sums is prefill_attention.cuh's and mla_prefill_attention.cuh's.

#include "kernels/attention/mma.cuh"
#include "kernels/attention/prefill_attention.cuh"
#include "kernels/device/wgmma.cuh"

namespace assay::kernels::hopper {

constexpr int kPrefillGroups = 2;  // computing warpgroups, behind one that copies
constexpr int kGroupRows = 64;
constexpr int kBlockKeys = 128;
constexpr int kBlockRowsBytes = kBlockKeys * kSwizzleRowBytes;  // 64 columns of a block of keys or values
static_assert(kPrefillTileRows == kPrefillGroups * kGroupRows, "tiles are made of whole parts");

using Scores = float[kBlockKeys / 2];

template <int kDim>
struct Rows {
  float output[kDim / 2];
  float max[2];  // of score · log2 e; rows lane/4 and lane/4 + 8
  float sum[2];  // this thread's share
};

/// Asks for output += weights · values. A tile of values has its columns in parts of 64, kBlockRowsBytes each.
template <int kDim>
__device__ inline void ask_outputs(float (&output)[kDim / 2], const std::uint32_t (&weights)[kBlockKeys / 4],
                                   const char* values) {
#pragma unroll
  for (int k = 0; k < kBlockKeys / 16; ++k) {
    const std::uint64_t v = transposed_tile_descriptor(values + k * 16 * kSwizzleRowBytes, kBlockRowsBytes);
    Wgmma<kDim>::run_from_registers(output, weights[4 * k], weights[4 * k + 1], weights[4 * k + 2], weights[4 * k + 3],
                                    v, true);
  }
}

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

/// Clears the values of keys from n_valid on: a weight of zero does not silence NaN. Both groups together.
template <int kDim>
__device__ void clear_values(char* values, int n_valid) {
  constexpr int kUnits = kDim * 2 / 16;  // 16-byte units of a key, in any order
  const int thread = static_cast<int>(threadIdx.x) - kGroupThreads;
  for (int i = thread; i < (kBlockKeys - n_valid) * kUnits; i += kPrefillGroups * kGroupThreads) {
    const int key = n_valid + i / kUnits, unit = i % kUnits;
    *reinterpret_cast<uint4*>(values + unit / 8 * kBlockRowsBytes + key * kSwizzleRowBytes + unit % 8 * 16) =
        make_uint4(0, 0, 0, 0);
  }
  fence_for_async();
  named_barrier(1, kPrefillGroups * kGroupThreads);
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

#pragma once
// A warp's part of a page in decode attention: sixteen tokens, a quarter of it. Tokens are the rows of both products
// and query heads their columns, eight a tile, since a KV head seldom has more. Included by decode_attention.cu only.

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/attention/decode_parts.cuh"
#include "kernels/attention/mma.cuh"
#include "kernels/attention/paged_cache.cuh"
#include "kernels/device/hopper.cuh"

namespace assay::kernels {

namespace {

using namespace hopper;

constexpr int kQuarters = 4;
constexpr int kQuarterTokens = 16;
constexpr int kTileHeads = 8;

/// Keys and values of a page lie in shared memory as in the cache: kParts rows of 64 columns for each token.
template <int kDim>
struct Stage {
  static constexpr int kParts = kDim / kSwizzleElements;
  static constexpr int kRows = 2 * kCachePageTokens * kParts;  // of keys and values
  static constexpr int kBytes = kRows * kSwizzleRowBytes;
  static constexpr int kValuesOffset = kBytes / 2;
  /// Of 16 bytes of a token's columns, the unit-th.
  static __device__ int offset(int token, int unit) {
    constexpr int kUnits = kSwizzleRowBytes / 16;
    return swizzled_offset(token * kParts + unit / kUnits, unit % kUnits);
  }
};

/// The group's query heads as the right operand, kTiles of them: those past the group are zero.
template <int kDim, int kTiles>
struct Queries {
  std::uint32_t pairs[kTiles][kDim / 16][2];

  __device__ void load(const __nv_bfloat16* q, int group) {
    const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
#pragma unroll
    for (int t = 0; t < kTiles; ++t) {
      const int head = kTileHeads * t + lane / 4;
#pragma unroll
      for (int i = 0; i < kDim / 8; ++i) {
        const __nv_bfloat16* from = q + head * kDim + 8 * i + 2 * (lane % 4);
        pairs[t][i / 2][i % 2] = head < group ? *reinterpret_cast<const std::uint32_t*>(from) : 0u;
      }
    }
  }
};

/// Running state of a warp: for each tile the heads 2·(lane % 4) and the next, of their outputs the columns lane / 4
/// and lane / 4 + 8 of every 16.
template <int kDim, int kTiles>
struct Running {
  float output[kTiles][kDim / 16][4] = {};
  float max[kTiles][2];
  float sum[kTiles][2] = {};  // of tokens 2·(lane / 8), the next, and the two eight further on

  __device__ Running() {
#pragma unroll
    for (int t = 0; t < kTiles; ++t) max[t][0] = max[t][1] = -INFINITY;
  }
};

/// The largest of the eight lanes that share a head.
__device__ inline float head_max(float v) {
  v = fmaxf(v, __shfl_xor_sync(0xFFFFFFFFu, v, 4));
  v = fmaxf(v, __shfl_xor_sync(0xFFFFFFFFu, v, 8));
  return fmaxf(v, __shfl_xor_sync(0xFFFFFFFFu, v, 16));
}

/// From scores of tokens lane / 4 and lane / 4 + 8 (i = 0, 2) to weights; what is left of the earlier pages is
/// `before`.
__device__ inline void weigh(float (&score)[4], int i, float& running_max, float& running_sum, float& before) {
  const float max = fmaxf(running_max, head_max(fmaxf(score[i], score[i + 2])));
  before = exp2f(running_max - max);  // 0 on the first page
  score[i] = exp2f(score[i] - max);
  score[i + 2] = exp2f(score[i + 2] - max);
  // An even token's lane and the odd one's next to it add the same four in the same order.
  const float other = __shfl_xor_sync(0xFFFFFFFFu, score[i], 4);
  const float other_far = __shfl_xor_sync(0xFFFFFFFFu, score[i + 2], 4);
  const bool is_odd = static_cast<int>(threadIdx.x) / 4 % 2 != 0;
  float sum = score[i] + other;
  sum += is_odd ? other_far : score[i + 2];
  sum += is_odd ? score[i + 2] : other_far;
  running_sum = fmaf(running_sum, before, sum);
  running_max = max;
}

/// This warp's 16 tokens of a page, of which the first n_valid (at most 16) count.
template <int kDim, int kTiles>
__device__ void attend_quarter(const char* page, int first_token, int n_valid, float scale_log2,
                               const Queries<kDim, kTiles>& q, Running<kDim, kTiles>& r) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const std::uint32_t keys = shared_address(page), values = keys + Stage<kDim>::kValuesOffset;
  float score[kTiles][4] = {};
  const int key_row = first_token + lane % 16, key_unit = lane / 16;
#pragma unroll
  for (int k = 0; k < kDim / 16; ++k) {
    std::uint32_t a[4];
    load_matrices(a, keys + Stage<kDim>::offset(key_row, 2 * k + key_unit));
#pragma unroll
    for (int t = 0; t < kTiles; ++t) multiply_16x8(score[t], a, q.pairs[t][k][0], q.pairs[t][k][1]);
  }
  const bool is_valid[2] = {lane / 4 < n_valid, lane / 4 + 8 < n_valid};
  std::uint32_t weights[kTiles][2];
#pragma unroll
  for (int t = 0; t < kTiles; ++t) {
    float before[2];
#pragma unroll
    for (int i = 0; i < 4; ++i) score[t][i] = is_valid[i / 2] ? score[t][i] * scale_log2 : -INFINITY;
#pragma unroll
    for (int h = 0; h < 2; ++h) weigh(score[t], h, r.max[t][h], r.sum[t][h], before[h]);
    // Times one changes nothing, and the largest score seldom changes.
    if (__any_sync(0xFFFFFFFFu, before[0] != 1.0f || before[1] != 1.0f)) {
#pragma unroll
      for (int j = 0; j < kDim / 16; ++j) {
#pragma unroll
        for (int i = 0; i < 4; ++i) r.output[t][j][i] *= before[i % 2];
      }
    }
    weights[t][0] = transpose_8x8(pack_bf16(score[t][0], score[t][1]));
    weights[t][1] = transpose_8x8(pack_bf16(score[t][2], score[t][3]));
  }
  // A weight of zero does not silence NaN, so the pairs of values past n_valid are cleared.
  const auto pair_mask = [&](int token) {
    return (token < n_valid ? 0x0000FFFFu : 0u) | (token + 1 < n_valid ? 0xFFFF0000u : 0u);
  };
  const std::uint32_t mask[2] = {pair_mask(2 * (lane % 4)), pair_mask(2 * (lane % 4) + 8)};
  const int value_row = first_token + lane % 8 + lane / 16 * 8, value_unit = lane / 8 % 2;
#pragma unroll
  for (int j = 0; j < kDim / 16; ++j) {
    std::uint32_t a[4];
    load_matrices_transposed(a, values + Stage<kDim>::offset(value_row, 2 * j + value_unit));
#pragma unroll
    for (int i = 0; i < 4; ++i) a[i] &= mask[i / 2];
#pragma unroll
    for (int t = 0; t < kTiles; ++t) multiply_16x8(r.output[t][j], a, weights[t][0], weights[t][1]);
  }
}

/// Puts down what this warp has, in float32: the part of each head, and the group's outputs [heads][kDim].
template <int kDim, int kTiles>
__device__ void put_quarter(const Running<kDim, kTiles>& r, int group, Part* parts, float* outputs) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
#pragma unroll
  for (int t = 0; t < kTiles; ++t) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const int head = kTileHeads * t + 2 * (lane % 4) + h;
      float sum = r.sum[t][h] + __shfl_xor_sync(0xFFFFFFFFu, r.sum[t][h], 8);
      sum += __shfl_xor_sync(0xFFFFFFFFu, sum, 16);
      if (lane / 4 == 0) parts[head] = {r.max[t][h], sum};
      if (head >= group) continue;
      float* to = outputs + head * kDim + lane / 4;
#pragma unroll
      for (int j = 0; j < kDim / 16; ++j) {
        to[16 * j] = r.output[t][j][h];
        to[16 * j + 8] = r.output[t][j][2 + h];
      }
    }
  }
}

}  // namespace

}  // namespace assay::kernels

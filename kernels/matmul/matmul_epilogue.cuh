#pragma once
// How a finished sum of a product leaves the registers, for the kernels of every path: a warp holds 16 weight rows by
// eight tokens (or the other way round) in each four of its sums, as mma.m16n8k16 and a warp's part of wgmma lay them.
// Whoever stores less than 32 bytes of a row at once makes memory take them twice. Device code only.

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/device/hopper.cuh"
#include "kernels/matmul/matmul_bf16.cuh"

namespace assay::kernels {

/// Where sums go.
struct MatmulOutput {
  Epilogue epilogue;
  int m_rows;
  const float* bias;
  void* y;
  std::int64_t y_stride, y_batch_stride;
};

namespace {

using namespace hopper;

/// silu(gate) · up with the special function unit's e^x and quotient: a few units in the last place of a float32, far
/// below the rounding to bfloat16 that follows, and the same in every tile.
__device__ inline float silu_times(float gate, float up) { return __fdividef(gate, 1.0f + __expf(-gate)) * up; }

/// Calls visit(index of a sum, address) for the elements of y that this thread holds.
template <int kTokens, class Visit>
__device__ void for_each_f32(const MatmulOutput& out, float* y, int own_row, int row_end, int token, Visit visit) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
#pragma unroll
  for (int j = 0; j < kTokens / 8; ++j) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int own_token = token + 8 * j + 2 * (lane % 4) + i;
      if (own_token >= out.m_rows) continue;
      float* to = y + own_token * out.y_stride + own_row;
      if (own_row < row_end) visit(4 * j + i, to);
      if (own_row + 8 < row_end) visit(4 * j + 2 + i, to + 8);
    }
  }
}

/// Stores a warp's sums of the 16 weight rows from `first_row` on, those before `row_end`, and kTokens tokens from
/// `token` on, those before m_rows.
template <int kTokens>
__device__ void store_warp_sums(const MatmulOutput& out, const float (&sums)[kTokens / 2], int first_row, int row_end,
                                int token, int batch) {
  const std::int64_t offset = batch * out.y_batch_stride;
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const int own_row = first_row + lane / 4;
  const bool has_low = own_row < row_end, has_high = own_row + 8 < row_end;
  const float bias_low = out.bias != nullptr && has_low ? out.bias[own_row] : 0.0f;
  const float bias_high = out.bias != nullptr && has_high ? out.bias[own_row + 8] : 0.0f;
  if (out.epilogue == Epilogue::store_f32) {
    for_each_f32<kTokens>(out, static_cast<float*>(out.y) + offset, own_row, row_end, token,
                          [&](int i, float* to) { *to = sums[i] + (i % 4 < 2 ? bias_low : bias_high); });
    return;
  }
  if (out.epilogue == Epilogue::add_f32) {
    for_each_f32<kTokens>(out, static_cast<float*>(out.y) + offset, own_row, row_end, token,
                          [&](int i, float* to) { add_in_memory(to, sums[i]); });
    return;
  }
  // 16-bit results are transposed eight by eight, so that four lanes hold a chunk of a row of y.
  auto* y = static_cast<__nv_bfloat16*>(out.y) + offset;
  constexpr int kColumns = kTokens / 8;
  if constexpr (kColumns == 1) {  // one or two chunks of a row: gathering them would take longer than it saves
    const int own_token = token + lane / 4;
    __nv_bfloat16* to = y + own_token * out.y_stride + 2 * (lane % 4);
    const auto store = [&](int column, bool is_there, float first, float second) {
      const std::uint32_t pair = transpose_8x8(pack_bf16(first, second));
      if (is_there && own_token < out.m_rows) *reinterpret_cast<std::uint32_t*>(to + column) = pair;
    };
    if (out.epilogue == Epilogue::swiglu_bf16) {
      store(first_row / 2, first_row < row_end, silu_times(sums[0], sums[2]), silu_times(sums[1], sums[3]));
    } else {
      store(first_row, first_row < row_end, sums[0] + bias_low, sums[1] + bias_low);
      store(first_row + 8, first_row + 8 < row_end, sums[2] + bias_high, sums[3] + bias_high);
    }
    return;
  }
  if (out.epilogue == Epilogue::swiglu_bf16) {
#pragma unroll
    for (int j = 0; j < kColumns; j += kChunks) {
      std::uint32_t words[kChunks] = {};
#pragma unroll
      for (int i = 0; i < kChunks && j + i < kColumns; ++i) {
        const float* s = sums + 4 * (j + i);
        words[i] = transpose_8x8(pack_bf16(silu_times(s[0], s[2]), silu_times(s[1], s[3])));
      }
      const uint4 chunk = own_chunk(words);
      const int column = j + lane % kChunks, own_token = token + 8 * column + lane / 4;
      if (column < kColumns && own_token < out.m_rows && first_row < row_end) {
        *reinterpret_cast<uint4*>(y + own_token * out.y_stride + first_row / 2) = chunk;
      }
    }
    return;
  }
#pragma unroll
  for (int j = 0; j < kColumns; j += kChunks / 2) {
    std::uint32_t words[kChunks] = {};
#pragma unroll
    for (int i = 0; i < kChunks / 2 && j + i < kColumns; ++i) {
      const float* s = sums + 4 * (j + i);
      words[2 * i] = transpose_8x8(pack_bf16(s[0] + bias_low, s[1] + bias_low));
      words[2 * i + 1] = transpose_8x8(pack_bf16(s[2] + bias_high, s[3] + bias_high));
    }
    const uint4 chunk = own_chunk(words);
    const int column = j + lane % kChunks / 2, own_token = token + 8 * column + lane / 4;
    const int row = first_row + lane % 2 * 8;
    if (column < kColumns && own_token < out.m_rows && row < row_end) {
      *reinterpret_cast<uint4*>(y + own_token * out.y_stride + row) = chunk;
    }
  }
}

/// The same where tokens are the rows of the product: a warp's sums of the 16 tokens from `token` on, those before
/// m_rows, and kColumns weight rows from `first_row` on, those before n_out.
template <int kColumns, float (*silu)(float, float) = silu_times>
__device__ void store_warp_columns(const MatmulOutput& out, const float (&sums)[kColumns / 2], int first_row, int n_out,
                                   int token) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads, pair = 2 * (lane % 4);
  constexpr int kBlocks = kColumns / 8;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int own_token = token + lane / 4 + 8 * half;
    const bool is_there = own_token < out.m_rows;
    const std::int64_t row = own_token * out.y_stride;
    const float* own = sums + 2 * half;  // its first two are this thread's of the first eight columns
    if (out.epilogue == Epilogue::add_f32) {
      float* y = static_cast<float*>(out.y) + row + first_row + pair;
#pragma unroll
      for (int j = 0; j < kBlocks; ++j) {
        if (is_there && first_row + 8 * j < n_out) add_in_memory(y + 8 * j, own[4 * j], own[4 * j + 1]);
      }
      continue;
    }
    if (out.epilogue == Epilogue::swiglu_bf16) {
      auto* y = static_cast<__nv_bfloat16*>(out.y) + row + first_row / 2;
      store_chunks<kBlocks / 2>(y, is_there ? (n_out - first_row) / 16 : 0, [&](int j) {
        const float* gate = own + 8 * j;
        return pack_bf16(silu(gate[0], gate[4]), silu(gate[1], gate[5]));
      });
      continue;
    }
    const auto with_bias = [&](int j) {
      const bool has_bias = out.bias != nullptr && first_row + 8 * j < n_out;
      const float2 bias =
          has_bias ? *reinterpret_cast<const float2*>(out.bias + first_row + 8 * j + pair) : float2{0.0f, 0.0f};
      return float2{own[4 * j] + bias.x, own[4 * j + 1] + bias.y};
    };
    if (out.epilogue == Epilogue::store_f32) {
      float* y = static_cast<float*>(out.y) + row + first_row + pair;
#pragma unroll
      for (int j = 0; j < kBlocks; ++j) {
        if (is_there && first_row + 8 * j < n_out) *reinterpret_cast<float2*>(y + 8 * j) = with_bias(j);
      }
      continue;
    }
    auto* y = static_cast<__nv_bfloat16*>(out.y) + row + first_row;
    store_chunks<kBlocks>(y, is_there ? (n_out - first_row) / 8 : 0, [&](int j) {
      const float2 sum = with_bias(j);
      return pack_bf16(sum.x, sum.y);
    });
  }
}

}  // namespace

}  // namespace assay::kernels

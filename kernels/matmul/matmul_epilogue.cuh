#pragma once
// How a finished sum of matmul_bf16 leaves the registers, for the kernels of every path: a warp holds 16 weight rows by
// eight tokens in each four of its sums, as mma.m16n8k16 and a warp's part of wgmma lay them. Device code only.

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

/// Calls visit(index of a sum, address) for the elements of y that this thread holds in kCount columns of eight tokens
/// from `column` on.
template <int kCount, class Visit>
__device__ void for_each_f32(const MatmulOutput& out, float* y, int column, int own_row, int row_end, int token,
                             Visit visit) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
#pragma unroll
  for (int j = 0; j < kCount; ++j) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int own_token = token + 8 * (column + j) + 2 * (lane % 4) + i;
      if (own_token >= out.m_rows) continue;
      float* to = y + own_token * out.y_stride + own_row;
      if (own_row < row_end) visit(4 * j + i, to);
      if (own_row + 8 < row_end) visit(4 * j + 2 + i, to + 8);
    }
  }
}

template <int kTokens>
__device__ void store_f32(const MatmulOutput& out, float* y, const float (&sums)[kTokens / 2], int own_row, int row_end,
                          int token, float bias_low, float bias_high) {
  for_each_f32<kTokens / 8>(out, y, 0, own_row, row_end, token,
                            [&](int i, float* to) { *to = sums[i] + (i % 4 < 2 ? bias_low : bias_high); });
}

/// y += sum. Many elements are read before the first is written: one after the other would each wait for memory.
template <int kTokens>
__device__ void add_f32(const MatmulOutput& out, float* y, const float (&sums)[kTokens / 2], int own_row, int row_end,
                        int token) {
  constexpr int kColumns = kTokens / 8, kAhead = kColumns < 8 ? kColumns : 8;
#pragma unroll
  for (int column = 0; column < kColumns; column += kAhead) {
    float old[4 * kAhead];
    for_each_f32<kAhead>(out, y, column, own_row, row_end, token, [&](int i, const float* from) { old[i] = *from; });
    for_each_f32<kAhead>(out, y, column, own_row, row_end, token,
                         [&](int i, float* to) { *to = old[i] + sums[4 * column + i]; });
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
    store_f32<kTokens>(out, static_cast<float*>(out.y) + offset, sums, own_row, row_end, token, bias_low, bias_high);
    return;
  }
  if (out.epilogue == Epilogue::add_f32) {
    add_f32<kTokens>(out, static_cast<float*>(out.y) + offset, sums, own_row, row_end, token);
    return;
  }
  // 16-bit results are transposed eight by eight, so that a thread stores two neighbours of a row of y.
  auto* y = static_cast<__nv_bfloat16*>(out.y) + offset;
#pragma unroll
  for (int j = 0; j < kTokens / 8; ++j) {
    const int own_token = token + 8 * j + lane / 4;
    const float* s = sums + 4 * j;
    if (out.epilogue == Epilogue::swiglu_bf16) {
      const std::uint32_t pair = transpose_8x8(pack_bf16(silu_times(s[0], s[2]), silu_times(s[1], s[3])));
      if (own_token >= out.m_rows || first_row >= row_end) continue;
      *reinterpret_cast<std::uint32_t*>(y + own_token * out.y_stride + first_row / 2 + 2 * (lane % 4)) = pair;
    } else {
      const std::uint32_t low = transpose_8x8(pack_bf16(s[0] + bias_low, s[1] + bias_low));
      const std::uint32_t high = transpose_8x8(pack_bf16(s[2] + bias_high, s[3] + bias_high));
      if (own_token >= out.m_rows) continue;
      __nv_bfloat16* to = y + own_token * out.y_stride + first_row + 2 * (lane % 4);
      if (first_row < row_end) *reinterpret_cast<std::uint32_t*>(to) = low;
      if (first_row + 8 < row_end) *reinterpret_cast<std::uint32_t*>(to + 8) = high;
    }
  }
}

/// The same where tokens are the rows of the product: a warp's sums of the 16 tokens from `token` on, those before
/// m_rows, and kColumns weight rows from `first_row` on, those before n_out.
template <int kColumns>
__device__ void store_warp_columns(const MatmulOutput& out, const float (&sums)[kColumns / 2], int first_row, int n_out,
                                   int token) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads, pair = 2 * (lane % 4);
  constexpr int kBlocks = kColumns / 8, kAhead = 8;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int own_token = token + lane / 4 + 8 * half;
    if (own_token >= out.m_rows) continue;
    const std::int64_t row = own_token * out.y_stride;
    if (out.epilogue == Epilogue::add_f32) {
      float* y = static_cast<float*>(out.y) + row + first_row + pair;
#pragma unroll
      for (int first = 0; first < kBlocks; first += kAhead) {
        float2 old[kAhead];
#pragma unroll
        for (int j = first; j < first + kAhead && j < kBlocks; ++j) {
          if (first_row + 8 * j < n_out) old[j - first] = *reinterpret_cast<const float2*>(y + 8 * j);
        }
#pragma unroll
        for (int j = first; j < first + kAhead && j < kBlocks; ++j) {
          const float2 sum{old[j - first].x + sums[4 * j + 2 * half], old[j - first].y + sums[4 * j + 2 * half + 1]};
          if (first_row + 8 * j < n_out) *reinterpret_cast<float2*>(y + 8 * j) = sum;
        }
      }
    } else if (out.epilogue == Epilogue::swiglu_bf16) {
      auto* y = static_cast<__nv_bfloat16*>(out.y) + row + first_row / 2 + pair;
#pragma unroll
      for (int j = 0; j < kBlocks; j += 2) {
        const float* gate = sums + 4 * j + 2 * half;
        if (first_row + 8 * j >= n_out) continue;
        *reinterpret_cast<std::uint32_t*>(y + 4 * j) =
            pack_bf16(silu_times(gate[0], gate[4]), silu_times(gate[1], gate[5]));
      }
    } else {
#pragma unroll
      for (int j = 0; j < kBlocks; ++j) {
        const int column = first_row + 8 * j + pair;
        if (first_row + 8 * j >= n_out) continue;
        const float2 bias =
            out.bias != nullptr ? *reinterpret_cast<const float2*>(out.bias + column) : float2{0.0f, 0.0f};
        const float2 sum{sums[4 * j + 2 * half] + bias.x, sums[4 * j + 2 * half + 1] + bias.y};
        if (out.epilogue == Epilogue::store_f32) {
          *reinterpret_cast<float2*>(static_cast<float*>(out.y) + row + column) = sum;
        } else {
          *reinterpret_cast<std::uint32_t*>(static_cast<__nv_bfloat16*>(out.y) + row + column) =
              pack_bf16(sum.x, sum.y);
        }
      }
    }
  }
}

}  // namespace

}  // namespace assay::kernels

#pragma once
// Prefill attention's core on the portable path: one tile of up to 128 positions over its keys, for sm_80 and later.
// Device code only; included by the kernels of prefill_attention.cuh and mla_prefill_attention.cuh.
//
// Eight warps have 16 rows each, their queries in registers. A block of 128 keys and its values are copied to shared
// memory in turns, so that one is on its way while the other is multiplied: products are mma.m16n8k16 over d and over
// the block's keys, everything else is prefill_rows.cuh's and the same as on Hopper. What lies past a sequence's last
// key arrives as zeros.

#include <cuda_runtime.h>

#include "kernels/attention/prefill_rows.cuh"
#include "kernels/device/copy_async.cuh"

namespace assay::kernels {

namespace {

using namespace hopper;

constexpr int kPrefillWarps = kPrefillTileRows / 16;
constexpr int kPrefillThreads = kPrefillWarps * kWarpThreads;

/// Widths of a query or key, and of a value. Rows lie in shared memory in parts of 64 columns, 128 bytes a row.
template <int qk_dim, int v_dim>
struct PrefillShape {
  static constexpr int kQk = qk_dim, kV = v_dim;
  static constexpr int kKeyBytes = kBlockKeys * qk_dim * 2, kValueBytes = kBlockKeys * v_dim * 2;
  static constexpr int kSharedBytes = kKeyBytes + kValueBytes;
  static_assert(kPrefillTileRows == kBlockKeys, "queries pass through the keys' place");
};

/// Asks for 128 rows of kDim columns; row_of(i, column) is an address in row i, rows from n_rows on become zeros. Eight
/// threads have 64 neighbouring columns of a row.
template <int kDim, class RowOf>
__device__ inline void copy_block(std::uint32_t to, int n_rows, RowOf row_of) {
  constexpr int kRowStep = kPrefillThreads / 8;
  const int first_row = static_cast<int>(threadIdx.x) / 8, unit = static_cast<int>(threadIdx.x) % 8;
#pragma unroll
  for (int i = 0; i < kBlockKeys / kRowStep; ++i) {
    const int row = first_row + i * kRowStep;
    const bool valid = row < n_rows;
#pragma unroll
    for (int part = 0; part < kDim / kSwizzleElements; ++part) {
      copy_unit_async(to + part * (kBlockKeys * kSwizzleRowBytes) + swizzled_offset(row, unit),
                      row_of(valid ? row : 0, part * kSwizzleElements) + unit * 8, valid);
    }
  }
}

/// Rows first_row … first_row + 15 of a block, as left operands.
template <int kDim>
__device__ inline void load_left(std::uint32_t (&out)[kDim / 16][4], std::uint32_t block, int first_row) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
#pragma unroll
  for (int k = 0; k < kDim / 16; ++k) {
    load_matrices(out[k], block + k / 4 * (kBlockKeys * kSwizzleRowBytes) +
                              swizzled_offset(first_row + lane % 16, 2 * (k % 4) + lane / 16));
  }
}

/// scores = q · keysᵀ, 16 rows by 128 keys.
template <int kDim>
__device__ inline void multiply_keys(Scores& scores, const std::uint32_t (&q)[kDim / 16][4], std::uint32_t keys) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
#pragma unroll
  for (int j = 0; j < kBlockKeys / 8; ++j) {
    auto& score = reinterpret_cast<float(&)[4]>(scores[4 * j]);
    score[0] = score[1] = score[2] = score[3] = 0;
#pragma unroll
    for (int k = 0; k < kDim / 16; k += 2) {
      std::uint32_t b[4];
      load_matrices(b, keys + k / 4 * (kBlockKeys * kSwizzleRowBytes) +
                           swizzled_offset(8 * j + lane % 8, 2 * (k % 4) + lane / 8));
      multiply_16x8(score, q[k], b[0], b[1]);
      multiply_16x8(score, q[k + 1], b[2], b[3]);
    }
  }
}

/// output += weights · values; the weights are what `scores` have become.
template <int kDim>
__device__ inline void multiply_values(float (&output)[kDim / 2], const Scores& scores, std::uint32_t values) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
#pragma unroll
  for (int k = 0; k < kBlockKeys / 16; ++k) {
    const float* s = scores + 8 * k;
    const std::uint32_t weights[4] = {pack_bf16(s[0], s[1]), pack_bf16(s[2], s[3]), pack_bf16(s[4], s[5]),
                                      pack_bf16(s[6], s[7])};
#pragma unroll
    for (int j = 0; j < kDim / 16; ++j) {
      std::uint32_t b[4];
      load_matrices_transposed(b, values + j / 4 * (kBlockKeys * kSwizzleRowBytes) +
                                      swizzled_offset(16 * k + lane % 16, 2 * (j % 4) + lane / 16));
      multiply_16x8(reinterpret_cast<float(&)[4]>(output[8 * j]), weights, b[0], b[1]);
      multiply_16x8(reinterpret_cast<float(&)[4]>(output[8 * j + 4]), weights, b[2], b[3]);
    }
  }
}

/// One tile of one head. `rows` says where things are: query(row, column) of the tile, key(u, column) and
/// value(u, column) of the sequence, each the address of 64 elements. out [tokens, heads, kV].
template <class Shape, class RowsOf>
__device__ void attend_tile(const PrefillTile& tile, const RowsOf& rows_of, float scale, __nv_bfloat16* out, int heads,
                            int head) {
  extern __shared__ __align__(1024) char memory[];
  const std::uint32_t keys = shared_address(memory), values = keys + Shape::kKeyBytes;
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads, lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const int own_position = tile.first_position + warp * 16 + lane / 4;
  const int n_blocks = (tile.first_position + tile.n_rows + kBlockKeys - 1) / kBlockKeys;
  const auto copy_keys = [&](int block) {
    const int first = block * kBlockKeys;
    if (block < n_blocks) {
      copy_block<Shape::kQk>(keys, tile.n_cached - first, [&](int row, int c) { return rows_of.key(first + row, c); });
    }
    close_copies();
  };
  const auto copy_values = [&](int block) {
    const int first = block * kBlockKeys;
    if (block < n_blocks) {
      copy_block<Shape::kV>(values, tile.n_cached - first,
                            [&](int row, int c) { return rows_of.value(first + row, c); });
    }
    close_copies();
  };
  copy_block<Shape::kQk>(keys, tile.n_rows, [&](int row, int c) { return rows_of.query(row, c); });
  close_copies();
  wait_for_copies<0>();
  __syncthreads();
  std::uint32_t q[Shape::kQk / 16][4];
  load_left<Shape::kQk>(q, keys, warp * 16);
  __syncthreads();
  copy_keys(0);
  copy_values(0);
  Rows<Shape::kV> rows = {};
  rows.max[0] = rows.max[1] = -INFINITY;
  for (int block = 0; block < n_blocks; ++block) {
    Scores scores;
    wait_for_copies<1>();
    __syncthreads();
    multiply_keys<Shape::kQk>(scores, q, keys);
    __syncthreads();
    copy_keys(block + 1);
    if ((block + 1) * kBlockKeys > tile.first_position + warp * 16) {
      mask_scores(scores, block * kBlockKeys, own_position);
    }
    take_block<Shape::kV>(scores, rows, scale * kLog2E);
    wait_for_copies<1>();
    __syncthreads();
    multiply_values<Shape::kV>(rows.output, scores, values);
    __syncthreads();
    copy_values(block + 1);
  }
  wait_for_copies<0>();
  store_rows<Shape::kV>(out, heads, tile, head, warp / 4, rows);
}

}  // namespace

}  // namespace assay::kernels

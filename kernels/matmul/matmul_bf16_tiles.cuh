#pragma once
// What the host side and the kernels of bfloat16 products agree on: the copies that fill a stage, and the tiles that
// exist (matmul_bf16_*.cu).

#include <cuda.h>

#include "kernels/matmul/matmul_bf16.cuh"

namespace assay::kernels {

constexpr int kBoxElements = 64;  ///< of k: as wide as the 128-byte swizzle

/// Boxes of k in a stage: two where tiles are small, to wait half as often.
constexpr int stage_boxes(int tokens, int groups) { return tokens <= 64 && groups == 1 ? 2 : 1; }

/// Row-major bfloat16 matrices of one shape, n of them.
struct StageMatrices {
  const void* address;
  std::int64_t n_rows;
  int n_columns;
  std::int64_t stride;  ///< elements from a row to the next
  int n = 1;
  std::int64_t batch_stride = 0;  ///< elements from a matrix to the next
};
/// One copy brings `boxes` boxes of `box_rows` rows, a box behind the other, if that is possible: coordinates 0, row,
/// box. Else it brings one box: column, row, matrix. (A map of all four dimensions is slower.)
constexpr bool joins_boxes(int n_columns, int n_matrices) { return n_columns % kBoxElements == 0 && n_matrices == 1; }
Result<CUtensorMap> stage_map(const StageMatrices& m, int box_rows, int boxes);

/// One product's parts, ready for a launch.
struct MatmulLaunch {
  const MatmulBf16Args* args;
  const MatmulPlan* plan;
  CUtensorMap w_map, x_map;
  int n_multiprocessors;
  cudaStream_t stream;
};

// Error{bad_input} if no tile of this plan was built.
Result<> launch_matmul_small(const MatmulLaunch& launch);   ///< 8 to 32 tokens
Result<> launch_matmul_medium(const MatmulLaunch& launch);  ///< 64 and 128
Result<> launch_matmul_large(const MatmulLaunch& launch);   ///< 256
Result<> launch_matmul_paired(const MatmulLaunch& launch);  ///< twice 64 or 128, for one product

}  // namespace assay::kernels

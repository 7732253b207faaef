#pragma once
// The tiles that exist, for matmul_fp8.cpp: host declarations of what matmul_fp8_*.cu instantiate.

#include <cuda.h>

#include "kernels/matmul/matmul_fp8.cuh"

namespace assay::kernels {

constexpr int kFp8BoxRows = 64;  ///< rows of x that one copy takes, or all of a smaller tile

/// One product's parts, ready for a launch.
struct MatmulFp8Launch {
  const MatmulFp8Args* args;
  const MatmulFp8Plan* plan;
  int n_multiprocessors;
  cudaStream_t stream;
};

/// A matrix of e4m3 rows as blocks of 128 of k: a copy takes box_rows rows of n_blocks neighbouring blocks, block by
/// block.
Result<CUtensorMap> fp8_blocks_map(const void* address, std::int64_t n_rows, int n_in, int box_rows, int n_blocks);

// Error{bad_input} if no tile of this plan was built.
Result<> launch_matmul_fp8_small(const MatmulFp8Launch& launch);  ///< up to 64 rows of x
Result<> launch_matmul_fp8_large(const MatmulFp8Launch& launch);  ///< 128 and 256

}  // namespace assay::kernels

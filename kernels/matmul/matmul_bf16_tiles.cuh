#pragma once
// The tiles that exist, for matmul_bf16.cpp: host declarations of what matmul_bf16_*.cu instantiate.

#include <cuda.h>

#include "kernels/matmul/matmul_bf16.cuh"

namespace assay::kernels {

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

}  // namespace assay::kernels

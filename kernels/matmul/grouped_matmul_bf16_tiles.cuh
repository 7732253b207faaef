#pragma once
// The tiles that exist, for grouped_matmul_bf16.cpp: host declarations of what grouped_matmul_bf16_*.cu instantiate.

#include <cuda.h>

#include "kernels/matmul/grouped_matmul_bf16.cuh"

namespace assay::kernels {

constexpr int kGroupedBoxRows = 64;  ///< rows of x that one copy takes, or all of a smaller tile

/// One launch's parts.
struct GroupedLaunch {
  const GroupedMatmulBf16Args* args;
  const MatmulPlan* plan;
  CUtensorMap w_map, x_map;
  int n_multiprocessors;
  cudaStream_t stream;
};

// Error{bad_input} if no tile of this plan was built.
Result<> launch_grouped_small(const GroupedLaunch& launch);  ///< 8 to 64 rows
Result<> launch_grouped_large(const GroupedLaunch& launch);  ///< 128 and 256

}  // namespace assay::kernels

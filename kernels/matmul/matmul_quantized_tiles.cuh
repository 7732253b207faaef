#pragma once
// The kernels that exist, for matmul_quantized.cpp: a file a type instantiates all tiles.

#include <cuda.h>

#include "kernels/matmul/matmul_quantized.cuh"

namespace assay::kernels {

/// One product's parts, ready for a launch.
struct QuantizedLaunch {
  const MatmulQuantizedArgs* args;
  const QuantizedPlan* plan;
  int n_multiprocessors;
  cudaStream_t stream;
};

/// Error{bad_input} if no tile of this plan was built.
template <WeightType type>
Result<> launch_quantized(const QuantizedLaunch& launch);

/// A map of rows of x in which a copy takes `tokens` rows and n_boxes times 64 elements.
Result<CUtensorMap> quantized_x_map(const MatmulQuantizedArgs& args, int tokens, int n_boxes);

}  // namespace assay::kernels

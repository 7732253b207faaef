#pragma once
// One way to launch a kernel. On Hopper's path a launch may overlap the tail of the one before it on its stream
// (programmatic dependent launch), so every kernel of that path calls wait_for_previous_grid() before it touches what
// others wrote or may still read; what it does before that (barriers, weights that never change) is hidden behind its
// predecessor.

#include <cuda_runtime.h>

#include <string_view>

#include "kernels/device/device.cuh"

namespace assay::kernels {

struct LaunchShape {
  dim3 grid;
  int n_threads = 0;
  std::size_t shared_bytes = 0;
  bool may_overlap = true;  ///< false: all before it on its stream is done when it starts
  int cluster_blocks = 1;   ///< blocks that run together; divides the grid
};

/// Launches `kernel` on the stream. Above 48 KiB of shared memory the kernel must have been given its limit.
template <class... Parameters, class... Arguments>
Result<> launch(std::string_view what, void (*kernel)(Parameters...), const LaunchShape& shape, cudaStream_t stream,
                Arguments&&... arguments) {
  cudaLaunchAttribute attributes[2] = {};
  unsigned n_attributes = 0;
  if (cuda_path() == CudaPath::hopper && shape.may_overlap) {
    attributes[n_attributes].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[n_attributes++].val.programmaticStreamSerializationAllowed = 1;
  }
  if (shape.cluster_blocks > 1) {
    attributes[n_attributes].id = cudaLaunchAttributeClusterDimension;
    attributes[n_attributes++].val.clusterDim = {static_cast<unsigned>(shape.cluster_blocks), 1, 1};
  }
  cudaLaunchConfig_t config = {};
  config.gridDim = shape.grid;
  config.blockDim = dim3(static_cast<unsigned>(shape.n_threads));
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream;
  config.attrs = attributes;
  config.numAttrs = n_attributes;
  return check(cudaLaunchKernelEx(&config, kernel, Parameters(arguments)...), what);
}

/// Lets a kernel use `bytes` of dynamic shared memory. Once per kernel and device, in set-up or before the first
/// launch.
template <class Kernel>
Result<> allow_shared_memory(Kernel kernel, std::size_t bytes) {
  return check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
               "shared memory of a kernel");
}

}  // namespace assay::kernels

// A plain read of device memory: sixteen bytes a load, eight loads in flight a thread, summed into a word that is only
// stored if it takes a value that random data practically never gives.

#include "kernels/device/ceiling.cuh"

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kThreads = 512, kLoads = 8;

__global__ void read_kernel(const uint4* memory, std::size_t n_vectors, unsigned* sink) {
  hopper::wait_for_previous_grid();
  unsigned sum = 0;
  const std::size_t stride = static_cast<std::size_t>(gridDim.x) * kThreads;
  std::size_t at = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  for (; at + (kLoads - 1) * stride < n_vectors; at += kLoads * stride) {
    uint4 v[kLoads];
#pragma unroll
    for (int i = 0; i < kLoads; ++i) v[i] = __ldcs(memory + at + i * stride);
#pragma unroll
    for (int i = 0; i < kLoads; ++i) sum ^= v[i].x + v[i].y + v[i].z + v[i].w;
  }
  for (; at < n_vectors; at += stride) sum ^= memory[at].x;
  if (sum == 0x9E3779B9u) *sink = sum;
}

}  // namespace

Result<> read_all(const void* memory, std::size_t n_bytes, unsigned* sink, cudaStream_t stream) {
  int device = 0, n_multiprocessors = 0;
  ASSAY_TRY(check(cudaGetDevice(&device), "CUDA device"));
  ASSAY_TRY(check(cudaDeviceGetAttribute(&n_multiprocessors, cudaDevAttrMultiProcessorCount, device), "CUDA device"));
  return launch("read_all", read_kernel, {dim3(static_cast<unsigned>(4 * n_multiprocessors)), kThreads}, stream,
                static_cast<const uint4*>(memory), n_bytes / sizeof(uint4), sink);
}

}  // namespace assay::kernels

// Sampling on the portable path: one block a row, which reads its logits from the L2 cache each time. Contract in
// sample_rows.cuh, kernel in sample_rows.inl.

#include "kernels/sampling/sample_rows_portable.cuh"

#include <cuda_runtime.h>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr unsigned kBlocks = 1;
constexpr int kThreads = 1024;  // one for each bucket of a histogram
constexpr bool kKeepsRow = false;

__device__ unsigned team_rank() { return 0; }
__device__ void team_arrive() {}
__device__ void team_wait() { __syncthreads(); }
template <class T>
__device__ T* in_block(T* place, unsigned) {
  return place;
}

}  // namespace

}  // namespace assay::kernels

#include "kernels/sampling/sample_rows.inl"

namespace assay::kernels {

namespace {

__global__ void __launch_bounds__(kThreads) portable_sample_kernel(SampleRowsArgs a) { sample_row(a, nullptr); }

}  // namespace

Result<> launch_portable_sample_rows(const SampleRowsArgs& args, cudaStream_t stream) {
  return launch("sample_rows", portable_sample_kernel, {dim3(static_cast<unsigned>(args.rows)), kThreads}, stream,
                args);
}

}  // namespace assay::kernels

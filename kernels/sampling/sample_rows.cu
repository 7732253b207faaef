// Sampling on Hopper: a cluster of eight blocks a row. Contract in sample_rows.cuh, kernel in sample_rows.inl.

#include "kernels/sampling/sample_rows.cuh"

#include <cuda_runtime.h>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/once_per_device.cuh"
#include "kernels/sampling/sample_rows_portable.cuh"

namespace assay::kernels {

namespace {

constexpr unsigned kBlocks = 8;
constexpr int kThreads = 512;
constexpr int kResidentBlocks = 3;  // on a multiprocessor, at vocabularies of up to 137,000
constexpr bool kKeepsRow = true;

__device__ unsigned team_rank() { return hopper::cluster_rank(); }
__device__ void team_arrive() { hopper::cluster_arrive(); }
__device__ void team_wait() { hopper::cluster_wait(); }
template <class T>
__device__ T* in_block(T* place, unsigned rank) {
  return hopper::in_block(place, rank);
}

}  // namespace

}  // namespace assay::kernels

#include "kernels/sampling/sample_rows.inl"

namespace assay::kernels {

namespace {

__global__ void __cluster_dims__(kBlocks) __launch_bounds__(kThreads, kResidentBlocks) sample_kernel(SampleRowsArgs a) {
  extern __shared__ float4 kept[];
  sample_row(a, kept);
}

}  // namespace

Result<> sample_rows(const SampleRowsArgs& args, cudaStream_t stream) {
  if (args.vocab < 1 || args.vocab > kMaxSampledVocab || args.logits_stride < args.vocab) {
    return bad_input("sample_rows: vocab is ", args.vocab, ", must be 1 to ", kMaxSampledVocab, "; rows lie ",
                     args.logits_stride, " apart");
  }
  if (args.rows == 0) return {};
  if (cuda_path() == CudaPath::portable) return launch_portable_sample_rows(args, stream);
  const auto shared_bytes = [](int vocab) {
    return (static_cast<std::size_t>(vocab) + 4 * kBlocks - 1) / (4 * kBlocks) * sizeof(float4);
  };
  static OncePerDevice<> allowed;
  ASSAY_TRY(allowed([&] { return allow_shared_memory(sample_kernel, shared_bytes(kMaxSampledVocab)); }));
  return launch("sample_rows", sample_kernel,
                {dim3(static_cast<unsigned>(args.rows) * kBlocks), kThreads, shared_bytes(args.vocab)}, stream, args);
}

}  // namespace assay::kernels

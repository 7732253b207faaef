// What is done with the parts of all ranks once they lie in this rank's memory: contracts in process_ranks.cuh.
//   Memory-bound: reads the parts once, reads and writes the result once. An element's sum is made by one thread, in
//   the order of the ranks, each addition rounded once, as in collective.cu.

#include <algorithm>

#include "kernels/collective/process_ranks.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kSumThreads = 256;
constexpr std::int64_t kMostSumBlocks = 1056;  // eight a multiprocessor

LaunchShape sum_shape(std::int64_t n_vectors) {
  const std::int64_t n = std::clamp<std::int64_t>((n_vectors + kSumThreads - 1) / kSumThreads, 1, kMostSumBlocks);
  // Behind NCCL's kernels, which don't say that the next one may start.
  return {.grid = dim3(static_cast<unsigned>(n)), .n_threads = kSumThreads, .may_overlap = false};
}

__device__ float4 plus(const float4& a, const float4& b) { return {a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w}; }

__global__ void add_gathered_kernel(const float4* gathered, int n_ranks, std::int64_t n_vectors, float4* x) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n_vectors; i += step) {
    float4 sum = gathered[i];
    for (int rank = 1; rank < n_ranks; ++rank) sum = plus(sum, gathered[rank * n_vectors + i]);
    x[i] = plus(x[i], sum);
  }
}

__global__ void place_columns_kernel(const float4* gathered, int n_ranks, std::int64_t n_rank_vectors,
                                     std::int64_t width, float4* out) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x, n = n_ranks * n_rank_vectors;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += step) {
    const std::int64_t rank = i / n_rank_vectors, at = i % n_rank_vectors;
    out[at / width * (n_ranks * width) + rank * width + at % width] = gathered[i];
  }
}

}  // namespace

Result<> add_gathered(const float* gathered, int n_ranks, std::int64_t n, float* x, cudaStream_t stream) {
  if (n % 4 != 0) return bad_input("add_gathered: n is ", n, ", must be a multiple of 4");
  if (n == 0) return {};
  return launch("add_gathered", add_gathered_kernel, sum_shape(n / 4), stream,
                reinterpret_cast<const float4*>(gathered), n_ranks, n / 4, reinterpret_cast<float4*>(x));
}

Result<> place_columns(const float* gathered, int n_ranks, std::int64_t rows, std::int64_t width, float* out,
                       cudaStream_t stream) {
  if (width % 4 != 0) return bad_input("place_columns: rows of ", width, ", must be a multiple of 4");
  if (rows == 0) return {};
  return launch("place_columns", place_columns_kernel, sum_shape(n_ranks * rows * width / 4), stream,
                reinterpret_cast<const float4*>(gathered), n_ranks, rows * width / 4, width / 4,
                reinterpret_cast<float4*>(out));
}

}  // namespace assay::kernels

// Contract in gpu_kernels.cuh. Reads: sixteen bytes a load, eight loads in flight a thread, summed into a word that is
// only stored if it takes a value that random data practically never gives.

#include "kernels/ceilings/gpu_kernels.cuh"

#include <cuda_runtime.h>

#include "kernels/attention/mma.cuh"
#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kThreads = 512, kAhead = 8;

/// Calls move(first, stride) for each run of kAhead vectors that a thread has, and one(at) for what is left.
template <class Many, class One>
__device__ void for_vectors(std::size_t n_vectors, const Many& many, const One& one) {
  const std::size_t stride = static_cast<std::size_t>(gridDim.x) * kThreads;
  std::size_t at = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  for (; at + (kAhead - 1) * stride < n_vectors; at += kAhead * stride) many(at, stride);
  for (; at < n_vectors; at += stride) one(at);
}

__global__ void read_kernel(const uint4* memory, std::size_t n_vectors, unsigned* sink) {
  hopper::wait_for_previous_grid();
  unsigned sum = 0;
  for_vectors(
      n_vectors,
      [&](std::size_t at, std::size_t stride) {
        uint4 v[kAhead];
#pragma unroll
        for (int i = 0; i < kAhead; ++i) v[i] = __ldcs(memory + at + i * stride);
#pragma unroll
        for (int i = 0; i < kAhead; ++i) sum ^= v[i].x + v[i].y + v[i].z + v[i].w;
      },
      [&](std::size_t at) { sum ^= memory[at].x; });
  if (sum == 0x9E3779B9u) *sink = sum;
}

__global__ void write_kernel(uint4* memory, std::size_t n_vectors) {
  hopper::wait_for_previous_grid();
  const uint4 value{blockIdx.x, threadIdx.x, 0x7F4A7C15u, 0x9E3779B9u};
  for_vectors(
      n_vectors,
      [&](std::size_t at, std::size_t stride) {
#pragma unroll
        for (int i = 0; i < kAhead; ++i) __stcs(memory + at + i * stride, value);
      },
      [&](std::size_t at) { memory[at] = value; });
}

__global__ void copy_kernel(const uint4* from, uint4* to, std::size_t n_vectors) {
  hopper::wait_for_previous_grid();
  for_vectors(
      n_vectors,
      [&](std::size_t at, std::size_t stride) {
        uint4 v[kAhead];
#pragma unroll
        for (int i = 0; i < kAhead; ++i) v[i] = __ldcs(from + at + i * stride);
#pragma unroll
        for (int i = 0; i < kAhead; ++i) __stcs(to + at + i * stride, v[i]);
      },
      [&](std::size_t at) { to[at] = from[at]; });
}

Result<LaunchShape> memory_shape() {
  int device = 0, n_multiprocessors = 0;
  ASSAY_TRY(check(cudaGetDevice(&device), "CUDA device"));
  ASSAY_TRY(check(cudaDeviceGetAttribute(&n_multiprocessors, cudaDevAttrMultiProcessorCount, device), "CUDA device"));
  return LaunchShape{dim3(static_cast<unsigned>(4 * n_multiprocessors)), kThreads};
}

// ---- arithmetic

constexpr int kMmaChains = 8, kMmaBlocks = 2, kMmaRound = 16;
constexpr int kFmaChains = 16, kFmaBlocks = 4, kFmaRound = 64;

/// Two bfloat16 of about 1, of either sign.
__device__ std::uint32_t some_pair(std::uint32_t seed) {
  std::uint32_t x = (seed + 1) * 0x9E3779B9u;
  x ^= x >> 15;
  return 0x3F803F80u | (x & 0x807F807Fu);
}

__global__ void __launch_bounds__(kThreads) mma_kernel(int n_rounds, float* sink) {
  float d[kMmaChains][4] = {};
  const std::uint32_t a[4] = {some_pair(threadIdx.x), some_pair(threadIdx.x + 1000), some_pair(threadIdx.x + 2000),
                              some_pair(threadIdx.x + 3000)};
  const std::uint32_t b0 = some_pair(threadIdx.x + 4000), b1 = some_pair(threadIdx.x + 5000);
  for (int round = 0; round < n_rounds; ++round) {
#pragma unroll
    for (int i = 0; i < kMmaRound; ++i) hopper::multiply_16x8(d[i % kMmaChains], a, b0, b1);
  }
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kMmaChains; ++i) sum += d[i][0] + d[i][1] + d[i][2] + d[i][3];
  if (sum == 0.12345f) *sink = sum;
}

__global__ void __launch_bounds__(kThreads) fma_kernel(int n_rounds, float* sink) {
  float d[kFmaChains];
#pragma unroll
  for (int i = 0; i < kFmaChains; ++i) d[i] = static_cast<float>(threadIdx.x + i) * 1e-3f;
  const float a = 1.0f - 1e-6f * static_cast<float>(threadIdx.x), b = 1e-5f;
  for (int round = 0; round < n_rounds; ++round) {
#pragma unroll
    for (int i = 0; i < kFmaRound; ++i) d[i % kFmaChains] = __fmaf_rn(d[i % kFmaChains], a, b);
  }
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kFmaChains; ++i) sum += d[i];
  if (sum == 0.12345f) *sink = sum;
}

// ---- starts and barriers

__global__ void nothing_kernel() { hopper::wait_for_previous_grid(); }

__global__ void host_kernel(const volatile std::uint32_t* go) {
  constexpr std::uint64_t kMostNs = 10'000'000'000ull;
  std::uint64_t start = 0, now = 0;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start));
  while (*go == 0) {
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    if (now - start > kMostNs) return;
  }
}

__global__ void __launch_bounds__(kThreads) barrier_kernel(int n_barriers, std::uint32_t* arrived) {
  for (int i = 1; i <= n_barriers; ++i) {
    __syncthreads();
    if (threadIdx.x == 0) {
      const std::uint32_t all = gridDim.x * static_cast<std::uint32_t>(i);
      __threadfence();
      atomicAdd(arrived, 1u);
      std::uint32_t now = 0;
      do {
        asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(now) : "l"(arrived) : "memory");
      } while (now < all);
    }
    __syncthreads();
  }
}

}  // namespace

Result<> read_all(const void* memory, std::size_t n_bytes, unsigned* sink, cudaStream_t stream) {
  ASSAY_ASSIGN(const LaunchShape shape, memory_shape());
  return launch("read_all", read_kernel, shape, stream, static_cast<const uint4*>(memory), n_bytes / sizeof(uint4),
                sink);
}

Result<> write_all(void* memory, std::size_t n_bytes, cudaStream_t stream) {
  ASSAY_ASSIGN(const LaunchShape shape, memory_shape());
  return launch("write_all", write_kernel, shape, stream, static_cast<uint4*>(memory), n_bytes / sizeof(uint4));
}

Result<> copy_all(const void* from, void* to, std::size_t n_bytes, cudaStream_t stream) {
  ASSAY_ASSIGN(const LaunchShape shape, memory_shape());
  return launch("copy_all", copy_kernel, shape, stream, static_cast<const uint4*>(from), static_cast<uint4*>(to),
                n_bytes / sizeof(uint4));
}

double mma_flop(int n_multiprocessors, int n_rounds) {
  constexpr double kFlop = 2.0 * 16 * 8 * 16, kWarps = kThreads / 32;
  return kFlop * kMmaRound * kWarps * kMmaBlocks * n_multiprocessors * n_rounds;
}
Result<> run_mma(int n_multiprocessors, int n_rounds, float* sink, cudaStream_t stream) {
  const LaunchShape shape{dim3(static_cast<unsigned>(kMmaBlocks * n_multiprocessors)), kThreads, 0, false};
  return launch("run_mma", mma_kernel, shape, stream, n_rounds, sink);
}

double fma_flop(int n_multiprocessors, int n_rounds) {
  return 2.0 * kFmaRound * kThreads * kFmaBlocks * n_multiprocessors * n_rounds;
}
Result<> run_fma(int n_multiprocessors, int n_rounds, float* sink, cudaStream_t stream) {
  const LaunchShape shape{dim3(static_cast<unsigned>(kFmaBlocks * n_multiprocessors)), kThreads, 0, false};
  return launch("run_fma", fma_kernel, shape, stream, n_rounds, sink);
}

Result<> run_nothing(bool may_overlap, cudaStream_t stream) {
  return launch("run_nothing", nothing_kernel, {dim3(1), 32, 0, may_overlap}, stream);
}

Result<> wait_for_host(const volatile std::uint32_t* go, cudaStream_t stream) {
  return launch("wait_for_host", host_kernel, {dim3(1), 1, 0, false}, stream, go);
}

Result<> run_grid_barriers(int n_multiprocessors, int n_barriers, std::uint32_t* arrived, cudaStream_t stream) {
  void* arguments[] = {&n_barriers, &arrived};
  return check(
      cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(barrier_kernel),
                                  dim3(static_cast<unsigned>(n_multiprocessors)), dim3(kThreads), arguments, 0, stream),
      "run_grid_barriers");
}

}  // namespace assay::kernels

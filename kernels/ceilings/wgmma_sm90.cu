// Warpgroup products on operands that lie in shared memory from the start: the most that Hopper's tensor cores give at
// the clocks that power leaves them. Contract in gpu_kernels.cuh.
//   A round goes four times over a row of 128 bytes of k, 64 bfloat16 or 128 e4m3, in four products. Two groups of
//   64 x 256 sums in bfloat16, four of 64 x 128 in FP8, so that one group's products run while another's end.

#include <cuda_runtime.h>

#include "kernels/ceilings/gpu_kernels.cuh"
#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/once_per_device.cuh"
#include "kernels/device/wgmma.cuh"

namespace assay::kernels {

namespace {

constexpr int kRows = 64, kStepsOfRow = 4, kStepsPerRound = 16, kRoundsOfSum = 16;

template <ProductType kType>
struct Shape;
template <>
struct Shape<ProductType::bf16> {
  using Product = hopper::Wgmma<256>;
  static constexpr int kGroups = 2, kColumns = 256, kDepth = 64;
};
template <>
struct Shape<ProductType::fp8> {
  using Product = hopper::WgmmaFp8<128>;
  static constexpr int kGroups = 4, kColumns = 128, kDepth = 128;
};

template <ProductType kType>
constexpr int kThreadsOf = Shape<kType>::kGroups* hopper::kGroupThreads;
template <ProductType kType>
constexpr std::size_t kSharedBytes =
    (kRows * Shape<kType>::kGroups + Shape<kType>::kColumns) * hopper::kSwizzleRowBytes;

/// Words of values of either sign below 2 that are no NaN, in either type.
template <ProductType kType>
__device__ std::uint32_t some_word(std::uint32_t index) {
  std::uint32_t x = (index + blockIdx.x * 7919u + 1) * 0x9E3779B9u;
  x = (x ^ (x >> 16)) * 0x7FEB352Du;
  x ^= x >> 15;
  return kType == ProductType::bf16 ? (x & 0x80FF80FFu) | 0x3F003F00u : x & 0xBFBFBFBFu;
}

template <ProductType kType>
__global__ void __launch_bounds__(kThreadsOf<kType>, 1) wgmma_kernel(int n_rounds, float* sink) {
  using S = Shape<kType>;
  extern __shared__ __align__(1024) std::uint8_t tiles[];
  for (std::uint32_t i = threadIdx.x; i < kSharedBytes<kType> / 4; i += blockDim.x) {
    reinterpret_cast<std::uint32_t*>(tiles)[i] = some_word<kType>(i);
  }
  hopper::fence_for_async();
  __syncthreads();
  const int group = hopper::warp_uniform(static_cast<int>(threadIdx.x) / hopper::kGroupThreads);
  constexpr int kGroupBytes = kRows * hopper::kSwizzleRowBytes;
  const std::uint64_t a = hopper::tile_descriptor(tiles + group * kGroupBytes);
  const std::uint64_t b = hopper::tile_descriptor(tiles + S::kGroups * kGroupBytes);
  float d[S::Product::kRegisters];  // the first product of a sum starts at zero
#pragma unroll 1
  for (int round = 0; round < n_rounds; ++round) {
    hopper::products_begin();
#pragma unroll
    for (int step = 0; step < kStepsPerRound; ++step) {
      const int offset = 2 * (step % kStepsOfRow);
      S::Product::run(d, a + offset, b + offset, step != 0 || round % kRoundsOfSum != 0);
    }
    hopper::products_commit();
    hopper::products_wait<1>();
  }
  hopper::products_wait<0>();
  hopper::pin_sums(d);
  float sum = 0;
#pragma unroll
  for (const float value : d) sum += value;
  if (sum == 0.12345f) *sink = sum;
}

template <ProductType kType>
Result<> launch_wgmma(int n_multiprocessors, int n_rounds, float* sink, cudaStream_t stream) {
  static OncePerDevice<> allowed;
  ASSAY_TRY(allowed([] { return allow_shared_memory(wgmma_kernel<kType>, kSharedBytes<kType>); }));
  const LaunchShape shape{dim3(static_cast<unsigned>(n_multiprocessors)), kThreadsOf<kType>, kSharedBytes<kType>,
                          false};
  return launch("run_wgmma", wgmma_kernel<kType>, shape, stream, n_rounds, sink);
}

template <ProductType kType>
double flop_of() {
  constexpr double kRowsOfRound = 1.0 * kStepsPerRound / kStepsOfRow;
  return 2.0 * kRows * Shape<kType>::kColumns * Shape<kType>::kDepth * Shape<kType>::kGroups * kRowsOfRound;
}

}  // namespace

double wgmma_flop(ProductType type, int n_multiprocessors, int n_rounds) {
  const double flop = type == ProductType::bf16 ? flop_of<ProductType::bf16>() : flop_of<ProductType::fp8>();
  return flop * n_multiprocessors * n_rounds;
}

Result<> run_wgmma(ProductType type, int n_multiprocessors, int n_rounds, float* sink, cudaStream_t stream) {
  return type == ProductType::bf16 ? launch_wgmma<ProductType::bf16>(n_multiprocessors, n_rounds, sink, stream)
                                   : launch_wgmma<ProductType::fp8>(n_multiprocessors, n_rounds, sink, stream);
}

}  // namespace assay::kernels

#include "kernels/device/fill_random.cuh"

#include <cuda_runtime.h>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

/// A hash of the index in place of a generator: every element on its own.
__device__ std::uint32_t hashed(std::uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7FEB352Du;
  x = (x ^ (x >> 15)) * 0x846CA68Bu;
  return x ^ (x >> 16);
}

__global__ void fill_random_kernel(__nv_bfloat16* values, std::size_t n, float spread, std::uint32_t seed) {
  hopper::wait_for_previous_grid();
  const std::size_t stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += stride) {
    const std::uint32_t bits =
        hashed(static_cast<std::uint32_t>(i) ^ hashed(seed + static_cast<std::uint32_t>(i >> 32)));
    values[i] = __float2bfloat16_rn((static_cast<float>(bits >> 8) * 0x1p-23f - 1.0f) * spread);
  }
}

}  // namespace

Result<> fill_random(std::span<__nv_bfloat16> values, float spread, std::uint32_t seed, cudaStream_t stream) {
  if (values.empty()) return {};
  return launch("fill_random", fill_random_kernel, {dim3(2048), 256}, stream, values.data(), values.size(), spread,
                seed);
}

}  // namespace assay::kernels

#pragma once
// Random inputs made on the device: what benchmarks run on.

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstdint>
#include <span>

#include "kernels/device/device.cuh"

namespace assay::kernels {

/// Fills with values spread evenly over ±spread: never zeros, which run faster than real data.
Result<> fill_random(std::span<__nv_bfloat16> values, float spread, std::uint32_t seed, cudaStream_t stream);

}  // namespace assay::kernels

#pragma once
// What runs on a GPU to find its ceilings. Wrappers launch on the stream, and neither wait nor allocate.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "kernels/device/device.cuh"

namespace assay::kernels {

// ---- memory: n_bytes (a multiple of 16) by 16-byte accesses of all multiprocessors.

/// `sink` (one word) keeps the loads alive.
Result<> read_all(const void* memory, std::size_t n_bytes, unsigned* sink, cudaStream_t stream);
Result<> write_all(void* memory, std::size_t n_bytes, cudaStream_t stream);
Result<> copy_all(const void* from, void* to, std::size_t n_bytes, cudaStream_t stream);

// ---- arithmetic: instructions alone, on operands that are at hand. `sink` [1] keeps the results alive.

enum class ProductType { bf16, fp8 };
/// Operations of one launch: n_rounds rounds on every multiprocessor.
double wgmma_flop(ProductType type, int n_multiprocessors, int n_rounds);
/// Hopper's warpgroup products, both operands in shared memory: random values of either sign.
Result<> run_wgmma(ProductType type, int n_multiprocessors, int n_rounds, float* sink, cudaStream_t stream);
/// mma.m16n8k16 in bfloat16, operands in registers: what GPUs have that are no Hopper.
double mma_flop(int n_multiprocessors, int n_rounds);
Result<> run_mma(int n_multiprocessors, int n_rounds, float* sink, cudaStream_t stream);
/// Fused multiply-adds of float32 on the ordinary units.
double fma_flop(int n_multiprocessors, int n_rounds);
Result<> run_fma(int n_multiprocessors, int n_rounds, float* sink, cudaStream_t stream);

// ---- starts and barriers

/// A kernel that does nothing. It waits for what is before it on the stream; `may_overlap`: as launch.cuh says.
Result<> run_nothing(bool may_overlap, cudaStream_t stream);
/// Waits until *go (in host memory) is not 0, but no longer than ten seconds.
Result<> wait_for_host(const volatile std::uint32_t* go, cudaStream_t stream);
/// A block of 512 threads on every multiprocessor, which all wait for each other n_barriers times. `arrived` [1] is 0.
Result<> run_grid_barriers(int n_multiprocessors, int n_barriers, std::uint32_t* arrived, cudaStream_t stream);

}  // namespace assay::kernels

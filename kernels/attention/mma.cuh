#pragma once
// A warp's products and loads from swizzled tiles. Device code only.
// Source: NVIDIA, Parallel Thread Execution ISA 8.x, sections on mma.m16n8k16 and ldmatrix.

#include <cstdint>

#include "kernels/device/hopper.cuh"

namespace assay::kernels::hopper {

constexpr float kLog2E = 1.4426950408889634f;

/// 2 to the x in one instruction, to about 22 bits; 0 where it would be below 2^-126.
__device__ inline float exp2_approximately(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/// d[16, 8] += a[16, 16] · b[16, 8], bfloat16 in, float32 out. Lane l holds rows l/4 and l/4 + 8, columns 2·(l%4) and
/// the next: d[0], d[1] of the first row, d[2], d[3] of the second.
__device__ inline void multiply_16x8(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/// Four 8 x 8 matrices; lanes 8i … 8i+7 give the rows' addresses of matrix i.
__device__ inline void load_matrices(std::uint32_t (&m)[4], std::uint32_t row_address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(m[0]), "=r"(m[1]), "=r"(m[2]), "=r"(m[3])
               : "r"(row_address)
               : "memory");
}
__device__ inline void load_matrices_transposed(std::uint32_t (&m)[4], std::uint32_t row_address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(m[0]), "=r"(m[1]), "=r"(m[2]), "=r"(m[3])
               : "r"(row_address)
               : "memory");
}

/// Where 16-byte unit `unit` of row `row` lies in a tile of 64-element rows that the copy engine swizzled.
__device__ inline std::uint32_t swizzled_offset(int row, int unit) {
  return static_cast<std::uint32_t>(row * kSwizzleRowBytes + ((unit ^ (row & 7)) * 16));
}

/// Waits for n_threads threads of the block at barrier `id` (1 … 15).
__device__ inline void named_barrier(int id, int n_threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(n_threads) : "memory");
}

}  // namespace assay::kernels::hopper

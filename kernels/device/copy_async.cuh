#pragma once
// Copies to shared memory behind a thread's back, on every device from sm_80 on (cp.async). Device code only.
//   A thread's copies are closed into groups; it waits until at most so many of its latest groups are unfinished. Other
//   threads' copies are there after a barrier behind their waits.
// Source: NVIDIA, Parallel Thread Execution ISA 8.x, section on cp.async.

#include "kernels/device/hopper.cuh"

namespace assay::kernels {

/// Sixteen bytes, or zeros in their place: `from` must be an address even then, but is not read.
__device__ inline void copy_unit_async(std::uint32_t to, const void* from, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(valid ? 16 : 0) : "memory");
}
__device__ inline void close_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int kLeft>
__device__ inline void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kLeft) : "memory");
}

}  // namespace assay::kernels

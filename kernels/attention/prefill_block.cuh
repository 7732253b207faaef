#pragma once
// A prefill block's products on Hopper, for 64 rows in the registers of a warpgroup. Device code only.

#include "kernels/attention/prefill_rows.cuh"
#include "kernels/device/wgmma.cuh"

namespace assay::kernels::hopper {

constexpr int kBlockRowsBytes = kBlockKeys * kSwizzleRowBytes;  // 64 columns of a block of keys or values

/// Asks for output += weights · values. A tile of values has its columns in parts of 64, kBlockRowsBytes each.
template <int kDim>
__device__ inline void ask_outputs(float (&output)[kDim / 2], const std::uint32_t (&weights)[kBlockKeys / 4],
                                   const char* values) {
#pragma unroll
  for (int k = 0; k < kBlockKeys / 16; ++k) {
    const std::uint64_t v = transposed_tile_descriptor(values + k * 16 * kSwizzleRowBytes, kBlockRowsBytes);
    Wgmma<kDim>::run_from_registers(output, weights[4 * k], weights[4 * k + 1], weights[4 * k + 2], weights[4 * k + 3],
                                    v, true);
  }
}

/// Clears the values of keys from n_valid on: a weight of zero does not silence NaN. Both groups together.
template <int kDim>
__device__ void clear_values(char* values, int n_valid) {
  constexpr int kUnits = kDim * 2 / 16;  // 16-byte units of a key, in any order
  const int thread = static_cast<int>(threadIdx.x) - kGroupThreads;
  for (int i = thread; i < (kBlockKeys - n_valid) * kUnits; i += kPrefillGroups * kGroupThreads) {
    const int key = n_valid + i / kUnits, unit = i % kUnits;
    *reinterpret_cast<uint4*>(values + unit / 8 * kBlockRowsBytes + key * kSwizzleRowBytes + unit % 8 * 16) =
        make_uint4(0, 0, 0, 0);
  }
  fence_for_async();
  named_barrier(1, kPrefillGroups * kGroupThreads);
}

}  // namespace assay::kernels::hopper

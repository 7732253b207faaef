#pragma once
// What this card gives at most: the ceilings against which kernels are shown.

#include <cuda_runtime_api.h>

#include <cstddef>

#include "kernels/device/device.cuh"

namespace assay::kernels {

/// Reads n_bytes (a multiple of 16) with 16-byte loads on all multiprocessors; `sink` (one word) keeps the loads alive.
Result<> read_all(const void* memory, std::size_t n_bytes, unsigned* sink, cudaStream_t stream);

/// Bytes a second of the best of several reads of a buffer far larger than the L2 cache; allocates it and waits.
Result<double> measure_read_bytes_per_s();

}  // namespace assay::kernels

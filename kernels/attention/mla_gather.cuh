#pragma once
// A sequence's cache rows, positions 0 … n_cached - 1, copied from pages to consecutive rows, so that one product makes
// keys and values of them all.
//   to[first_row + u, :] = row u % 64 of page pages[u / 64], 576 bfloat16 each; sequences follow one another.
//   Moves 2,304 bytes a position.

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/attention/mla_cache.cuh"

namespace assay::kernels {

/// A sequence's cache: its keys are 0 … n_cached - 1; pages[p] holds keys 64·p … 64·p + 63.
struct MlaCachedSequence {
  std::int32_t n_cached = 0;
  std::span<const std::int32_t> pages;
};

/// The used rows of one page.
struct alignas(16) MlaGatherPage {
  std::int32_t page;
  std::int32_t first_row;  ///< in the result
  std::int32_t n_rows;     ///< 1 … 64
  std::int32_t unused;
};

/// What a pass gathers, made on the host and copied to the device once for all layers.
struct MlaGatherPlan {
  std::vector<MlaGatherPage> pages;
  std::vector<std::int32_t> first_row;  ///< [sequences + 1]: sequence s has rows first_row[s] … first_row[s + 1] - 1
};
MlaGatherPlan plan_mla_gather(std::span<const MlaCachedSequence> sequences);

/// All pointers are device memory.
struct MlaGatherArgs {
  MlaCache cache;
  const MlaGatherPage* pages = nullptr;  ///< [n_pages]
  int n_pages = 0;
  __nv_bfloat16* to = nullptr;  ///< [rows, 576], 16-byte aligned
};

/// Launches it.
Result<> mla_gather(const MlaGatherArgs& args, cudaStream_t stream);

}  // namespace assay::kernels

#pragma once
// Few rows routed, sorted by expert and brought together in one launch: what route_rows, expert_rows and gather_rows
// give, to the bit. A launch takes longer than all of that for a few rows, so this is what decoding small batches uses.

#include "kernels/router/expert_rows.cuh"
#include "kernels/router/route_rows.cuh"

namespace assay::kernels {

constexpr int kMaxRowsAtOnce = 16;

struct RouteAndSortArgs {
  RouteRowsArgs route;  ///< tokens <= kMaxRowsAtOnce; its slots are not written
  ExpertRowsArgs sort;  ///< of the same tokens and experts; its slots are not read
  /// [tokens, width] bfloat16, a multiple of 8, and where they come together, [places, width]; null: they don't.
  const __nv_bfloat16* x = nullptr;
  int width = 0;
  __nv_bfloat16* sorted = nullptr;
};

/// Launches it. Error{bad_input} names what breaks the contract.
Result<> route_and_sort(const RouteAndSortArgs& args, cudaStream_t stream);

}  // namespace assay::kernels

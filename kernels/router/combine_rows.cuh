#pragma once
// The end of a mixture of experts: each token's expert outputs, weighed and added to the residual stream.
//   x[t, i] += (Σ_k weights[t, k] · out[places[t, k], i], slots k ascending) + shared[t, i]
//   Slots whose place is negative, which are another rank's, add nothing; a rank's part of the sum takes x's place.
//   x, shared [tokens, hidden], out [tokens · num_experts_per_tok, hidden] float32, dense and 16-byte aligned; shared
//   may be null; hidden % 4 == 0. Every product and sum is one float32 rounding, in the order of the CPU engine.
//   Moves tokens · hidden · 4 · (num_experts_per_tok + 3) bytes.

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/device/device.cuh"

namespace assay::kernels {

struct CombineRowsArgs {
  const float* out = nullptr;
  const std::int32_t* places = nullptr;  ///< ExpertRows::places
  const float* weights = nullptr;        ///< [tokens, num_experts_per_tok]
  const float* shared = nullptr;
  int tokens = 0;
  int num_experts_per_tok = 0;  ///< at most 16
  int hidden = 0;
  float* x = nullptr;
  bool replaces_x = false;  ///< x = …, not x += …
};

/// Launches it. Error{bad_input} names what breaks the contract.
Result<> combine_rows(const CombineRowsArgs& args, cudaStream_t stream);

}  // namespace assay::kernels

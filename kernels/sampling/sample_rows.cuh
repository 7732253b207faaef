#pragma once
// From rows of logits to tokens on the GPU, by the steps and with the noise of kernels/sampling/sampling.h:
// temperature, top-k, top-p, min-p, Gumbel maximum; temperature 0 is the largest logit, the lower id among equals.
//   logits [logits rows, vocab] float32 with a stride. A row's token depends on its logits and its SampleRow alone.
//
//   Weights are integers as there, ⌊e^(l - max) · 2^40⌋, so sums are exact and have no order; but e^x here and there
//   may differ in its last bit, so the two may draw the cut of top-p or min-p apart where it falls on a token's border
//   to within that. Equals in top-k and top-p are equal logits after temperature. The noise is the same to the bit.
//
//   Reads each logit from memory once: rows · vocab · 4 bytes. The portable path draws the same tokens.

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/device/device.cuh"
#include "kernels/sampling/philox.h"

namespace assay::kernels {

/// How one row is sampled, and what its noise is keyed by.
struct SampleRow {
  double top_p = 1;
  double min_p = 0;
  NoiseKey key;
  float temperature = 0;
  std::int32_t top_k = 0;        ///< 0: all
  std::uint32_t position = 0;    ///< of the token being drawn, prompt included
  std::uint32_t logits_row = 0;  ///< several may draw from one
};

constexpr int kMaxSampledVocab = 400'000;  ///< a row lies in eight blocks' shared memory, on Hopper's path
constexpr std::int32_t kNanLogits =
    -1;  ///< in place of a token: a logit is not a number or plus infinity, or none is above minus infinity

/// All pointers are device memory.
struct SampleRowsArgs {
  const float* logits = nullptr;
  std::int64_t logits_stride = 0;  ///< floats from a row to the next
  int rows = 0;                    ///< tokens to draw
  int vocab = 0;
  const SampleRow* how = nullptr;  ///< [rows]; the caller has checked logits_row
  std::int32_t* tokens = nullptr;  ///< [rows]
};

/// Launches it. Error{bad_input} names what breaks the contract.
Result<> sample_rows(const SampleRowsArgs& args, cudaStream_t stream);

}  // namespace assay::kernels

#pragma once
// From one row of logits to a token: temperature, top-k, top-p, min-p, then the Gumbel maximum.
//   The steps run in this order, as the reference library does for one beam: l / T; keep l >= the k-th largest (ties
//   with it stay); drop the tail whose ascending cumulative probability is <= 1 - p (among equals the higher ids go
//   first, the largest always stays); drop p_i < min_p · max p. Then score_i = l_i / T + gumbel_noise(key, position,
//   i); the largest wins, the lower id among equals. Temperature 0: the largest logit, the lower id among equals.
//   Probabilities are weights w_i = e^(l_i / T - max), which float32 holds as 0 below e^-87: such a token is never
//   drawn (noise is below 17) and counts as dropped. Cumulative weights are sums of integers ⌊w · 2^40⌋: exact,
//   whatever the order, so that an implementation may bring the tail together as it likes.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "harness/base/result.h"
#include "kernels/sampling/philox.h"
#include "kernels/simd/cpu_ops.h"

namespace assay::kernels {

struct SamplingArgs {
  double temperature = 0;
  double top_p = 1;
  std::int64_t top_k = 0;
  double min_p = 0;
};

/// Floats of scratch that drawing from so many logits takes.
constexpr std::size_t sampling_scratch_floats(std::size_t n_logits) { return 2 * n_logits; }

/// The token drawn for `position` (absolute, prompt included). `scratch` holds sampling_scratch_floats(logits.size())
/// floats. Error{bad_input} "nan_logits …" if a logit is not a number or plus infinity, or if none is above minus
/// infinity.
Result<std::int32_t> sample_token(const CpuOps& ops, std::span<const float> logits, const SamplingArgs& args,
                                  const NoiseKey& key, std::uint32_t position, float* scratch);

/// The tokens that survive top-k, top-p and min-p, ascending; temperature above 0, logits as sample_token() takes them.
std::vector<std::int32_t> surviving_tokens(const CpuOps& ops, std::span<const float> logits, const SamplingArgs& args);

/// The largest logit's id, the lower one among equals. There is at least one, and they are numbers.
std::int32_t argmax(const CpuOps& ops, std::span<const float> logits);

/// ln Σ e^logit in float64, with the maximum subtracted.
double log_sum_exp(std::span<const float> logits);

}  // namespace assay::kernels

#pragma once
// From one row of logits to a token: temperature, top-k, top-p, min-p, then the Gumbel maximum.
//   The steps run in this order, as the reference library does for one beam: l / T; keep l >= the k-th largest (ties
//   with it stay); drop the tail whose ascending cumulative probability is <= 1 - p (among equals the higher ids go
//   first, the largest always stays); drop p_i < min_p · max p. Then score_i = l_i + gumbel_noise(key, position, i);
//   the largest wins, the lower id among equals. Temperature 0: the largest logit, the lower id among equals.

#include <cstdint>
#include <span>
#include <utility>
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

/// The token drawn for `position` (absolute, prompt included). Error{bad_input} "nan_logits …" if a logit is not a
/// number or none is above minus infinity.
Result<std::int32_t> sample_token(const CpuOps& ops, std::span<const float> logits, const SamplingArgs& args,
                                  const NoiseKey& key, std::uint32_t position);

/// The token ids that survive top-k, top-p and min-p, ascending, with their logits after temperature.
std::vector<std::pair<std::int32_t, float>> surviving_tokens(const CpuOps& ops, std::span<const float> logits,
                                                             const SamplingArgs& args);

/// The largest logit's id, the lower one among equals.
std::int32_t argmax(std::span<const float> logits);

/// ln Σ e^logit in float64, with the maximum subtracted.
double log_sum_exp(std::span<const float> logits);

}  // namespace assay::kernels

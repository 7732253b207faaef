#include "kernels/sampling/sampling.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>

namespace assay::kernels {

namespace {

std::int32_t first_equal(std::span<const float> numbers, float value) {
  return static_cast<std::int32_t>(std::find(numbers.begin(), numbers.end(), value) - numbers.begin());
}

/// Sets the weights of all but the k largest logits, and of those equal to the k-th, to 0. `copy` holds as many floats.
void keep_top_k(std::span<const float> logits, std::int64_t k, std::span<float> weights, float* copy) {
  if (k <= 0 || static_cast<std::size_t>(k) >= logits.size()) return;
  std::memcpy(copy, logits.data(), logits.size_bytes());
  std::nth_element(copy, copy + (k - 1), copy + logits.size(), std::greater<>());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] < copy[k - 1]) weights[i] = 0;
  }
}

std::uint64_t fixed_point(float weight) { return static_cast<std::uint64_t>(weight * 0x1p40f); }

/// Sets the weights of the tail to 0. The tail's end is looked for among weights of one size class alone: those that
/// share exponent and first three bits. `members` holds as many floats as there are weights.
void keep_top_p(double top_p, std::span<float> weights, float* members) {
  if (top_p >= 1) return;
  constexpr std::size_t kClasses = 1024;  // of floats in [0, 2)
  const auto size_class = [](float weight) { return std::bit_cast<std::uint32_t>(weight) >> 20; };
  std::uint64_t sums[kClasses] = {}, total = 0;
  for (const float w : weights) sums[size_class(w)] += fixed_point(w);
  for (const std::uint64_t sum : sums) total += sum;
  const auto most = static_cast<std::uint64_t>((1 - top_p) * static_cast<double>(total));

  std::size_t at = 0;
  std::uint64_t removed = 0;
  const std::size_t last = size_class(1);  // the largest weight is 1 and stays
  while (at < last && removed + sums[at] <= most) removed += sums[at++];
  std::size_t n = 0;
  for (const float w : weights) {
    if (size_class(w) == at) members[n++] = w;
  }
  std::sort(members, members + n);
  std::size_t n_removed = 0;
  while (n_removed + 1 < n && removed + fixed_point(members[n_removed]) <= most) {
    removed += fixed_point(members[n_removed++]);
  }
  // What is below the first that stays goes, and of its equals the highest ids.
  const float stays = members[n_removed];
  auto n_equal = members + n_removed - std::lower_bound(members, members + n_removed, stays);
  for (std::size_t i = weights.size(); i-- > 0;) {
    if (weights[i] < stays || (weights[i] == stays && n_equal-- > 0)) weights[i] = 0;
  }
}

void keep_min_p(double min_p, std::span<float> weights) {
  if (min_p <= 0) return;
  for (float& w : weights) {
    if (static_cast<double>(w) < min_p) w = 0;  // the largest is 1
  }
}

/// The weights of all logits, 0 for the dropped. `scratch` as sample_token() has it; the weights are its first half.
std::span<float> surviving_weights(const CpuOps& ops, std::span<const float> logits, float largest,
                                   const SamplingArgs& args, float* scratch) {
  const std::span<float> weights(scratch, logits.size());
  float* rest = scratch + logits.size();
  ops.weigh_logits(logits.data(), static_cast<int>(logits.size()), static_cast<float>(args.temperature), largest,
                   weights.data());
  keep_top_k(logits, args.top_k, weights, rest);
  keep_top_p(args.top_p, weights, rest);
  keep_min_p(args.min_p, weights);
  return weights;
}

/// The greatest score's token. Noise is drawn only for tokens that could still win: since -ln u >= 1 - u, token i with
/// noise g <= -ln(1 - u) wins only if w_i >= (1 - u) · e^(best - max), where 1 - u is 2^-24 at least.
std::int32_t gumbel_maximum(std::span<const float> logits, float largest, float temperature,
                            std::span<const float> weights, const NoiseKey& key, std::uint32_t position) {
  const auto score_of = [&](std::size_t id) {
    return logits[id] / temperature + gumbel_noise(key, position, static_cast<std::uint32_t>(id));
  };
  auto best = static_cast<std::size_t>(first_equal(weights, 1));  // the largest weight is 1 and was not dropped
  float best_score = score_of(best);
  // e^(best - max), taken lower than any rounding of scores and weights could make it.
  const double top = static_cast<double>(largest / temperature);
  const auto weight_to_win = [&] {
    const double score = static_cast<double>(best_score);
    return std::exp(score - top - 1e-3 - 1e-6 * (std::fabs(top) + std::fabs(score)));
  };
  double needed = weight_to_win();
  for (std::size_t first = 0; first < weights.size(); first += 4) {
    const std::size_t end = std::min(first + 4, weights.size());
    float most = 0;
    for (std::size_t i = first; i < end; ++i) most = std::max(most, weights[i]);
    if (static_cast<double>(most) < 0x1p-24 * needed) continue;
    const PhiloxWords words = gumbel_words(key, position, static_cast<std::uint32_t>(first));
    for (std::size_t i = first; i < end; ++i) {
      if (weights[i] == 0 || static_cast<double>(weights[i]) < (1 - gumbel_uniform(words[i - first])) * needed)
        continue;
      const float score = score_of(i);
      if (score < best_score || (score == best_score && i >= best)) continue;
      best = i;
      best_score = score;
      needed = weight_to_win();
    }
  }
  return static_cast<std::int32_t>(best);
}

}  // namespace

std::int32_t argmax(const CpuOps& ops, std::span<const float> logits) {
  return first_equal(logits, ops.largest(logits.data(), static_cast<int>(logits.size())));
}

double log_sum_exp(std::span<const float> logits) {
  const double largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double total = 0;
  for (const float l : logits) total += std::exp(static_cast<double>(l) - largest);
  return largest + std::log(total);
}

std::vector<std::int32_t> surviving_tokens(const CpuOps& ops, std::span<const float> logits, const SamplingArgs& args) {
  std::vector<float> scratch(sampling_scratch_floats(logits.size()));
  const float largest = ops.largest(logits.data(), static_cast<int>(logits.size()));
  const std::span<const float> weights = surviving_weights(ops, logits, largest, args, scratch.data());
  std::vector<std::int32_t> tokens;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] > 0) tokens.push_back(static_cast<std::int32_t>(i));
  }
  return tokens;
}

Result<std::int32_t> sample_token(const CpuOps& ops, std::span<const float> logits, const SamplingArgs& args,
                                  const NoiseKey& key, std::uint32_t position, float* scratch) {
  const float largest = ops.largest(logits.data(), static_cast<int>(logits.size()));
  if (std::isnan(largest)) return bad_input("nan_logits at position ", position);
  if (std::isinf(largest)) {
    return bad_input("nan_logits at position ", position,
                     largest > 0 ? ": a logit is infinite" : ": every logit is minus infinity");
  }
  if (args.temperature == 0) return first_equal(logits, largest);
  const std::span<const float> weights = surviving_weights(ops, logits, largest, args, scratch);
  return gumbel_maximum(logits, largest, static_cast<float>(args.temperature), weights, key, position);
}

}  // namespace assay::kernels

#include "kernels/sampling/sampling.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace assay::kernels {

namespace {

using Candidates = std::vector<std::pair<std::int32_t, float>>;

/// Softmax of the candidates' logits in float32, summed in ascending id.
std::vector<float> probabilities(const CpuOps& ops, const Candidates& tokens) {
  float largest = tokens.front().second;
  for (const auto& [id, logit] : tokens) largest = std::max(largest, logit);
  std::vector<float> p;
  p.reserve(tokens.size());
  for (const auto& [id, logit] : tokens) p.push_back(logit - largest);
  ops.exp_row(p.data(), static_cast<int>(p.size()), p.data());
  float total = 0;
  for (const float x : p) total += x;
  for (float& x : p) x /= total;
  return p;
}

void keep_top_k(Candidates& tokens, std::int64_t k) {
  if (k <= 0 || static_cast<std::size_t>(k) >= tokens.size()) return;
  std::vector<float> logits;
  logits.reserve(tokens.size());
  for (const auto& [id, logit] : tokens) logits.push_back(logit);
  std::nth_element(logits.begin(), logits.begin() + (k - 1), logits.end(), std::greater<>());
  const float kth = logits[static_cast<std::size_t>(k - 1)];
  std::erase_if(tokens, [&](const auto& token) { return token.second < kth; });
}

void keep_top_p(const CpuOps& ops, Candidates& tokens, double top_p) {
  if (top_p >= 1 || tokens.size() <= 1) return;
  const std::vector<float> p = probabilities(ops, tokens);
  std::vector<std::size_t> order(tokens.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  // Ascending probability; among equals the higher id is removed first.
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return p[a] < p[b] || (p[a] == p[b] && a > b); });
  std::vector<bool> removed(tokens.size(), false);
  double cumulative = 0;
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    cumulative += static_cast<double>(p[order[i]]);
    if (cumulative > 1 - top_p) break;
    removed[order[i]] = true;
  }
  Candidates kept;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!removed[i]) kept.push_back(tokens[i]);
  }
  tokens = std::move(kept);
}

void keep_min_p(const CpuOps& ops, Candidates& tokens, double min_p) {
  if (min_p <= 0) return;
  const std::vector<float> p = probabilities(ops, tokens);
  const double bound = min_p * static_cast<double>(*std::max_element(p.begin(), p.end()));
  Candidates kept;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (static_cast<double>(p[i]) >= bound) kept.push_back(tokens[i]);
  }
  tokens = std::move(kept);
}

}  // namespace

std::int32_t argmax(std::span<const float> logits) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < logits.size(); ++i) {
    if (logits[i] > logits[best]) best = i;
  }
  return static_cast<std::int32_t>(best);
}

double log_sum_exp(std::span<const float> logits) {
  const double largest = static_cast<double>(logits[static_cast<std::size_t>(argmax(logits))]);
  double total = 0;
  for (const float l : logits) total += std::exp(static_cast<double>(l) - largest);
  return largest + std::log(total);
}

std::vector<std::pair<std::int32_t, float>> surviving_tokens(const CpuOps& ops, std::span<const float> logits,
                                                             const SamplingArgs& args) {
  Candidates tokens;
  tokens.reserve(logits.size());
  const auto temperature = static_cast<float>(args.temperature);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] == -INFINITY) continue;
    tokens.emplace_back(static_cast<std::int32_t>(i), args.temperature == 1 ? logits[i] : logits[i] / temperature);
  }
  keep_top_k(tokens, args.top_k);
  keep_top_p(ops, tokens, args.top_p);
  keep_min_p(ops, tokens, args.min_p);
  return tokens;
}

Result<std::int32_t> sample_token(const CpuOps& ops, std::span<const float> logits, const SamplingArgs& args,
                                  const NoiseKey& key, std::uint32_t position) {
  bool any = false;
  for (const float l : logits) {
    if (std::isnan(l)) return bad_input("nan_logits at position ", position);
    any = any || l != -INFINITY;
  }
  if (!any) return bad_input("nan_logits at position ", position, ": every logit is minus infinity");
  if (args.temperature == 0) return argmax(logits);

  std::int32_t best = -1;
  float best_score = 0;
  for (const auto& [id, logit] : surviving_tokens(ops, logits, args)) {
    const float score = logit + gumbel_noise(key, position, static_cast<std::uint32_t>(id));
    if (best >= 0 && score <= best_score) continue;
    best = id;
    best_score = score;
  }
  return best;
}

}  // namespace assay::kernels

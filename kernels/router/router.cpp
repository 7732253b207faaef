#include "kernels/router/router.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

namespace assay::kernels {

namespace {

constexpr float kOut = -std::numeric_limits<float>::infinity();

/// The indices of the k largest values, larger first, the lower index first among equals.
std::vector<int> top_indices(std::span<const float> values, int k) {
  std::vector<int> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  const auto better = [&](int a, int b) {
    const float x = values[static_cast<std::size_t>(a)], y = values[static_cast<std::size_t>(b)];
    return x > y || (x == y && a < b);
  };
  std::partial_sort(order.begin(), order.begin() + k, order.end(), better);
  order.resize(static_cast<std::size_t>(k));
  return order;
}

std::vector<float> expert_scores(const CpuOps& ops, const RouterArgs& a, const float* logits) {
  const auto n = static_cast<std::size_t>(a.n_routed_experts);
  std::vector<float> scores(n);
  if (a.scoring == ScoringFunction::sigmoid) {
    for (std::size_t e = 0; e < n; ++e) scores[e] = -logits[e];
    ops.exp_row(scores.data(), a.n_routed_experts, scores.data());
    for (float& s : scores) s = 1.0f / (1.0f + s);
    return scores;
  }
  const float largest = *std::max_element(logits, logits + n);
  for (std::size_t e = 0; e < n; ++e) scores[e] = logits[e] - largest;
  ops.exp_row(scores.data(), a.n_routed_experts, scores.data());
  float total = 0;
  for (const float s : scores) total += s;
  for (float& s : scores) s /= total;
  return scores;
}

/// Sets the choice scores of all groups but the best topk_group to minus infinity.
void keep_best_groups(const RouterArgs& a, std::vector<float>& choice) {
  const int group_size = a.n_routed_experts / a.n_group;
  std::vector<float> group_score(static_cast<std::size_t>(a.n_group));
  for (int g = 0; g < a.n_group; ++g) {
    const std::span<const float> group(choice.data() + g * group_size, static_cast<std::size_t>(group_size));
    const std::vector<int> best = top_indices(group, std::min(2, group_size));
    float score = group[static_cast<std::size_t>(best[0])];
    if (a.method == RoutingMethod::noaux_tc && best.size() > 1) score += group[static_cast<std::size_t>(best[1])];
    group_score[static_cast<std::size_t>(g)] = score;
  }
  std::vector<bool> kept(static_cast<std::size_t>(a.n_group), false);
  for (const int g : top_indices(group_score, a.topk_group)) kept[static_cast<std::size_t>(g)] = true;
  for (int e = 0; e < a.n_routed_experts; ++e) {
    if (!kept[static_cast<std::size_t>(e / group_size)]) choice[static_cast<std::size_t>(e)] = kOut;
  }
}

}  // namespace

Result<> route(const CpuOps& ops, const RouterArgs& a, const float* logits, RoutedExpert* slots) {
  for (int e = 0; e < a.n_routed_experts; ++e) {
    if (std::isnan(logits[e])) return bad_input("router: the logit of expert ", e, " is not a number");
  }
  const std::vector<float> scores = expert_scores(ops, a, logits);
  std::vector<float> choice = scores;
  if (a.method == RoutingMethod::noaux_tc && a.bias != nullptr) {
    for (std::size_t e = 0; e < choice.size(); ++e) choice[e] += a.bias[e];
  }
  if (a.method != RoutingMethod::greedy) keep_best_groups(a, choice);

  std::vector<int> chosen = top_indices(choice, a.num_experts_per_tok);
  std::sort(chosen.begin(), chosen.end());
  float total = 0;
  for (const int e : chosen) total += scores[static_cast<std::size_t>(e)];
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    float weight = scores[static_cast<std::size_t>(chosen[i])];
    if (a.norm_topk_prob) weight /= total + 1e-20f;
    slots[i] = {chosen[i], weight * a.routed_scaling_factor};
  }
  return {};
}

}  // namespace assay::kernels

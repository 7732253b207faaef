#include "results/analysis/decisions.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "results/analysis/distributions.h"

namespace assay::results {

Result<std::vector<double>> weighted_holm_adjusted(std::span<const double> p_values, std::span<const double> weights) {
  if (p_values.size() != weights.size()) {
    return bad_input("holm_adjusted: ", p_values.size(), " p-values and ", weights.size(), " weights");
  }
  for (const double p : p_values) {
    if (!(p >= 0 && p <= 1)) return bad_input("holm_adjusted: p = ", p, ", must be in [0, 1]");
  }
  for (const double weight : weights) {
    if (!(weight > 0 && std::isfinite(weight))) return bad_input("holm_adjusted: weight ", weight, ", must be above 0");
  }
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](auto i, auto j) { return p_values[i] * weights[j] < p_values[j] * weights[i]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    // Summed anew for each rank, so that equal weights give whole numbers.
    double left = 0;
    for (std::size_t later = rank; later < order.size(); ++later) left += weights[order[later]];
    const std::size_t test = order[rank];
    largest = std::max(largest, std::min(1.0, left / weights[test] * p_values[test]));
    adjusted[test] = largest;
  }
  return adjusted;
}

Result<std::vector<double>> holm_adjusted(std::span<const double> p_values) {
  return weighted_holm_adjusted(p_values, std::vector<double>(p_values.size(), 1.0));
}

std::string to_string(GateVerdict verdict) {
  switch (verdict) {
    case GateVerdict::pass:
      return "pass";
    case GateVerdict::improved:
      return "improved";
    case GateVerdict::regressed:
      return "regressed";
    case GateVerdict::inconclusive:
      break;
  }
  return "inconclusive";
}

Result<GateDecision> decide(const PairedDifference& drop, const GateRule& rule) {
  if (!(rule.margin >= 0 && rule.level > 0 && rule.level < 0.5)) {
    return bad_input("gate: margin ", rule.margin, ", level ", rule.level,
                     "; the margin must be at least 0 and the level between 0 and 0.5");
  }
  ASSAY_ASSIGN(const Interval bounds, interval_of(drop, 1 - 2 * rule.level));
  GateDecision decision;
  decision.drop = drop.difference;
  decision.lower = bounds[0];
  decision.upper = bounds[1];
  decision.significant_drop = decision.lower > 0;
  decision.no_spread = drop.standard_error == 0;
  if (decision.upper < 0) {
    decision.verdict = GateVerdict::improved;
  } else if (decision.upper < rule.margin) {
    decision.verdict = GateVerdict::pass;
  } else if (decision.lower > 0) {
    decision.verdict = GateVerdict::regressed;
  } else {
    // Narrower bounds first part from 0 (regressed) or from the margin (pass), whichever is farther from the drop.
    const double distance = std::max(decision.drop, rule.margin - decision.drop);
    if (distance > 0 && !decision.no_spread) {
      ASSAY_ASSIGN(decision.n_items_to_settle, items_to_settle(drop, distance, rule.level));
    }
  }
  return decision;
}

Result<std::int64_t> items_to_settle(const PairedDifference& drop, double distance, double level) {
  const double items_per_cluster = static_cast<double>(drop.n_items) / static_cast<double>(drop.n_clusters);
  const double error_of_one_cluster = drop.standard_error * std::sqrt(static_cast<double>(drop.n_clusters));
  // The t quantile of so many degrees of freedom is near the normal one, whose z it starts from.
  ASSAY_ASSIGN(double quantile, normal_quantile(1 - level));
  double n_clusters = 0;
  constexpr double kMost = 1e15;
  constexpr int kRounds = 20;  // each shrinks what is left of the change by a factor of about n
  for (int round = 0; round < kRounds; ++round) {
    const double needed = std::clamp(std::pow(quantile * error_of_one_cluster / distance, 2), 2.0, kMost);
    if (needed == n_clusters) break;
    n_clusters = needed;
    ASSAY_ASSIGN(quantile, t_quantile(n_clusters - 1, 1 - level));
  }
  return static_cast<std::int64_t>(std::min(kMost, std::floor(n_clusters * items_per_cluster) + 1));
}

}  // namespace assay::results

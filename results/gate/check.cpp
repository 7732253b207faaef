#include "results/gate/check.h"

#include <algorithm>
#include <cmath>

#include "harness/base/text.h"
#include "results/analysis/distributions.h"
#include "results/gate/wording.h"

namespace assay::results {

namespace {

const MetricKind& kind_of(const MetricVerdict& metric) {
  const auto& kinds = metric_kinds();
  return *std::find_if(kinds.begin(), kinds.end(),
                       [&](const MetricKind& kind) { return kind.metric == metric.metric; });
}

bool has_evidence(const MetricVerdict& metric) { return metric.evidence.missing.empty() && metric.evidence.worse_by; }

/// Known to neither run: there is nothing to judge.
bool is_unknown(const Evidence& evidence) {
  return evidence.missing.empty() && !evidence.worse_by && !evidence.baseline && !evidence.candidate;
}

Result<> refuse_if_incomparable(const ComparableRun& baseline, const ComparableRun& candidate) {
  for (const ComparableRun* run : {&baseline, &candidate}) {
    if (run->state == "finished") continue;
    return bad_input("check: run ", title_of(*run), " is unfinished (", n_samples_stored(*run), " of ",
                     n_samples_planned(*run), " samples); finish it with \"assay run --resume ", shown(run->run_id),
                     "\"");
  }
  const auto obstacles = comparison_obstacles(baseline, candidate);
  if (obstacles.empty()) return {};
  return bad_input("check: ", title_of(baseline), " and ", title_of(candidate), " differ in ", join(obstacles, ", "),
                   "; make a new baseline with what the candidate uses");
}

MetricVerdict metric_verdict(const MetricKind& kind, const Policy& policy, const std::string& suite) {
  MetricVerdict metric;
  metric.metric = kind.metric;
  metric.suite = suite;
  metric.policy = policy_for(policy, metric.metric, suite);
  metric.gated = metric.policy.gated;
  metric.is_relative = kind.is_relative;
  return metric;
}

/// What each gated metric with evidence may spend of the level, in relation to the others.
std::vector<double> weights_of(const std::vector<MetricVerdict*>& tested) {
  double n_accuracy = 0;
  for (const MetricVerdict* metric : tested) n_accuracy += metric->metric == "accuracy" ? 1 : 0;
  const double n_others = static_cast<double>(tested.size()) - n_accuracy;
  std::vector<double> weights;
  for (const MetricVerdict* metric : tested) {
    weights.push_back(metric->metric == "accuracy" ? std::max(1.0, n_others) : std::max(1.0, n_accuracy));
  }
  return weights;
}

/// The margin on the side on which the change is.
double margin_there(const MetricVerdict& metric) {
  const bool below = *metric.evidence.worse_by < 0 && metric.policy.margin_below;
  return below ? *metric.policy.margin_below : metric.policy.margin;
}

bool excludes_margins(const MetricVerdict& metric) {
  const auto& below = metric.policy.margin_below;
  return metric.evidence.upper < metric.policy.margin && (!below || metric.evidence.lower > -*below);
}

bool has_regressed(const MetricVerdict& metric, double level) {
  const Evidence& evidence = metric.evidence;
  if (!(metric.p_adjusted && *metric.p_adjusted <= level)) return false;
  if (kind_of(metric).method == GateMethod::beyond) return *evidence.worse_by > metric.policy.margin;
  if (evidence.lower > 0 && evidence.upper >= metric.policy.margin) return true;
  const auto& below = metric.policy.margin_below;
  return below && evidence.upper < 0 && evidence.lower <= -*below;
}

/// The chance that a true change of the margin is shown at `level`, and is not taken for a smaller one: the estimate
/// scatters around the margin with this standard error.
Result<std::optional<double>> power_at_margin(const MetricVerdict& metric, double level, double level_of_pass) {
  const Evidence& evidence = metric.evidence;
  if (kind_of(metric).method != GateMethod::difference || evidence.no_spread) return std::optional<double>{};
  ASSAY_ASSIGN(const double quantile, t_quantile(evidence.df, 1 - level));
  // The spread is itself an estimate; a claim is made for one that is larger by one of its own standard errors.
  const double error = evidence.standard_error * (1 + 1 / std::sqrt(2 * evidence.df));
  const double shown = normal_cdf(metric.policy.margin / error - quantile);
  return std::optional(std::max(0.0, shown - level_of_pass));
}

/// What would settle an inconclusive metric: bounds narrow enough to part from "no change" or from the margin,
/// whichever takes less.
Result<> add_what_settles(MetricVerdict& metric, double level, double level_of_pass) {
  const Evidence& evidence = metric.evidence;
  if (evidence.no_spread && *evidence.worse_by >= metric.policy.margin) {
    // All items changed alike: the sign-flip test needs so many of them.
    metric.n_items_to_settle = static_cast<std::int64_t>(std::ceil(-std::log2(level)));
    return {};
  }
  if (evidence.no_spread || !(evidence.standard_error > 0) || evidence.n_items < 2) return {};
  const double change = std::abs(*evidence.worse_by);
  const bool beyond = kind_of(metric).method == GateMethod::beyond;
  const double to_regressed = beyond                       ? *evidence.worse_by - metric.policy.margin
                              : metric.policy.margin_below ? change
                                                           : *evidence.worse_by;
  const double to_pass = margin_there(metric) - (metric.policy.margin_below ? change : *evidence.worse_by);
  const PairedDifference spread{.n_items = evidence.n_items,
                                .n_clusters = evidence.n_items,
                                .mean_a = 0,
                                .mean_b = 0,
                                .difference = *evidence.worse_by,
                                .standard_error = evidence.standard_error,
                                .df = evidence.df,
                                .correlation = {}};
  std::optional<std::int64_t> n_items;
  const auto consider = [&](double distance, double at_level) -> Result<> {
    if (!(distance > 0)) return {};
    ASSAY_ASSIGN(const std::int64_t n, items_to_settle(spread, distance, at_level));
    n_items = n_items ? std::min(*n_items, n) : n;
    return {};
  };
  ASSAY_TRY(consider(to_pass, level_of_pass));
  ASSAY_TRY(consider(to_regressed, level));
  if (!n_items) return {};
  metric.n_items_to_settle = std::max(*n_items, evidence.n_items + 1);
  if (!evidence.sampling_variance || !(*evidence.sampling_variance > 0)) return {};
  // With the same items only the samples' share of the variance shrinks.
  const double variance = evidence.standard_error * evidence.standard_error * static_cast<double>(evidence.n_items);
  const double needed =
      variance * static_cast<double>(evidence.n_items) / static_cast<double>(*metric.n_items_to_settle);
  const double of_items = std::max(0.0, variance - *evidence.sampling_variance);
  if (!(needed > of_items)) return {};
  const double factor = *evidence.sampling_variance / (needed - of_items);
  constexpr double kMost = 1e9;
  const double n_samples = std::ceil(evidence.samples_per_item * factor);
  if (n_samples <= kMost && n_samples > evidence.samples_per_item)
    metric.n_samples_to_settle = static_cast<std::int64_t>(n_samples);
  return {};
}

Result<> judge(MetricVerdict& metric, double level, double weight_share) {
  if (!has_evidence(metric)) return {};
  const double level_of_test = level * weight_share;
  ASSAY_ASSIGN(metric.power_at_margin, power_at_margin(metric, level_of_test, level));
  if (has_regressed(metric, level)) {
    metric.verdict = GateVerdict::regressed;
  } else if (metric.evidence.upper < 0 && !metric.policy.margin_below) {
    metric.verdict = GateVerdict::improved;
  } else if (excludes_margins(metric)) {
    metric.verdict = GateVerdict::pass;
  } else {
    metric.verdict = GateVerdict::inconclusive;
    ASSAY_TRY(add_what_settles(metric, level_of_test, level));
  }
  return {};
}

/// Corrects the p-values of the gated metrics together and judges all.
Result<> judge_all(std::vector<MetricVerdict>& metrics, double level) {
  std::vector<MetricVerdict*> tested;
  std::vector<double> p_values;
  for (MetricVerdict& metric : metrics) {
    if (!has_evidence(metric)) continue;
    if (!metric.gated) metric.p_adjusted = metric.evidence.p_value;
    if (metric.gated) tested.push_back(&metric);
    if (metric.gated) p_values.push_back(metric.evidence.p_value);
  }
  const std::vector<double> weights = weights_of(tested);
  ASSAY_ASSIGN(const std::vector<double> adjusted, weighted_holm_adjusted(p_values, weights));
  double all_weights = 0;
  for (const double weight : weights) all_weights += weight;
  for (std::size_t i = 0; i < tested.size(); ++i) {
    tested[i]->p_adjusted = adjusted[i];
    ASSAY_TRY(judge(*tested[i], level, weights[i] / all_weights));
  }
  for (MetricVerdict& metric : metrics) {
    if (metric.gated) continue;
    ASSAY_TRY(judge(metric, level, 1));
  }
  return {};
}

void apply_waivers(const Policy& policy, CheckResult& result) {
  for (std::size_t i = 0; i < policy.waivers.size(); ++i) {
    const Waiver& waiver = policy.waivers[i];
    if (has_expired(waiver, result.checked_at_ms)) {
      result.expired_waivers.push_back(i);
      continue;
    }
    for (MetricVerdict& metric : result.metrics) {
      const bool is_meant = metric.metric == waiver.metric && (waiver.suite.empty() || metric.suite == waiver.suite);
      const bool fails = metric.verdict == GateVerdict::regressed || metric.verdict == GateVerdict::inconclusive;
      if (is_meant && metric.gated && fails && !metric.waiver) metric.waiver = i;
    }
  }
}

/// The worst verdict of the gated metrics that are not waived. Nothing gated that could be judged shows nothing.
GateVerdict overall(const std::vector<MetricVerdict>& metrics) {
  bool any = false;
  bool inconclusive = false;
  bool improved = false;
  for (const MetricVerdict& metric : metrics) {
    if (!metric.gated) continue;
    any = true;
    if (metric.waiver) continue;
    if (metric.verdict == GateVerdict::regressed) return GateVerdict::regressed;
    inconclusive = inconclusive || metric.verdict == GateVerdict::inconclusive;
    improved = improved || metric.verdict == GateVerdict::improved;
  }
  if (inconclusive || !any) return GateVerdict::inconclusive;
  return improved ? GateVerdict::improved : GateVerdict::pass;
}

Result<> add_floors(const ComparableRun& candidate, const Policy& policy, CheckResult& result) {
  for (const auto& entry : policy.fail_under) {
    const std::string& name = entry.first;  // a lambda takes no structured binding
    const double least = entry.second;
    const auto suite = std::find_if(candidate.suites.begin(), candidate.suites.end(),
                                    [&](const ComparableSuite& of) { return of.suite == name; });
    if (suite == candidate.suites.end()) {
      return bad_input("fail-under: run ", title_of(candidate), " has no suite ", quoted_excerpt(name));
    }
    FloorVerdict floor{.suite = name, .accuracy = {}, .least = least, .missed = true};
    double sum = 0;
    for (const ComparableItem& item : suite->items) {
      double n_correct = 0;
      for (const ComparableSample& sample : item.samples) n_correct += sample.verdict == Verdict::correct ? 1 : 0;
      sum += n_correct / static_cast<double>(item.samples.size());
    }
    if (!suite->items.empty()) floor.accuracy = sum / static_cast<double>(suite->items.size());
    // 0.7 is met by 7 of 10, whatever the sums were rounded to.
    floor.missed = !floor.accuracy || *floor.accuracy < least - 1e-12;
    result.floors.push_back(std::move(floor));
  }
  return {};
}

EvidenceOptions evidence_options(const Policy& policy, const CheckOptions& options) {
  return {.level = policy.level, .max_errors_ratio = policy.max_errors_ratio, .bootstrap = options.bootstrap};
}

Result<> add_suite_metrics(const std::vector<SuitePair>& suites, const Policy& policy, const CheckOptions& options,
                           CheckResult& result) {
  for (const SuitePair& suite : suites) {
    const std::string name = suite.baseline->suite;
    const std::size_t n_unpaired = suite.baseline->items.size() - suite.items.size();
    if (n_unpaired > 0) {
      result.notes.push_back("suite " + shown(name) + ": " + std::to_string(n_unpaired) + " of the baseline's " +
                             std::to_string(suite.baseline->items.size()) + " items are not in the candidate");
    }
    for (const MetricKind& kind : metric_kinds()) {
      if (!kind.is_of_suite) continue;
      MetricVerdict metric = metric_verdict(kind, policy, name);
      if (options.gated_metrics_only && !metric.gated) continue;
      ASSAY_ASSIGN(metric.evidence, suite_evidence(kind, metric.policy, suite, evidence_options(policy, options)));
      if (!is_unknown(metric.evidence)) result.metrics.push_back(std::move(metric));
    }
  }
  return {};
}

Result<> add_run_metrics(const ComparableRun& baseline, const ComparableRun& candidate,
                         const std::vector<SuitePair>& suites, const Policy& policy, const CheckOptions& options,
                         CheckResult& result) {
  for (const MetricKind& kind : metric_kinds()) {
    if (kind.is_of_suite) continue;
    MetricVerdict metric = metric_verdict(kind, policy, "");
    if (options.gated_metrics_only && !metric.gated) continue;
    ASSAY_ASSIGN(metric.evidence,
                 run_evidence(kind, metric.policy, baseline, candidate, suites, evidence_options(policy, options)));
    if (is_unknown(metric.evidence) && !metric.gated) continue;
    if (is_unknown(metric.evidence)) metric.evidence.missing = "neither run knows it";
    if (!result.environment_differences.empty() && metric.evidence.missing.empty()) {
      metric.evidence.missing = "the environments differ in " + join(result.environment_differences, ", ");
    }
    result.metrics.push_back(std::move(metric));
  }
  return {};
}

/// A suite that vanished must not pass unseen.
void add_missing_suites(const ComparableRun& baseline, const ComparableRun& candidate, const Policy& policy,
                        CheckResult& result) {
  for (const std::string& suite : suites_missing_in(candidate, baseline)) {
    MetricVerdict metric = metric_verdict(metric_kinds().front(), policy, suite);
    metric.evidence.missing = "the candidate has not taken this suite";
    result.metrics.push_back(std::move(metric));
  }
  for (const std::string& suite : suites_missing_in(baseline, candidate)) {
    result.notes.push_back("suite " + shown(suite) + " is not in the baseline: not checked");
  }
}

}  // namespace

CheckOutcome outcome_of(const CheckResult& result) {
  const bool floor_missed =
      std::any_of(result.floors.begin(), result.floors.end(), [](const FloorVerdict& floor) { return floor.missed; });
  if (floor_missed || result.verdict == GateVerdict::regressed) return CheckOutcome::failed;
  const bool fails = result.verdict == GateVerdict::inconclusive && result.inconclusive_fails;
  return fails ? CheckOutcome::inconclusive : CheckOutcome::passed;
}

Result<CheckResult> check_runs(const ComparableRun& baseline, const ComparableRun& candidate, const Policy& policy,
                               const CheckOptions& options) {
  ASSAY_TRY(refuse_if_incomparable(baseline, candidate));
  const std::vector<SuitePair> suites = pair_suites(baseline, candidate);
  if (suites.empty()) {
    return bad_input("check: ", title_of(baseline), " and ", title_of(candidate), " have no suite in common");
  }
  CheckResult result;
  result.inconclusive_fails = policy.inconclusive_fails;
  result.level = policy.level;
  result.baseline_run_id = baseline.run_id;
  result.candidate_run_id = candidate.run_id;
  result.baseline_title = title_of(baseline);
  result.candidate_title = title_of(candidate);
  result.baseline_provenance = baseline.provenance;
  result.candidate_provenance = candidate.provenance;
  if (baseline.run_id == candidate.run_id) result.notes.emplace_back("baseline and candidate are the same run");
  result.environment_differences = environment_differences(baseline, candidate, policy.ignore_environment);
  result.waivers = policy.waivers;
  result.checked_at_ms = options.now_ms;
  ASSAY_TRY(add_suite_metrics(suites, policy, options, result));
  add_missing_suites(baseline, candidate, policy, result);
  ASSAY_TRY(add_run_metrics(baseline, candidate, suites, policy, options, result));
  ASSAY_TRY(judge_all(result.metrics, policy.level));
  for (MetricVerdict& metric : result.metrics) metric.reason = reason_for(metric);
  apply_waivers(policy, result);
  result.verdict = overall(result.metrics);
  ASSAY_TRY(add_floors(candidate, policy, result));
  return result;
}

}  // namespace assay::results

#include "results/gate/evidence.h"

#include <algorithm>
#include <cmath>

#include "harness/base/text.h"
#include "results/analysis/distributions.h"
#include "results/analysis/moments.h"
#include "results/analysis/paired.h"
#include "results/analysis/paired_ratio.h"

namespace assay::results {

namespace {

std::string percent_text(double ratio) { return to_fixed(100 * ratio, 1) + " %"; }

/// The p-value of the sign-flip test of "no change", on the side of an increase of b - a alone, or on both.
Result<double> sign_flip_p(const PairedMeans& means, bool both_sides, const BootstrapOptions& options) {
  ASSAY_ASSIGN(const auto clusters, difference_clusters(means.candidate, means.baseline));
  ASSAY_ASSIGN(const PermutationTest test, sign_flip_test(clusters, options));
  if (both_sides) return test.p_value;
  double sum = 0;
  for (const auto& cluster : clusters) sum += cluster.front();
  // Signs are drawn evenly, so each side has half of the two-sided p-value.
  return sum > 0 ? test.p_value / 2 : 1.0;
}

void add_sampling(const PairedValues& values, Evidence& evidence) {
  const auto baseline = split_variance(values.baseline);
  const auto candidate = split_variance(values.candidate);
  double n_samples = 0;
  for (const auto* side : {&values.baseline, &values.candidate}) {
    for (const auto& samples : *side) n_samples += static_cast<double>(samples.size());
  }
  evidence.samples_per_item = n_samples / static_cast<double>(2 * values.baseline.size());
  if (baseline && candidate) evidence.sampling_variance = baseline->sampling_variance + candidate->sampling_variance;
}

Result<> add_bounds(const PairedDifference& change, double scale, double level, Evidence& evidence) {
  evidence.standard_error = change.standard_error / scale;
  evidence.df = change.df;
  evidence.no_spread = change.standard_error == 0;
  ASSAY_ASSIGN(const Interval bounds,
               t_interval(*evidence.worse_by, evidence.standard_error, change.df, 1 - 2 * level));
  evidence.lower = bounds[0];
  evidence.upper = bounds[1];
  return {};
}

std::string too_few(std::int64_t n_items) {
  return to_text(n_items) + (n_items == 1 ? " item" : " items") + " in common; at least 2 are needed";
}

/// A share of samples; `up_is_worse` of truncation, not of correctness.
Result<Evidence> share_evidence(const std::vector<ItemPair>& items, const SampleFigure& figure, bool up_is_worse,
                                const EvidenceOptions& options) {
  Evidence evidence;
  const PairedValues values = paired_values(items, figure);
  PairedMeans means = paired_means(items, figure);
  evidence.n_items = static_cast<std::int64_t>(means.baseline.size());
  if (evidence.n_items > 0) {
    ASSAY_ASSIGN(evidence.baseline, mean(means.baseline));
    ASSAY_ASSIGN(evidence.candidate, mean(means.candidate));
  }
  if (evidence.n_items < 2) {
    evidence.missing = too_few(evidence.n_items);
    return evidence;
  }
  if (!up_is_worse) std::swap(means.baseline, means.candidate);
  ASSAY_ASSIGN(const PairedDifference change, paired_difference(means.candidate, means.baseline));
  evidence.worse_by = change.difference;
  ASSAY_TRY(add_bounds(change, 1, options.level, evidence));
  ASSAY_ASSIGN(evidence.p_value, sign_flip_p(means, false, options.bootstrap));
  add_sampling(values, evidence);
  return evidence;
}

Result<Evidence> length_evidence(const std::vector<ItemPair>& items, bool both_sides, const EvidenceOptions& options) {
  Evidence evidence;
  PairedValues values = paired_values(items, output_tokens);
  const PairedMeans means = paired_means(items, output_tokens);
  evidence.n_items = static_cast<std::int64_t>(means.baseline.size());
  if (evidence.n_items == 0) return evidence;  // neither run need know its lengths
  ASSAY_ASSIGN(const double baseline, mean(means.baseline));
  ASSAY_ASSIGN(const double candidate, mean(means.candidate));
  evidence.baseline = baseline;
  evidence.candidate = candidate;
  if (evidence.n_items < 2) evidence.missing = too_few(evidence.n_items);
  if (!(baseline > 0)) evidence.missing = "the baseline's replies have no tokens";
  if (!evidence.missing.empty()) return evidence;
  // A ratio's error is that of the mean of candidate - ratio * baseline, over the baseline's mean.
  const double ratio = candidate / baseline;
  std::vector<double> scaled;
  for (const double value : means.baseline) scaled.push_back(ratio * value);
  ASSAY_ASSIGN(const PairedDifference residual, paired_difference(means.candidate, scaled));
  evidence.worse_by = ratio - 1;
  ASSAY_TRY(add_bounds(residual, baseline, options.level, evidence));
  ASSAY_ASSIGN(evidence.p_value, sign_flip_p(means, both_sides, options.bootstrap));
  for (auto* side : {&values.baseline, &values.candidate}) {
    for (auto& samples : *side) {
      for (double& value : samples) value /= baseline;
    }
  }
  add_sampling(values, evidence);
  return evidence;
}

double errors_ratio(const SuitePair& suite) {
  double largest = 0;
  for (const bool of_baseline : {true, false}) {
    double n = 0;
    double n_errors = 0;
    for (const ItemPair& pair : suite.items) {
      for (const ComparableSample& sample : (of_baseline ? pair.baseline : pair.candidate)->samples) {
        ++n;
        n_errors += sample.verdict == Verdict::error ? 1 : 0;
      }
    }
    if (n > 0) largest = std::max(largest, n_errors / n);
  }
  return largest;
}

/// Resampling quantiles takes far longer than flipping signs, and bounds and p-values of 0.0005 are fine enough.
BootstrapOptions for_ratios(BootstrapOptions options) {
  constexpr std::int64_t kMostResamples = 2000;
  options.n_resamples = std::min(options.n_resamples, kMostResamples);
  return options;
}

/// What resampling says of a ratio.
Result<> add_ratio(const ResampledRatio& ratio, double margin, double level, Evidence& evidence) {
  evidence.worse_by = ratio.ratio - 1;
  ASSAY_ASSIGN(const Interval bounds, interval_of(ratio, 1 - 2 * level));
  evidence.lower = bounds[0] - 1;
  evidence.upper = bounds[1] - 1;
  evidence.p_value = p_value_above(ratio, 1 + margin);
  evidence.no_spread = bounds[0] == bounds[1];
  ASSAY_ASSIGN(const double quantile, normal_quantile(1 - level));
  evidence.standard_error = std::isfinite(bounds[1]) ? (bounds[1] - bounds[0]) / (2 * quantile) : 0;
  evidence.df = static_cast<double>(evidence.n_items - 1);
  return {};
}

std::vector<ItemPair> all_items(const std::vector<SuitePair>& suites) {
  std::vector<ItemPair> items;
  for (const SuitePair& suite : suites) items.insert(items.end(), suite.items.begin(), suite.items.end());
  return items;
}

Result<Evidence> latency_evidence(const std::vector<SuitePair>& suites, std::optional<double> ComparableSample::*figure,
                                  double margin, const EvidenceOptions& options) {
  Evidence evidence;
  const PairedValues values =
      paired_values(all_items(suites), [&](const ComparableSample& sample) { return sample.*figure; });
  evidence.n_items = static_cast<std::int64_t>(values.baseline.size());
  if (evidence.n_items == 0) return evidence;
  const auto median = [](const std::vector<std::vector<double>>& items) {
    std::vector<double> all;
    for (const auto& item : items) all.insert(all.end(), item.begin(), item.end());
    return quantile(std::move(all), 0.5);
  };
  ASSAY_ASSIGN(evidence.baseline, median(values.baseline));
  ASSAY_ASSIGN(evidence.candidate, median(values.candidate));
  if (evidence.n_items < 2) evidence.missing = too_few(evidence.n_items);
  if (!(*evidence.baseline > 0)) evidence.missing = "the baseline's median is 0";
  if (!evidence.missing.empty()) return evidence;
  ASSAY_ASSIGN(const ResampledRatio ratio,
               quantile_ratio(values.baseline, values.candidate, 0.5, for_ratios(options.bootstrap)));
  ASSAY_TRY(add_ratio(ratio, margin, options.level, evidence));
  return evidence;
}

constexpr std::string_view kUnknownTime =
    "how much a run's time varies is unknown: it was made in several parts, or without times";

/// The relative error of the ratio of two rates, from how the parts of the runs differ once each run's mean is divided
/// out (batch means): the slow start and the long tail that both runs have are no noise. None where parts are unknown.
Result<std::optional<double>> relative_error_of_rates(const ComparableRun& baseline, const ComparableRun& candidate) {
  PairedMeans parts{baseline.output_tokens_per_s_parts, candidate.output_tokens_per_s_parts};
  if (parts.baseline.size() < 2 || parts.baseline.size() != parts.candidate.size()) return std::optional<double>{};
  for (auto* side : {&parts.baseline, &parts.candidate}) {
    ASSAY_ASSIGN(const double side_mean, mean(*side));
    if (!(side_mean > 0)) return std::optional<double>{};
    for (double& rate : *side) rate /= side_mean;
  }
  ASSAY_ASSIGN(const PairedDifference difference, paired_difference(parts.candidate, parts.baseline));
  return std::optional(difference.standard_error);
}

Result<Evidence> throughput_evidence(const ComparableRun& baseline, const ComparableRun& candidate, double margin,
                                     const EvidenceOptions& options) {
  Evidence evidence;
  evidence.baseline = baseline.output_tokens_per_s;
  evidence.candidate = candidate.output_tokens_per_s;
  if (!evidence.baseline && !evidence.candidate) return evidence;
  if (!evidence.baseline || !evidence.candidate || !(*evidence.baseline > 0)) {
    evidence.missing = "only one of the runs knows its throughput";
    return evidence;
  }
  ASSAY_ASSIGN(const auto relative_error, relative_error_of_rates(baseline, candidate));
  if (!relative_error) {
    evidence.missing = std::string(kUnknownTime);
    return evidence;
  }
  const double ratio = *evidence.candidate / *evidence.baseline;
  evidence.worse_by = 1 - ratio;
  evidence.standard_error = ratio * *relative_error;
  evidence.df = static_cast<double>(baseline.output_tokens_per_s_parts.size() - 1);
  evidence.no_spread = evidence.standard_error == 0;
  ASSAY_ASSIGN(const Interval bounds,
               t_interval(*evidence.worse_by, evidence.standard_error, evidence.df, 1 - 2 * options.level));
  evidence.lower = bounds[0];
  evidence.upper = bounds[1];
  const double beyond = *evidence.worse_by - margin;
  if (evidence.no_spread) {
    evidence.p_value = beyond > 0 ? 0 : 1;
    return evidence;
  }
  ASSAY_ASSIGN(const double two_sided, t_two_sided_p(evidence.df, beyond / evidence.standard_error));
  evidence.p_value = beyond > 0 ? two_sided / 2 : 1 - two_sided / 2;
  return evidence;
}

/// What each item cost, shared out by its output tokens, over its correct answers.
std::optional<std::vector<RatioTerm>> cost_terms(const std::vector<ItemPair>& items, const ComparableRun& run,
                                                 bool of_baseline) {
  std::vector<RatioTerm> terms;
  double n_tokens = 0;
  for (const ItemPair& pair : items) {
    RatioTerm term;
    for (const ComparableSample& sample : (of_baseline ? pair.baseline : pair.candidate)->samples) {
      term.numerator += static_cast<double>(sample.n_output_tokens.value_or(0));
      term.denominator += sample.verdict == Verdict::correct ? 1 : 0;
    }
    n_tokens += term.numerator;
    terms.push_back(term);
  }
  if (!(n_tokens > 0)) return {};
  for (RatioTerm& term : terms) term.numerator *= *run.usd_total / n_tokens;
  return terms;
}

/// Cost is time, and time varies from run to run though the items stay the same: its error, that of the rate, is added
/// to what resampling the items says.
Result<> add_noise_of_time(const ComparableRun& baseline, const ComparableRun& candidate, double margin, double level,
                           Evidence& evidence) {
  ASSAY_ASSIGN(const auto relative_error, relative_error_of_rates(baseline, candidate));
  if (!relative_error) {
    evidence.missing = std::string(kUnknownTime);
    return {};
  }
  const double of_time = (1 + *evidence.worse_by) * *relative_error;
  evidence.standard_error = std::hypot(evidence.standard_error, of_time);
  evidence.no_spread = evidence.standard_error == 0;
  if (evidence.no_spread || !std::isfinite(evidence.upper)) return {};
  ASSAY_ASSIGN(const double quantile, normal_quantile(1 - level));
  evidence.lower = *evidence.worse_by - quantile * evidence.standard_error;
  evidence.upper = *evidence.worse_by + quantile * evidence.standard_error;
  evidence.p_value = normal_cdf((margin - *evidence.worse_by) / evidence.standard_error);
  return {};
}

Result<Evidence> cost_evidence(const ComparableRun& baseline, const ComparableRun& candidate,
                               const std::vector<SuitePair>& suites, double margin, const EvidenceOptions& options) {
  Evidence evidence;
  if (!baseline.usd_total && !candidate.usd_total) return evidence;
  if (!baseline.usd_total || !candidate.usd_total) {
    evidence.missing = "only one of the runs knows its cost";
    return evidence;
  }
  const std::vector<ItemPair> items = all_items(suites);
  evidence.n_items = static_cast<std::int64_t>(items.size());
  const auto a = cost_terms(items, baseline, true);
  const auto b = cost_terms(items, candidate, false);
  if (!a || !b || evidence.n_items < 2) {
    evidence.missing =
        evidence.n_items < 2 ? too_few(evidence.n_items) : "output tokens are unknown, so cost can't be shared out";
    return evidence;
  }
  const auto per_correct = [](const std::vector<RatioTerm>& terms) -> std::optional<double> {
    RatioTerm sum;
    for (const RatioTerm& term : terms) {
      sum.numerator += term.numerator;
      sum.denominator += term.denominator;
    }
    return sum.denominator > 0 ? std::optional(sum.numerator / sum.denominator) : std::nullopt;
  };
  evidence.baseline = per_correct(*a);
  evidence.candidate = per_correct(*b);
  const auto ratio = ratio_of_ratios(*a, *b, for_ratios(options.bootstrap));
  if (!ratio) {
    evidence.missing = "a run cost nothing or has no correct answer";
    return evidence;
  }
  ASSAY_TRY(add_ratio(*ratio, margin, options.level, evidence));
  ASSAY_TRY(add_noise_of_time(baseline, candidate, margin, options.level, evidence));
  return evidence;
}

}  // namespace

Result<Evidence> suite_evidence(const MetricKind& kind, const MetricPolicy& policy, const SuitePair& suite,
                                const EvidenceOptions& options) {
  if (kind.metric == "truncated_ratio") return share_evidence(suite.items, truncation, true, options);
  if (kind.metric == "output_tokens") return length_evidence(suite.items, policy.margin_below.has_value(), options);
  ASSAY_ASSERT(kind.metric == "accuracy", "every metric of a suite has its evidence");
  ASSAY_ASSIGN(Evidence evidence, share_evidence(suite.items, correctness, false, options));
  const double errors = errors_ratio(suite);
  if (errors > options.max_errors_ratio) {
    evidence.missing = percent_text(errors) + " of a run's samples are errors, more than " +
                       percent_text(options.max_errors_ratio) + ": they say nothing of the model";
  }
  return evidence;
}

Result<Evidence> run_evidence(const MetricKind& kind, const MetricPolicy& policy, const ComparableRun& baseline,
                              const ComparableRun& candidate, const std::vector<SuitePair>& suites,
                              const EvidenceOptions& options) {
  if (kind.metric == "output_tokens_per_s") return throughput_evidence(baseline, candidate, policy.margin, options);
  if (kind.metric == "usd_per_correct") return cost_evidence(baseline, candidate, suites, policy.margin, options);
  if (kind.metric == "ttft_ms_p50") return latency_evidence(suites, &ComparableSample::ttft_ms, policy.margin, options);
  if (kind.metric == "itl_ms_p50") return latency_evidence(suites, &ComparableSample::itl_ms, policy.margin, options);
  ASSAY_ASSERT(kind.metric == "e2e_ms_p50", "every metric of a run has its evidence");
  return latency_evidence(suites, &ComparableSample::e2e_ms, policy.margin, options);
}

}  // namespace assay::results

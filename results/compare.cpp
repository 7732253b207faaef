#include "results/compare.h"

#include <algorithm>
#include <cmath>

#include "harness/base/text.h"
#include "results/analysis/decisions.h"
#include "results/analysis/moments.h"
#include "results/analysis/paired.h"
#include "results/analysis/paired_ratio.h"
#include "results/analysis/power.h"
#include "results/analysis/votes.h"

namespace assay::results {

namespace {

constexpr double kPower = 0.8;

/// Differences of equal items have no spread to go by. So many equal ones say how rare others are: Wilson's bound of
/// 0 of n.
Result<Interval> interval_without_spread(double difference, std::int64_t n_items, double level) {
  ASSAY_ASSIGN(const Interval rare, wilson(0, n_items, level));
  return Interval{std::max(-1.0, difference - rare[1]), std::min(1.0, difference + rare[1])};
}

/// `is_share`: values in [0, 1], so that something can be said without spread, too.
Result<PairedFigure> paired_figure(const PairedMeans& means, double level, bool is_share) {
  PairedFigure figure;
  figure.n_items = static_cast<std::int64_t>(means.baseline.size());
  if (figure.n_items == 0) return figure;
  ASSAY_ASSIGN(const double baseline, mean(means.baseline));
  ASSAY_ASSIGN(const double candidate, mean(means.candidate));
  figure.baseline = baseline;
  figure.candidate = candidate;
  figure.difference = candidate - baseline;
  if (figure.n_items < 2) return figure;
  ASSAY_ASSIGN(const PairedDifference difference, paired_difference(means.candidate, means.baseline));
  figure.difference = difference.difference;
  figure.standard_error = difference.standard_error;
  if (difference.standard_error > 0) {
    ASSAY_ASSIGN(figure.interval, interval_of(difference, level));
    figure.interval_method = "t";
  } else if (is_share) {
    ASSAY_ASSIGN(figure.interval, interval_without_spread(difference.difference, figure.n_items, level));
    figure.interval_method = "wilson";
  }
  return figure;
}

/// The smallest p that n items can give: all differ, all the same way.
double least_p(std::int64_t n_items) { return std::pow(0.5, static_cast<double>(n_items - 1)); }

void set_finding(DifferenceTest& test, double difference, std::int64_t n_items, double level, bool more_is_better) {
  if (!test.p_holm || least_p(n_items) > 1 - level) return;
  test.finding = Finding::no_difference_shown;
  if (*test.p_holm <= 1 - level && difference != 0) {
    test.finding = (difference > 0) == more_is_better ? Finding::better : Finding::worse;
  }
}

Result<DifferenceTest> sign_flip(const PairedMeans& means, const BootstrapOptions& options) {
  DifferenceTest test;
  if (means.baseline.empty()) return test;
  ASSAY_ASSIGN(const auto clusters, difference_clusters(means.candidate, means.baseline));
  // Random signs are cheap beside resampled quantiles, and their number bounds the p-value from below.
  constexpr std::int64_t kLeastPatterns = 10'000;
  BootstrapOptions signs = options;
  signs.n_resamples = std::max(signs.n_resamples, kLeastPatterns);
  ASSAY_ASSIGN(const PermutationTest flipped, sign_flip_test(clusters, signs));
  test.p_value = flipped.p_value;
  test.method = flipped.exact ? "sign-flip" : "sign-flip, sampled";
  return test;
}

Result<DifferenceTest> accuracy_test(const std::vector<ItemPair>& items, const PairedMeans& means,
                                     const BootstrapOptions& options) {
  const bool single = std::all_of(items.begin(), items.end(), [](const ItemPair& pair) {
    return pair.baseline->samples.size() == 1 && pair.candidate->samples.size() == 1;
  });
  if (items.empty() || !single) return sign_flip(means, options);
  std::int64_t only_baseline = 0;
  std::int64_t only_candidate = 0;
  for (std::size_t i = 0; i < means.baseline.size(); ++i) {
    only_baseline += means.baseline[i] > means.candidate[i] ? 1 : 0;
    only_candidate += means.baseline[i] < means.candidate[i] ? 1 : 0;
  }
  DifferenceTest test{.p_value = {}, .method = "mcnemar", .p_holm = {}, .finding = Finding::too_few_samples};
  ASSAY_ASSIGN(test.p_value, mcnemar_p_value(only_baseline, only_candidate));
  return test;
}

/// The error for these very items: both runs' sampling noise alone.
Result<> add_fixed_items(const std::vector<ItemPair>& items, double level, SuiteComparison& suite) {
  const PairedValues scores = paired_values(items, correctness);
  const auto baseline = split_variance(scores.baseline);
  const auto candidate = split_variance(scores.candidate);
  if (!baseline || !candidate) return {};  // fewer than two items, or single samples: unknown
  const double error = std::hypot(baseline->fixed_items_standard_error, candidate->fixed_items_standard_error);
  suite.stderr_fixed_items = error;
  if (error == 0) return {};  // every item is answered alike each time: no spread to go by
  ASSAY_ASSIGN(
      const Interval around_zero,
      t_interval(0, error,
                 static_cast<double>(suite.n_samples_baseline + suite.n_samples_candidate - 2 * suite.n_items_paired),
                 level));
  suite.interval_fixed_items = {*suite.accuracy.difference + around_zero[0],
                                *suite.accuracy.difference + around_zero[1]};
  return {};
}

std::vector<Vote> votes_of(const ComparableItem& item) {
  std::vector<Vote> votes;
  for (const ComparableSample& sample : item.samples) {
    votes.push_back({sample.answer ? std::optional(std::to_string(*sample.answer)) : std::nullopt,
                     sample.verdict == Verdict::correct});
  }
  return votes;
}

/// A correct sample without an answer (a program that passed its tests) has nothing to vote with.
bool can_vote(const ComparableItem& item) {
  return std::all_of(item.samples.begin(), item.samples.end(), [](const ComparableSample& sample) {
    return sample.answer || sample.verdict != Verdict::correct;
  });
}

std::int64_t n_correct(const ComparableItem& item) {
  return std::count_if(item.samples.begin(), item.samples.end(),
                       [](const ComparableSample& sample) { return sample.verdict == Verdict::correct; });
}

Result<> add_votes(const std::vector<ItemPair>& items, const CompareOptions& options, SuiteComparison& suite) {
  if (items.empty()) return {};
  std::size_t fewest = items.front().baseline->samples.size();
  bool votes = true;
  for (const ItemPair& pair : items) {
    fewest = std::min({fewest, pair.baseline->samples.size(), pair.candidate->samples.size()});
    votes = votes && can_vote(*pair.baseline) && can_vote(*pair.candidate);
  }
  suite.votes_k = static_cast<std::int64_t>(fewest);
  PairedMeans passes;
  PairedMeans majorities;
  // Of more samples than k the subsets are drawn: exact counting over hundreds of samples an item takes seconds.
  const BootstrapOptions subsets{.n_resamples = 200, .seed = options.bootstrap.seed};
  const auto add = [&](const ComparableItem& item, std::vector<double>& pass,
                       std::vector<double>& majority) -> Result<> {
    ASSAY_ASSIGN(const double p,
                 pass_at_k(static_cast<std::int64_t>(item.samples.size()), n_correct(item), suite.votes_k));
    pass.push_back(p);
    if (!votes) return {};
    ASSAY_ASSIGN(const double m, maj_at_k(votes_of(item), suite.votes_k, subsets));
    majority.push_back(m);
    return {};
  };
  for (const ItemPair& pair : items) {
    ASSAY_TRY(add(*pair.baseline, passes.baseline, majorities.baseline));
    ASSAY_TRY(add(*pair.candidate, passes.candidate, majorities.candidate));
  }
  ASSAY_ASSIGN(suite.pass_at_k, paired_figure(passes, options.level, true));
  ASSAY_ASSIGN(suite.maj_at_k, paired_figure(majorities, options.level, true));
  return {};
}

Outcomes outcomes_of(const ComparableItem& item) {
  Outcomes outcomes{};
  for (const ComparableSample& sample : item.samples) ++outcomes[static_cast<std::size_t>(sample.verdict)];
  return outcomes;
}

Verdict most_frequent(const Outcomes& outcomes) {
  return static_cast<Verdict>(std::max_element(outcomes.begin(), outcomes.end()) - outcomes.begin());
}

double change_of(const Flip& flip) {
  return static_cast<double>(flip.n_correct_candidate) / static_cast<double>(flip.n_candidate) -
         static_cast<double>(flip.n_correct_baseline) / static_cast<double>(flip.n_baseline);
}

void add_items(const std::vector<ItemPair>& items, SuiteComparison& suite) {
  for (const ItemPair& pair : items) {
    const Outcomes baseline = outcomes_of(*pair.baseline);
    const Outcomes candidate = outcomes_of(*pair.candidate);
    for (std::size_t i = 0; i < baseline.size(); ++i) {
      suite.outcomes_baseline[i] += baseline[i];
      suite.outcomes_candidate[i] += candidate[i];
      suite.n_samples_baseline += baseline[i];
      suite.n_samples_candidate += candidate[i];
    }
    Flip flip{.item = pair.baseline->item,
              .tag = pair.baseline->tag,
              .baseline = most_frequent(baseline),
              .candidate = most_frequent(candidate),
              .n_correct_baseline = baseline[0],
              .n_baseline = static_cast<std::int64_t>(pair.baseline->samples.size()),
              .n_correct_candidate = candidate[0],
              .n_candidate = static_cast<std::int64_t>(pair.candidate->samples.size())};
    const double change = change_of(flip);
    suite.n_lost += change < 0 ? 1 : 0;
    suite.n_gained += change > 0 ? 1 : 0;
    if (change != 0) suite.flips.push_back(std::move(flip));
  }
  std::stable_sort(suite.flips.begin(), suite.flips.end(), [](const Flip& a, const Flip& b) {
    const double change_a = change_of(a);
    const double change_b = change_of(b);
    return (change_a < 0) != (change_b < 0) ? change_a < 0 : std::abs(change_a) > std::abs(change_b);
  });
}

Result<SuiteComparison> compare_suite(const SuitePair& pair, const CompareOptions& options) {
  SuiteComparison suite;
  suite.suite = pair.baseline->suite;
  suite.n_items_baseline = static_cast<std::int64_t>(pair.baseline->items.size());
  suite.n_items_candidate = static_cast<std::int64_t>(pair.candidate->items.size());
  suite.n_items_paired = static_cast<std::int64_t>(pair.items.size());
  add_items(pair.items, suite);
  const PairedMeans accuracies = paired_means(pair.items, correctness);
  ASSAY_ASSIGN(suite.accuracy, paired_figure(accuracies, options.level, true));
  ASSAY_TRY(add_fixed_items(pair.items, options.level, suite));
  ASSAY_ASSIGN(suite.accuracy_test, accuracy_test(pair.items, accuracies, options.bootstrap));
  const double alpha = 1 - options.level;
  if (const auto error = suite.accuracy.standard_error; error && *error > 0 && alpha < kPower) {
    const double variance = *error * *error * static_cast<double>(suite.n_items_paired);
    ASSAY_ASSIGN(
        suite.detectable_difference,
        detectable_difference(suite.n_items_paired,
                              {.between = variance, .within_a = 0, .within_b = 0, .samples_a = 1, .samples_b = 1},
                              {.alpha = alpha, .power = kPower}));
  }
  const PairedMeans tokens = paired_means(pair.items, output_tokens);
  ASSAY_ASSIGN(suite.output_tokens, paired_figure(tokens, options.level, false));
  ASSAY_ASSIGN(suite.output_tokens_test, sign_flip(tokens, options.bootstrap));
  ASSAY_TRY(add_votes(pair.items, options, suite));
  return suite;
}

struct LatencyMetric {
  const char* name;
  std::optional<double> ComparableSample::*figure;
};
constexpr LatencyMetric kLatencies[] = {{"ttft_ms", &ComparableSample::ttft_ms},
                                        {"itl_ms", &ComparableSample::itl_ms},
                                        {"e2e_ms", &ComparableSample::e2e_ms}};

std::vector<double> flat(const std::vector<std::vector<double>>& items) {
  std::vector<double> all;
  for (const auto& values : items) all.insert(all.end(), values.begin(), values.end());
  return all;
}

Result<LatencyComparison> compare_latency(const std::vector<ItemPair>& items, const LatencyMetric& metric,
                                          const CompareOptions& options) {
  LatencyComparison latency;
  latency.metric = metric.name;
  const PairedValues values =
      paired_values(items, [&](const ComparableSample& sample) { return sample.*metric.figure; });
  ASSAY_ASSIGN(latency.baseline, percentiles(flat(values.baseline)));
  ASSAY_ASSIGN(latency.candidate, percentiles(flat(values.candidate)));
  if (values.baseline.empty() || !(*latency.baseline.p50 > 0)) return latency;
  ASSAY_ASSIGN(const ResampledRatio ratio, quantile_ratio(values.baseline, values.candidate, 0.5, options.bootstrap));
  latency.p50_ratio = ratio.ratio;
  if (values.baseline.size() >= 2) {
    ASSAY_ASSIGN(latency.p50_ratio_interval, interval_of(ratio, options.level));
  }
  return latency;
}

RunFigure run_figure(std::string metric, std::optional<double> baseline, std::optional<double> candidate) {
  RunFigure figure{
      .metric = std::move(metric), .baseline = baseline, .candidate = candidate, .ratio = {}, .ratio_interval = {}};
  if (baseline && candidate && *baseline > 0) figure.ratio = *candidate / *baseline;
  return figure;
}

std::int64_t n_correct_of(const ComparableRun& run) {
  std::int64_t n = 0;
  for (const ComparableSuite& suite : run.suites) {
    for (const ComparableItem& item : suite.items) n += n_correct(item);
  }
  return n;
}

std::optional<double> per_correct(const std::optional<double>& total, const ComparableRun& run) {
  const std::int64_t n = n_correct_of(run);
  if (!total || n == 0) return {};
  return *total / static_cast<double>(n);
}

std::vector<RunFigure> compare_figures(const ComparableRun& a, const ComparableRun& b) {
  return {run_figure("output_tokens_per_s", a.output_tokens_per_s, b.output_tokens_per_s),
          run_figure("wall_s", a.wall_s, b.wall_s),
          run_figure("usd_total", a.usd_total, b.usd_total),
          run_figure("usd_per_correct", per_correct(a.usd_total, a), per_correct(b.usd_total, b)),
          run_figure("joules_total", a.joules_total, b.joules_total),
          run_figure("joules_per_correct", per_correct(a.joules_total, a), per_correct(b.joules_total, b))};
}

std::vector<std::string> notes_on(const ComparableRun& baseline, const ComparableRun& candidate) {
  std::vector<std::string> notes;
  for (const ComparableRun* run : {&baseline, &candidate}) {
    if (run->state == "finished") continue;
    notes.push_back(title_of(*run) + " is unfinished: " + to_text(n_samples_stored(*run)) + " of " +
                    to_text(n_samples_planned(*run)) + " samples");
  }
  const auto only = [&](const ComparableRun& other, const ComparableRun& run) {
    for (const std::string& suite : suites_missing_in(other, run)) {
      notes.push_back("only " + title_of(run) + " has suite " + shown(suite));
    }
  };
  only(candidate, baseline);
  only(baseline, candidate);
  if (baseline.sent == candidate.sent && baseline.usd_by == candidate.usd_by) return notes;
  for (const ComparableRun* run : {&baseline, &candidate}) {
    notes.push_back(title_of(*run) + ": " + (run->sent.empty() ? "nothing left the machine" : run->sent) +
                    (run->usd_by.empty() ? "" : "; dollars by " + run->usd_by));
  }
  if (baseline.sent.empty() != candidate.sent.empty()) {
    notes.push_back("an endpoint's times hold the network and its queue; those of a model here count from its prefill");
  }
  return notes;
}

Result<RunComparison> compare_pair(const ComparableRun& baseline, const ComparableRun& candidate,
                                   const CompareOptions& options) {
  RunComparison comparison;
  comparison.baseline_run_id = baseline.run_id;
  comparison.candidate_run_id = candidate.run_id;
  comparison.baseline_title = title_of(baseline);
  comparison.candidate_title = title_of(candidate);
  comparison.provenance_baseline = baseline.provenance;
  comparison.provenance_candidate = candidate.provenance;
  comparison.obstacles = comparison_obstacles(baseline, candidate);
  if (!comparison.obstacles.empty() && !options.force) {
    return bad_input("compare: ", comparison.baseline_title, " and ", comparison.candidate_title, " differ in ",
                     join(comparison.obstacles, ", "), "; --force compares them all the same");
  }
  comparison.environment_differences = environment_differences(baseline, candidate);
  comparison.notes = notes_on(baseline, candidate);
  const std::vector<SuitePair> suites = pair_suites(baseline, candidate);
  if (suites.empty()) {
    return bad_input("compare: ", comparison.baseline_title, " and ", comparison.candidate_title,
                     " have no suite in common");
  }
  std::vector<ItemPair> items;
  for (const SuitePair& suite : suites) {
    ASSAY_ASSIGN(SuiteComparison compared, compare_suite(suite, options));
    comparison.suites.push_back(std::move(compared));
    items.insert(items.end(), suite.items.begin(), suite.items.end());
  }
  for (const LatencyMetric& metric : kLatencies) {
    ASSAY_ASSIGN(LatencyComparison latency, compare_latency(items, metric, options));
    comparison.latency.push_back(std::move(latency));
  }
  comparison.figures = compare_figures(baseline, candidate);
  return comparison;
}

/// Every test of the comparison that there was something to test for.
std::vector<DifferenceTest*> all_tests(Comparison& comparison) {
  std::vector<DifferenceTest*> tests;
  for (RunComparison& run : comparison.runs) {
    for (SuiteComparison& suite : run.suites) {
      for (DifferenceTest* test : {&suite.accuracy_test, &suite.output_tokens_test}) {
        if (test->p_value) tests.push_back(test);
      }
    }
  }
  return tests;
}

Result<> correct_and_judge(Comparison& comparison) {
  const std::vector<DifferenceTest*> tests = all_tests(comparison);
  comparison.n_tests = static_cast<std::int64_t>(tests.size());
  std::vector<double> p_values;
  for (const DifferenceTest* test : tests) p_values.push_back(*test->p_value);
  ASSAY_ASSIGN(const std::vector<double> adjusted, holm_adjusted(p_values));
  for (std::size_t i = 0; i < tests.size(); ++i) tests[i]->p_holm = adjusted[i];
  for (RunComparison& run : comparison.runs) {
    for (SuiteComparison& suite : run.suites) {
      set_finding(suite.accuracy_test, suite.accuracy.difference.value_or(0), suite.accuracy.n_items, comparison.level,
                  true);
      set_finding(suite.output_tokens_test, suite.output_tokens.difference.value_or(0), suite.output_tokens.n_items,
                  comparison.level, false);
    }
  }
  return {};
}

}  // namespace

std::string to_string(Finding finding) {
  switch (finding) {
    case Finding::better:
      return "better";
    case Finding::worse:
      return "worse";
    case Finding::no_difference_shown:
      return "no difference shown";
    case Finding::too_few_samples:
      break;
  }
  return "too few samples";
}

Result<Comparison> compare_runs(const ComparableRun& baseline, const std::vector<ComparableRun>& candidates,
                                const CompareOptions& options) {
  ASSAY_TRY(check_level(options.level));
  Comparison comparison{.level = options.level, .n_tests = 0, .bootstrap = options.bootstrap, .runs = {}};
  for (const ComparableRun& candidate : candidates) {
    ASSAY_ASSIGN(RunComparison run, compare_pair(baseline, candidate, options));
    comparison.runs.push_back(std::move(run));
  }
  ASSAY_TRY(correct_and_judge(comparison));
  return comparison;
}

}  // namespace assay::results

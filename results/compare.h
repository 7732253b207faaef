#pragma once
// Two runs, paired by item: how they differ, whether that may be chance, and where. Pure.
//
// The baseline is the run that others are compared with; every difference is candidate - baseline, every ratio
// candidate / baseline.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "results/analysis/bootstrap.h"
#include "results/analysis/intervals.h"
#include "results/pairing.h"
#include "results/summary.h"

namespace assay::results {

/// What may be said of a difference. `too_few_samples`: however the items came out, so few could show nothing.
enum class Finding { better, worse, no_difference_shown, too_few_samples };
std::string to_string(Finding finding);

/// A mean over items on both sides.
struct PairedFigure {
  std::int64_t n_items = 0;  ///< that know the figure on both sides
  std::optional<double> baseline, candidate, difference;
  std::optional<double> standard_error;  ///< of the difference, over items; two items
  std::optional<Interval> interval;      ///< of the difference, for questions like these
  std::string interval_method;           ///< "t"; "wilson" where no item differs from another; empty without interval
};

/// A test of "no difference".
struct DifferenceTest {
  std::optional<double> p_value;  ///< two-sided; none where there is nothing to test
  std::string method;             ///< "mcnemar", "sign-flip", or "sign-flip, sampled" where not every sign was tried
  std::optional<double> p_holm;   ///< corrected for all tests of the comparison
  Finding finding = Finding::too_few_samples;
};

/// An item whose share of correct samples differs.
struct Flip {
  std::string item;
  std::string tag;
  Verdict baseline = Verdict::error, candidate = Verdict::error;  ///< the most frequent outcome on each side
  std::int64_t n_correct_baseline = 0, n_baseline = 0;
  std::int64_t n_correct_candidate = 0, n_candidate = 0;
};

/// Samples by outcome, in the order of Verdict.
using Outcomes = std::array<std::int64_t, 5>;

struct SuiteComparison {
  std::string suite;
  std::int64_t n_items_baseline = 0, n_items_candidate = 0;  ///< with samples
  std::int64_t n_items_paired = 0;
  std::int64_t n_samples_baseline = 0, n_samples_candidate = 0;  ///< of the paired items, as is all below
  Outcomes outcomes_baseline{}, outcomes_candidate{};
  PairedFigure accuracy;
  std::optional<double> stderr_fixed_items;      ///< of the accuracy's difference; two samples of an item on each side
  std::optional<Interval> interval_fixed_items;  ///< for these very questions
  DifferenceTest accuracy_test;
  std::optional<double> detectable_difference;  ///< in accuracy, with 80 % power; none where items do not differ
  PairedFigure output_tokens;                   ///< a sample
  DifferenceTest output_tokens_test;            ///< `worse` is longer
  std::int64_t votes_k = 0;                     ///< k of both below: the fewest samples of an item on either side
  PairedFigure pass_at_k, maj_at_k;
  std::int64_t n_lost = 0, n_gained = 0;  ///< items with a lower, and with a higher share of correct samples
  std::vector<Flip> flips;                ///< all of these: lost ones first, the largest change first
};

/// Percentiles of both, and the ratio of the medians.
struct LatencyComparison {
  std::string metric;  ///< "ttft_ms"
  Percentiles baseline, candidate;
  std::optional<double> p50_ratio;
  std::optional<Interval> p50_ratio_interval;
};

/// A figure of a whole run.
struct RunFigure {
  std::string metric;
  std::optional<double> baseline, candidate, ratio;
  std::optional<Interval> ratio_interval;  ///< none where one run gives one figure and no spread
};

struct RunComparison {
  std::string baseline_run_id, candidate_run_id;
  std::string baseline_title, candidate_title;
  std::string provenance_baseline, provenance_candidate;
  std::vector<std::string> obstacles;                ///< what the comparison was forced against
  std::vector<std::string> environment_differences;  ///< speed is then that of different machines or builds
  std::vector<std::string> notes;                    ///< unfinished runs, suites of one run alone
  std::vector<SuiteComparison> suites;
  std::vector<LatencyComparison> latency;
  std::vector<RunFigure> figures;
};

struct CompareOptions {
  bool force = false;  ///< compare in spite of obstacles
  double level = 0.95;
  BootstrapOptions bootstrap = {.n_resamples = 2000, .seed = 0};
};

struct Comparison {
  double level = 0.95;
  std::int64_t n_tests = 0;  ///< that Holm's correction is for
  BootstrapOptions bootstrap;
  std::vector<RunComparison> runs;  ///< each candidate against the one baseline
};

/// Error{bad_input} for obstacles (unless forced), runs without a suite in common, a level outside (0, 1).
Result<Comparison> compare_runs(const ComparableRun& baseline, const std::vector<ComparableRun>& candidates,
                                const CompareOptions& options = {});

/// Tables for people. At most `n_flips` flips a suite are listed, and how many more there are is said.
std::string comparison_text(const Comparison& comparison, std::int64_t n_flips = 10);

/// All of it, spelled as the fields here.
Json to_json(const Comparison& comparison);

}  // namespace assay::results

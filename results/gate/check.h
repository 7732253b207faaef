#pragma once
// The gate: has a candidate run become worse than a baseline? One object holds the verdict with everything it was made
// of; the command line, the files for CI systems and the dashboard all show this object. Pure.
//
// The chance that any gated metric is called regressed though nothing changed is at most the policy's level, over all
// of them: half of it is spent on accuracy, half on the rest (all of it where there is only one kind), and Holm's
// correction hands on what is not needed. A metric passes where a change of its margin is excluded at the level.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "results/analysis/decisions.h"
#include "results/gate/evidence.h"
#include "results/gate/policy.h"
#include "results/pairing.h"

namespace assay::results {

struct MetricVerdict {
  std::string metric;
  std::string suite;  ///< empty for a metric of the whole run
  bool gated = false;
  GateVerdict verdict = GateVerdict::inconclusive;
  MetricPolicy policy;
  bool is_relative = false;  ///< worse_by and margins are shares of the baseline's value
  Evidence evidence;
  std::optional<double> p_adjusted;  ///< corrected for all gated metrics; its own p-value where it is not gated
  /// The chance to call a true change of the margin regressed, if samples spread as these do; none where they don't
  /// spread at all, and for metrics with GateMethod::beyond.
  std::optional<double> power_at_margin;
  std::optional<std::int64_t> n_items_to_settle;    ///< inconclusive: so many items in both runs would settle it
  std::optional<std::int64_t> n_samples_to_settle;  ///< or so many samples of each item, in both runs
  std::string reason;                               ///< in words, for people
  std::optional<std::size_t> waiver;                ///< of the policy; the verdict stands, and fails nothing
};

/// An accuracy that must be reached whatever the baseline had.
struct FloorVerdict {
  std::string suite;
  std::optional<double> accuracy;  ///< of the candidate
  double least = 0;
  bool missed = false;
};

struct CheckResult {
  GateVerdict verdict = GateVerdict::inconclusive;  ///< over all gated metrics; floors are apart
  bool inconclusive_fails = true;
  double level = 0.05;
  std::string baseline_run_id, candidate_run_id;
  std::string baseline_title, candidate_title;
  std::string baseline_provenance, candidate_provenance;
  std::vector<MetricVerdict> metrics;
  std::vector<FloorVerdict> floors;
  std::vector<std::string> environment_differences;
  std::vector<std::string> notes;
  std::vector<Waiver> waivers;               ///< the policy's
  std::vector<std::size_t> expired_waivers;  ///< of these, which are over and were not applied
  std::int64_t checked_at_ms = 0;            ///< Unix time
  std::optional<Json> calibration;           ///< what this machine's A/A test said, see results/gate/calibration.h
};

/// How a check ended, as exit codes do.
enum class CheckOutcome { passed = 0, failed = 1, inconclusive = 5 };
CheckOutcome outcome_of(const CheckResult& result);

struct CheckOptions {
  std::int64_t now_ms = 0;  ///< Unix time: waivers expire
  BootstrapOptions bootstrap;
  bool gated_metrics_only = false;  ///< leave out what is shown for information
};

/// Error{bad_input} for runs that must not be compared (another suite, grader, sampling or method of measuring), that
/// are unfinished, or that have no suite in common; and for floors of a suite that the candidate has not.
Result<CheckResult> check_runs(const ComparableRun& baseline, const ComparableRun& candidate, const Policy& policy,
                               const CheckOptions& options);

/// A table for people.
std::string check_text(const CheckResult& result);
Json to_json(const CheckResult& result);

}  // namespace assay::results

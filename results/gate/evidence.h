#pragma once
// What two runs say of one metric, turned so that more is worse: the numbers that a gate's verdict is made of. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "results/analysis/bootstrap.h"
#include "results/gate/policy.h"
#include "results/pairing.h"

namespace assay::results {

struct Evidence {
  std::optional<double> baseline, candidate;
  /// The change for the worse: a difference of shares, or relative to the baseline (0.1: 10 % more, or less of what
  /// should be much). Where it is known, the bounds and the p-value are, too.
  std::optional<double> worse_by;
  double lower = 0, upper = 0;  ///< one-sided bounds, each at the level
  double p_value = 1;  ///< of "no change for the worse", or "no change beyond the margin", as MetricKind::method
  double standard_error = 0;
  double df = 0;           ///< of the standard error
  bool no_spread = false;  ///< no item differs from another: the bounds are the change itself
  std::int64_t n_items = 0;
  /// What the samples' own noise adds to the variance of an item's change, and how many samples an item has in the mean
  /// of both runs; none where items have single samples.
  std::optional<double> sampling_variance;
  double samples_per_item = 0;
  std::string missing;  ///< why there is no evidence; empty if there is, or if neither run knows the figure
};

struct EvidenceOptions {
  double level = 0.05;
  double max_errors_ratio = 1;
  BootstrapOptions bootstrap;
};

/// Of a metric of one suite. The metric is one of metric_kinds() with is_of_suite.
Result<Evidence> suite_evidence(const MetricKind& kind, const MetricPolicy& policy, const SuitePair& suite,
                                const EvidenceOptions& options);

/// Of a metric of whole runs. `suites` are all that both have.
Result<Evidence> run_evidence(const MetricKind& kind, const MetricPolicy& policy, const ComparableRun& baseline,
                              const ComparableRun& candidate, const std::vector<SuitePair>& suites,
                              const EvidenceOptions& options);

}  // namespace assay::results

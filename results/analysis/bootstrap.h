#pragma once
// Intervals by resampling whole clusters with replacement. Pure: the seed is part of the input, so the same input gives
// the same bits on any machine.
//
// A cluster is what was drawn together: an item with its K samples, or all items of a contest or passage.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/base/result.h"
#include "results/analysis/intervals.h"

namespace assay::results {

/// How many resamples a bootstrap takes, and the seed of its generator; both belong beside any number made with them.
/// Generator: Philox4x32-10, word w of resample r from counter {w / 4, r, 0, 0}.
struct BootstrapOptions {
  std::int64_t n_resamples = 10'000;
  std::uint64_t seed = 0;
};

/// A figure and what resampling says of it.
struct BootstrapEstimate {
  double estimate = 0;  ///< of the data themselves
  Interval percentile{};
  /// Bias-corrected and accelerated: covers better than `percentile` where items are few or the spread is skewed. None
  /// where it has no value: fewer than two clusters, or every resampled figure on one side of the estimate.
  /// Source: Efron 1987, JASA 82:171-185; the acceleration by the jackknife over clusters.
  std::optional<Interval> bca;
  std::optional<double> standard_error;  ///< of the resampled figures; none where one of them is infinite
};

/// The mean of all values, each of equal weight. `clusters[c]` are the values of cluster c: of one item, usually its
/// mean over samples alone. Error{bad_input} for no cluster, an empty one, a value that is no number, fewer than one
/// resample or more than 2³² - 1, a level outside (0, 1). Clusters that do not differ give an interval without width:
/// resampling can't know what it never saw, so take Wilson or a posterior there (accuracy_ci95 does).
/// Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, sections 13.3 and 14.3.
Result<BootstrapEstimate> bootstrap_mean(std::span<const std::vector<double>> clusters,
                                         const BootstrapOptions& options = {}, double level = 0.95);

/// What a cluster adds to the two sums of a ratio, such as dollars and correct answers.
struct RatioTerm {
  double numerator = 0;
  double denominator = 0;
};

/// The ratio of the two sums. Terms are at least 0. Where a resample's denominator is 0 its ratio is infinite, which is
/// what the end of the interval then says. Error{bad_input} where the data's own denominator is 0, otherwise as above.
Result<BootstrapEstimate> bootstrap_ratio(std::span<const RatioTerm> clusters, const BootstrapOptions& options = {},
                                          double level = 0.95);

/// The percentile interval of the p-quantile (type 7, as quantile()) of all values of the clusters. There is no BCa:
/// the jackknife of a quantile does not converge. Cost: n_resamples times the number of values. Errors as
/// bootstrap_mean.
Result<Interval> bootstrap_quantile(std::span<const std::vector<double>> clusters, double p,
                                    const BootstrapOptions& options = {}, double level = 0.95);

}  // namespace assay::results

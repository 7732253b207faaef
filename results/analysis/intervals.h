#pragma once
// Intervals: for proportions, for means by resampling, and the rule that picks one for a suite's accuracy. Pure.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/base/result.h"

namespace assay::results {

using Interval = std::array<double, 2>;  ///< {low, high}

/// The 97.5 % quantile of the standard normal distribution.
inline constexpr double kZ95 = 1.959963984540054;

/// Wilson's score interval (95 %) for `n_correct` of `n`. n >= 1 and 0 <= n_correct <= n, else Error{bad_input};
/// n_correct may be a fraction (a mean over samples times n). Source: Wilson 1927, JASA 22:209-212.
Result<Interval> wilson95(double n_correct, std::int64_t n);

/// The exact interval (95 %) of Clopper and Pearson 1934, Biometrika 26:404-413: beta quantiles. Conservative.
Result<Interval> clopper_pearson95(std::int64_t n_correct, std::int64_t n);

/// How many resamples a bootstrap takes, and the seed of its generator; both belong beside any number made with them.
struct BootstrapOptions {
  std::int64_t n_resamples = 10'000;
  std::uint64_t seed = 0;
};

/// The percentile interval (95 %) of the mean, by resampling whole clusters with replacement. `clusters[c]` are the
/// values of cluster c: of one item, usually its mean over samples alone. Each resample draws as many clusters as there
/// are and weighs every value equally. Error{bad_input} for an empty cluster or none. The same input gives the same
/// bits. Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 13.3. Generator: Philox4x32-10.
Result<Interval> bootstrap95(std::span<const std::vector<double>> clusters, const BootstrapOptions& options);

/// An interval and the rule that gave it: "wilson", "bootstrap" or "t".
struct RuledInterval {
  Interval interval{};
  std::string method;
};

/// The 95 % interval of a suite's accuracy, from each item's mean over its samples (values in [0, 1], at least one).
/// Below 300 items: Wilson for one sample per item, else the bootstrap over items; from 300 on m ± t·SE, cut to [0, 1].
/// Where the items do not differ at all (0/n, n/n, a single item) resampling and SE know no spread, so Wilson over the
/// items is taken. Source of the rule: Bowyer et al. 2025, arXiv:2503.01747; Miller 2024, arXiv:2411.00640.
Result<RuledInterval> accuracy_ci95(std::span<const double> item_means, bool single_sample,
                                    const BootstrapOptions& options);

}  // namespace assay::results

#pragma once
// Intervals for proportions and means, and the rule that picks one for a suite's accuracy. Pure.
//
// `level` is the two-sided coverage, between 0 and 1; a one-sided bound at 5 % is an end of the interval at 0.90.

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "harness/base/result.h"

namespace assay::results {

using Interval = std::array<double, 2>;  ///< {low, high}

/// The 97.5 % quantile of the standard normal distribution.
inline constexpr double kZ95 = 1.959963984540054;

/// Error{bad_input} unless `level` is between 0 and 1.
Result<> check_level(double level);

/// Wilson's score interval for `n_correct` of `n`. n >= 1 and 0 <= n_correct <= n, else Error{bad_input}; n_correct may
/// be a fraction (a mean over samples times n). Source: Wilson 1927, JASA 22:209-212.
Result<Interval> wilson(double n_correct, std::int64_t n, double level = 0.95);

/// The exact interval of Clopper and Pearson 1934, Biometrika 26:404-413: beta quantiles. Conservative.
Result<Interval> clopper_pearson(std::int64_t n_correct, std::int64_t n, double level = 0.95);

/// Two weights of a Beta prior. {1, 1} is uniform, {½, ½} is Jeffreys'.
struct BetaPrior {
  double correct = 1;
  double wrong = 1;
};

/// The central credible interval of a proportion: quantiles of Beta(prior + n_correct, prior + n - n_correct). Both
/// counts may be fractions, as for several samples an item, where n is effective_n(). n >= 0: without data it is the
/// prior's. A weight of the prior is above 0. Source: Bowyer et al. 2025, arXiv:2503.01747.
Result<Interval> beta_posterior(double n_correct, double n, const BetaPrior& prior = {}, double level = 0.95);

/// The number of independent yes-or-no items whose mean `m` would have this standard error: m (1 - m) / se². For single
/// samples of n items that is n - 1, for several samples more. Error{bad_input} unless 0 < m < 1 and se > 0.
Result<double> effective_n(double m, double standard_error);

/// m ± t·se with `df` > 0 degrees of freedom: items - 1, or clusters - 1 with a clustered error. se = 0 gives an
/// interval without width.
Result<Interval> t_interval(double m, double standard_error, double df, double level = 0.95);

/// An interval and the rule that gave it: "wilson", "bca", "t", or "percentile" where BCa has no value.
struct RuledInterval {
  Interval interval{};
  std::string method;
};

struct BootstrapOptions;  // results/analysis/bootstrap.h

/// The 95 % interval of a suite's accuracy, from each item's mean over its samples (values in [0, 1], at least one).
/// Below 300 items: Wilson for one sample per item, else the BCa bootstrap over items; from 300 on m ± t·SE, cut to
/// [0, 1]. Where the items do not differ at all (0/n, n/n, a single item) resampling and SE know no spread, so Wilson
/// over the items is taken. Source of the rule: Bowyer et al. 2025, arXiv:2503.01747; Miller 2024, arXiv:2411.00640.
Result<RuledInterval> accuracy_ci95(std::span<const double> item_means, bool single_sample,
                                    const BootstrapOptions& options);

/// One item's samples, counted.
struct ItemCounts {
  std::int64_t n_samples = 0;
  std::int64_t n_correct = 0;
  std::int64_t n_unresolved = 0;  ///< no answer, truncated or error: nobody knows what the answer would have been
};

/// The accuracy if all unresolved samples were wrong, and if all were right: means over items. Error{bad_input} for no
/// items, one without samples, or counts that exceed the samples.
Result<Interval> unresolved_bounds(std::span<const ItemCounts> items);

}  // namespace assay::results

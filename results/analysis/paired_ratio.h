#pragma once
// How many times as large a figure of one run is as that of another on the same items, with what resampling the items
// says of it. Pure: the seed is part of the input.

#include <span>
#include <vector>

#include "harness/base/result.h"
#include "results/analysis/bootstrap.h"

namespace assay::results {

/// A ratio b / a and its resamples. Items are drawn together on both sides.
struct ResampledRatio {
  double ratio = 0;
  std::vector<double> resampled;  ///< in ascending order; infinite where a resample had nothing to divide by
};

/// Of the p-quantiles (type 7, as quantile()) of all values: `a[i]` and `b[i]` are item i's samples, one at least, and
/// at least 0. Error{bad_input} for no items, spans of unequal length, an item without values, a value that is no
/// number, or a quantile of a that is 0. Cost: n_resamples times the number of values.
Result<ResampledRatio> quantile_ratio(std::span<const std::vector<double>> a, std::span<const std::vector<double>> b,
                                      double p, const BootstrapOptions& options = {});

/// Of the ratios of sums: (sum of b's numerators / sum of b's denominators) over the same of a, such as dollars per
/// correct answer. Errors as above, also where one of a's sums or b's denominator is 0.
Result<ResampledRatio> ratio_of_ratios(std::span<const RatioTerm> a, std::span<const RatioTerm> b,
                                       const BootstrapOptions& options = {});

/// The percentile interval at a two-sided level in (0, 1).
Result<Interval> interval_of(const ResampledRatio& ratio, double level = 0.95);

/// The one-sided p-value of "the true ratio is at most `bound`": the share of resamples that are, by percentiles, never
/// 0: (1 + n) / (1 + n_resamples).
double p_value_above(const ResampledRatio& ratio, double bound);

}  // namespace assay::results

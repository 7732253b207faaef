#pragma once
// The interval of a ratio of two means, such as joules per correct answer. Pure.

#include <optional>
#include <span>

#include "harness/base/result.h"
#include "results/analysis/intervals.h"

namespace assay::results {

struct RatioEstimate {
  double ratio = 0;  ///< mean numerator / mean denominator
  /// Fieller's interval; none where the denominator's mean may be 0 at this level: then the ratio has no bound.
  std::optional<Interval> interval;
};

/// The ratio of the means of paired values, with Fieller's interval (t with n - 1 degrees of freedom): what an item
/// cost over how much of it was right. n >= 2 finite pairs and a mean denominator other than 0, else Error{bad_input}.
/// bootstrap_ratio() is the way by resampling, which needs no normal means.
/// Source: Fieller 1954, Journal of the Royal Statistical Society B 16:175-185.
Result<RatioEstimate> fieller(std::span<const double> numerators, std::span<const double> denominators,
                              double level = 0.95);

}  // namespace assay::results

#include "results/analysis/ratio.h"

#include <algorithm>
#include <cmath>

#include "results/analysis/distributions.h"
#include "results/analysis/moments.h"

namespace assay::results {

Result<RatioEstimate> fieller(std::span<const double> numerators, std::span<const double> denominators, double level) {
  ASSAY_TRY(check_level(level));
  ASSAY_ASSIGN(const double covariance, sample_covariance(numerators, denominators));
  ASSAY_ASSIGN(const double variance_y, sample_variance(numerators));
  ASSAY_ASSIGN(const double variance_x, sample_variance(denominators));
  ASSAY_ASSIGN(const double y, mean(numerators));
  ASSAY_ASSIGN(const double x, mean(denominators));
  if (x == 0) return bad_input("fieller: the denominators' mean is 0, so there is no ratio");
  const auto n = static_cast<double>(numerators.size());
  ASSAY_ASSIGN(const double t, t_quantile(n - 1, (1 + level) / 2));
  const double t2 = t * t;

  // All r with (y - r x)² <= t² Var(y - r x): a r² - 2 b r + c <= 0.
  const double a = x * x - t2 * variance_x / n;
  const double b = x * y - t2 * covariance / n;
  const double c = y * y - t2 * variance_y / n;
  RatioEstimate estimate{.ratio = y / x, .interval = {}};
  if (!(a > 0)) return estimate;
  const double root = std::sqrt(std::max(0.0, b * b - a * c));
  estimate.interval = {(b - root) / a, (b + root) / a};
  return estimate;
}

}  // namespace assay::results

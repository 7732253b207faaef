#include "results/analysis/power.h"

#include <algorithm>
#include <cmath>

#include "results/analysis/distributions.h"

namespace assay::results {

namespace {

/// z_{α/2} + z_β.
Result<double> quantiles_of(const TestStrength& strength) {
  if (!(strength.alpha > 0 && strength.power > strength.alpha && strength.power < 1)) {
    return bad_input("power: alpha ", strength.alpha, ", power ", strength.power,
                     "; both must be between 0 and 1, power above alpha");
  }
  ASSAY_ASSIGN(const double z_alpha, normal_quantile(strength.alpha / 2));
  ASSAY_ASSIGN(const double z_beta, normal_quantile(strength.power));
  return z_beta - z_alpha;
}

Result<> check_items(std::int64_t n_items) {
  if (n_items >= 1) return {};
  return bad_input("power: ", n_items, " items, must be at least 1");
}

}  // namespace

Result<double> variance_of_difference(const PairedVariance& v) {
  const double sum = v.between + v.within_a + v.within_b;
  if (!(v.between >= 0 && v.within_a >= 0 && v.within_b >= 0 && std::isfinite(sum))) {
    return bad_input("power: variances ", v.between, ", ", v.within_a, ", ", v.within_b, "; must be at least 0");
  }
  if (v.samples_a < 1 || v.samples_b < 1) {
    return bad_input("power: ", v.samples_a, " and ", v.samples_b, " samples an item, must be at least 1");
  }
  return v.between + v.within_a / static_cast<double>(v.samples_a) + v.within_b / static_cast<double>(v.samples_b);
}

Result<double> detectable_difference(std::int64_t n_items, const PairedVariance& variance,
                                     const TestStrength& strength) {
  ASSAY_TRY(check_items(n_items));
  ASSAY_ASSIGN(const double quantiles, quantiles_of(strength));
  ASSAY_ASSIGN(const double variance_of_item, variance_of_difference(variance));
  return quantiles * std::sqrt(variance_of_item / static_cast<double>(n_items));
}

Result<std::int64_t> items_needed(double difference, const PairedVariance& variance, const TestStrength& strength) {
  constexpr double kMost = 1e15;
  if (!std::isfinite(difference) || difference == 0) {
    return bad_input("power: a difference of ", difference, "; must be a number other than 0");
  }
  ASSAY_ASSIGN(const double quantiles, quantiles_of(strength));
  ASSAY_ASSIGN(const double variance_of_item, variance_of_difference(variance));
  const double ratio = quantiles / difference;
  return static_cast<std::int64_t>(std::clamp(std::ceil(ratio * ratio * variance_of_item), 1.0, kMost));
}

Result<double> power_of(std::int64_t n_items, double difference, const PairedVariance& variance, double alpha) {
  ASSAY_TRY(check_items(n_items));
  if (!(alpha > 0 && alpha < 1) || !std::isfinite(difference)) {
    return bad_input("power: difference ", difference, ", alpha ", alpha, "; alpha must be between 0 and 1");
  }
  ASSAY_ASSIGN(const double z, normal_quantile(alpha / 2));
  ASSAY_ASSIGN(const double variance_of_item, variance_of_difference(variance));
  const double error = std::sqrt(variance_of_item / static_cast<double>(n_items));
  // Without any variance a difference shows for sure, and no difference never does but by the level.
  if (error == 0) return difference == 0 ? alpha : 1.0;
  const double shift = std::abs(difference) / error;
  return normal_cdf(z + shift) + normal_cdf(z - shift);
}

}  // namespace assay::results

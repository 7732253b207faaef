#include "results/analysis/intervals.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "results/analysis/bootstrap.h"
#include "results/analysis/distributions.h"
#include "results/analysis/moments.h"

namespace assay::results {

Result<> check_level(double level) {
  if (level > 0 && level < 1) return {};
  return bad_input("level ", level, ": must be between 0 and 1");
}

Result<Interval> wilson(double n_correct, std::int64_t n, double level) {
  const auto count = static_cast<double>(n);
  if (n < 1 || !(n_correct >= 0 && n_correct <= count)) {
    return bad_input("wilson: ", n_correct, " of ", n, "; n must be at least 1 and bound the other");
  }
  ASSAY_TRY(check_level(level));
  ASSAY_ASSIGN(const double z, normal_quantile((1 + level) / 2));
  const double p = n_correct / count;
  const double z2 = z * z;
  const double centre = (p + z2 / (2 * count)) / (1 + z2 / count);
  const double half = z / (1 + z2 / count) * std::sqrt(p * (1 - p) / count + z2 / (4 * count * count));
  // At the ends the bound is exactly 0 or 1; rounding must not leave it beside.
  return Interval{n_correct == 0 ? 0 : std::max(0.0, centre - half),
                  n_correct == count ? 1 : std::min(1.0, centre + half)};
}

Result<Interval> clopper_pearson(std::int64_t n_correct, std::int64_t n, double level) {
  if (n < 1 || n_correct < 0 || n_correct > n) {
    return bad_input("clopper_pearson: ", n_correct, " of ", n, "; n must be at least 1 and bound the other");
  }
  ASSAY_TRY(check_level(level));
  const auto x = static_cast<double>(n_correct);
  const auto rest = static_cast<double>(n - n_correct);
  Interval interval = {0, 1};
  if (n_correct > 0) {
    ASSAY_ASSIGN(interval[0], beta_quantile(x, rest + 1, (1 - level) / 2));
  }
  if (n_correct < n) {
    ASSAY_ASSIGN(interval[1], beta_quantile(x + 1, rest, (1 + level) / 2));
  }
  return interval;
}

Result<Interval> beta_posterior(double n_correct, double n, const BetaPrior& prior, double level) {
  if (!(n_correct >= 0 && n_correct <= n)) {
    return bad_input("beta_posterior: ", n_correct, " of ", n, "; n must be at least 0 and bound the other");
  }
  if (!(prior.correct > 0 && prior.wrong > 0)) {
    return bad_input("beta_posterior: prior ", prior.correct, ", ", prior.wrong, "; both must be above 0");
  }
  ASSAY_TRY(check_level(level));
  const double a = prior.correct + n_correct;
  const double b = prior.wrong + (n - n_correct);
  ASSAY_ASSIGN(const double low, beta_quantile(a, b, (1 - level) / 2));
  ASSAY_ASSIGN(const double high, beta_quantile(a, b, (1 + level) / 2));
  return Interval{low, high};
}

Result<double> effective_n(double m, double standard_error) {
  if (!(m > 0 && m < 1 && standard_error > 0)) {
    return bad_input("effective_n: mean ", m, ", standard error ", standard_error,
                     "; the mean must be between 0 and 1 and the error above 0");
  }
  return m * (1 - m) / (standard_error * standard_error);
}

Result<Interval> t_interval(double m, double standard_error, double df, double level) {
  if (!std::isfinite(m) || !(standard_error >= 0)) {
    return bad_input("t_interval: mean ", m, ", standard error ", standard_error, "; the error must be at least 0");
  }
  ASSAY_TRY(check_level(level));
  ASSAY_ASSIGN(const double t, t_quantile(df, (1 + level) / 2));
  return Interval{m - t * standard_error, m + t * standard_error};
}

Result<RuledInterval> accuracy_ci95(std::span<const double> item_means, bool single_sample,
                                    const BootstrapOptions& options) {
  constexpr std::int64_t kLargeSample = 300;
  const auto n = static_cast<std::int64_t>(item_means.size());
  ASSAY_ASSIGN(const double m, mean(item_means));
  const auto [least, most] = std::minmax_element(item_means.begin(), item_means.end());
  if (*least == *most || (single_sample && n < kLargeSample)) {
    ASSAY_ASSIGN(const Interval interval, wilson(m * static_cast<double>(n), n));
    return RuledInterval{interval, "wilson"};
  }
  if (n < kLargeSample) {
    std::vector<std::vector<double>> clusters;
    for (const double item_mean : item_means) clusters.push_back({item_mean});
    ASSAY_ASSIGN(const BootstrapEstimate resampled, bootstrap_mean(clusters, options));
    if (!resampled.bca) return RuledInterval{resampled.percentile, "percentile"};
    return RuledInterval{*resampled.bca, "bca"};
  }
  ASSAY_ASSIGN(const double se, standard_error(item_means));
  ASSAY_ASSIGN(const Interval interval, t_interval(m, se, static_cast<double>(n - 1)));
  return RuledInterval{{std::max(0.0, interval[0]), std::min(1.0, interval[1])}, "t"};
}

Result<Interval> unresolved_bounds(std::span<const ItemCounts> items) {
  std::vector<double> low;
  std::vector<double> high;
  for (const ItemCounts& item : items) {
    if (item.n_samples < 1 || item.n_correct < 0 || item.n_unresolved < 0 ||
        item.n_correct > item.n_samples - item.n_unresolved) {
      return bad_input("unresolved_bounds: ", item.n_correct, " correct and ", item.n_unresolved, " unresolved of ",
                       item.n_samples, " samples; there must be a sample, and the parts must fit in");
    }
    const auto n = static_cast<double>(item.n_samples);
    low.push_back(static_cast<double>(item.n_correct) / n);
    high.push_back(static_cast<double>(item.n_correct + item.n_unresolved) / n);
  }
  ASSAY_ASSIGN(const double lowest, mean(low));
  ASSAY_ASSIGN(const double highest, mean(high));
  return Interval{lowest, highest};
}

}  // namespace assay::results

#include "results/analysis/paired_ratio.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "results/analysis/moments.h"
#include "results/analysis/resample.h"

namespace assay::results {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Result<> check_sides(std::size_t n_a, std::size_t n_b, const BootstrapOptions& options) {
  if (n_a == 0 || n_a != n_b || n_a > std::numeric_limits<std::uint32_t>::max()) {
    return bad_input("paired ratio: ", n_a, " and ", n_b, " items; both must be of the same items, at least one");
  }
  if (options.n_resamples < 1) return bad_input("paired ratio: ", options.n_resamples, " resamples; at least 1");
  return {};
}

/// All values of one side in ascending order, each with its item.
struct SortedValues {
  std::vector<std::pair<double, std::uint32_t>> values;
  std::vector<std::size_t> n_of_item;
};

Result<SortedValues> sorted_values(std::span<const std::vector<double>> items) {
  SortedValues sorted;
  for (std::size_t i = 0; i < items.size(); ++i) {
    ASSAY_TRY(check_finite("paired ratio", items[i]));
    if (items[i].empty()) return bad_input("paired ratio: item ", i, " has no values");
    for (const double value : items[i]) sorted.values.emplace_back(value, static_cast<std::uint32_t>(i));
    sorted.n_of_item.push_back(items[i].size());
  }
  std::sort(sorted.values.begin(), sorted.values.end());
  return sorted;
}

/// The p-quantile where item i is there `times[i]` times: the two order statistics around p, by walking up.
double quantile_of(const SortedValues& sorted, const std::vector<std::uint32_t>& times, double p) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < times.size(); ++i) n += times[i] * sorted.n_of_item[i];
  const double position = p * static_cast<double>(n - 1);
  const auto below = static_cast<std::size_t>(position);
  const double fraction = position - static_cast<double>(below);
  std::size_t i = 0;
  std::size_t passed = times[sorted.values[0].second];
  const auto value_at = [&](std::size_t rank) {
    while (passed <= rank) passed += times[sorted.values[++i].second];
    return sorted.values[i].first;
  };
  const double low = value_at(below);
  return fraction == 0 ? low : low + fraction * (value_at(below + 1) - low);
}

double divided(double numerator, double denominator) { return denominator > 0 ? numerator / denominator : kInfinity; }

RatioTerm sum_of(std::span<const RatioTerm> terms) {
  RatioTerm sum;
  for (const RatioTerm& term : terms) {
    sum.numerator += term.numerator;
    sum.denominator += term.denominator;
  }
  return sum;
}

Result<> check_terms(std::span<const RatioTerm> terms) {
  for (const RatioTerm& term : terms) {
    if (!(term.numerator >= 0 && term.denominator >= 0 && std::isfinite(term.numerator + term.denominator))) {
      return bad_input("paired ratio: a term of ", term.numerator, " over ", term.denominator, "; must be at least 0");
    }
  }
  return {};
}

/// b / a of two ratios; how dear nothing correct is can't be said, so it is as dear as can be.
double ratio_between(const RatioTerm& a, const RatioTerm& b) {
  return divided(divided(b.numerator, b.denominator), divided(a.numerator, a.denominator));
}

}  // namespace

Result<ResampledRatio> quantile_ratio(std::span<const std::vector<double>> a, std::span<const std::vector<double>> b,
                                      double p, const BootstrapOptions& options) {
  ASSAY_TRY(check_sides(a.size(), b.size(), options));
  if (!(p >= 0 && p <= 1)) return bad_input("paired ratio: p = ", p, ", must be in [0, 1]");
  ASSAY_ASSIGN(const SortedValues sorted_a, sorted_values(a));
  ASSAY_ASSIGN(const SortedValues sorted_b, sorted_values(b));
  std::vector<std::uint32_t> times(a.size(), 1);
  const double of_a = quantile_of(sorted_a, times, p);
  if (!(of_a > 0)) return bad_input("paired ratio: the quantile to divide by is ", of_a, ", must be above 0");
  ResampledRatio result{.ratio = quantile_of(sorted_b, times, p) / of_a, .resampled = {}};
  for (std::int64_t resample = 0; resample < options.n_resamples; ++resample) {
    std::fill(times.begin(), times.end(), 0);
    draw_clusters(a.size(), resample, options.seed, [&](std::size_t item) { ++times[item]; });
    result.resampled.push_back(divided(quantile_of(sorted_b, times, p), quantile_of(sorted_a, times, p)));
  }
  std::sort(result.resampled.begin(), result.resampled.end());
  return result;
}

Result<ResampledRatio> ratio_of_ratios(std::span<const RatioTerm> a, std::span<const RatioTerm> b,
                                       const BootstrapOptions& options) {
  ASSAY_TRY(check_sides(a.size(), b.size(), options));
  ASSAY_TRY(check_terms(a));
  ASSAY_TRY(check_terms(b));
  const RatioTerm all_a = sum_of(a);
  const RatioTerm all_b = sum_of(b);
  if (!(all_a.numerator > 0 && all_a.denominator > 0 && all_b.denominator > 0)) {
    return bad_input("paired ratio: sums of ", all_a.numerator, " over ", all_a.denominator, " and ", all_b.numerator,
                     " over ", all_b.denominator, "; there is nothing to divide by");
  }
  ResampledRatio result{.ratio = ratio_between(all_a, all_b), .resampled = {}};
  for (std::int64_t resample = 0; resample < options.n_resamples; ++resample) {
    RatioTerm drawn_a, drawn_b;
    draw_clusters(a.size(), resample, options.seed, [&](std::size_t item) {
      drawn_a.numerator += a[item].numerator;
      drawn_a.denominator += a[item].denominator;
      drawn_b.numerator += b[item].numerator;
      drawn_b.denominator += b[item].denominator;
    });
    // Where a has no correct answer either, nothing is known; such a resample counts as no change.
    const bool nothing = drawn_a.denominator == 0 || drawn_a.numerator == 0;
    result.resampled.push_back(nothing ? 1.0 : ratio_between(drawn_a, drawn_b));
  }
  std::sort(result.resampled.begin(), result.resampled.end());
  return result;
}

Result<Interval> interval_of(const ResampledRatio& ratio, double level) {
  ASSAY_TRY(check_level(level));
  ASSAY_ASSIGN(const double low, quantile(ratio.resampled, (1 - level) / 2));
  ASSAY_ASSIGN(const double high, quantile(ratio.resampled, (1 + level) / 2));
  return Interval{low, high};
}

double p_value_above(const ResampledRatio& ratio, double bound) {
  const auto n = std::upper_bound(ratio.resampled.begin(), ratio.resampled.end(), bound) - ratio.resampled.begin();
  return static_cast<double>(1 + n) / static_cast<double>(1 + ratio.resampled.size());
}

}  // namespace assay::results

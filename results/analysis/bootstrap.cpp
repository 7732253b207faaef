#include "results/analysis/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "results/analysis/distributions.h"
#include "results/analysis/moments.h"
#include "results/analysis/resample.h"

namespace assay::results {

namespace {

Result<> check_call(std::string_view what, std::size_t n_clusters, const BootstrapOptions& options, double level) {
  constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
  if (n_clusters == 0) return bad_input(what, ": no clusters");
  if (static_cast<std::int64_t>(n_clusters) > kMost) return bad_input(what, ": more than ", kMost, " clusters");
  if (options.n_resamples < 1 || options.n_resamples > kMost) {
    return bad_input(what, ": ", options.n_resamples, " resamples, must be from 1 to ", kMost);
  }
  return check_level(level);
}

/// The two-sided interval of `values` at `level`.
Result<Interval> middle_of(const std::vector<double>& values, double level) {
  ASSAY_ASSIGN(const double low, quantile(values, (1 - level) / 2));
  ASSAY_ASSIGN(const double high, quantile(values, (1 + level) / 2));
  return Interval{low, high};
}

/// What resampled figures and those with one cluster left out say together. All figures on one side: none.
Result<std::optional<Interval>> bca_interval(double estimate, const std::vector<double>& resampled,
                                             const std::vector<double>& left_out, double level) {
  const auto none = std::optional<Interval>{};
  double n_below = 0;  // equal ones count half
  for (const double v : resampled) n_below += v < estimate ? 1 : v == estimate ? 0.5 : 0;
  const double share_below = n_below / static_cast<double>(resampled.size());
  if (left_out.size() < 2 || share_below <= 0 || share_below >= 1) return none;
  const auto centre = mean(left_out);
  if (!centre) return none;  // leaving one out makes the figure infinite
  double squares = 0;
  double cubes = 0;
  for (const double v : left_out) {
    const double d = *centre - v;
    squares += d * d;
    cubes += d * d * d;
  }
  const double acceleration = squares > 0 ? cubes / (6 * squares * std::sqrt(squares)) : 0;
  ASSAY_ASSIGN(const double bias, normal_quantile(share_below));
  Interval interval{};
  for (const std::size_t end : {0, 1}) {
    ASSAY_ASSIGN(const double z, normal_quantile(end == 0 ? (1 - level) / 2 : (1 + level) / 2));
    const double shift = (bias + z) / (1 - acceleration * (bias + z));
    ASSAY_ASSIGN(interval[end], quantile(resampled, normal_cdf(bias + shift)));
  }
  return std::optional(interval);
}

/// Infinite for a denominator of 0. Nothing of nothing is as dear as can be, too: no answer was bought.
double ratio_of(const RatioTerm& sums) {
  return sums.denominator > 0 ? sums.numerator / sums.denominator : std::numeric_limits<double>::infinity();
}

/// The ratio's bootstrap over terms that were checked.
Result<BootstrapEstimate> resample_ratio(std::span<const RatioTerm> terms, const BootstrapOptions& options,
                                         double level) {
  RatioTerm all;
  for (const RatioTerm& term : terms) {
    all.numerator += term.numerator;
    all.denominator += term.denominator;
  }
  std::vector<double> resampled;
  resampled.reserve(static_cast<std::size_t>(options.n_resamples));
  for (std::int64_t resample = 0; resample < options.n_resamples; ++resample) {
    RatioTerm sums;
    draw_clusters(terms.size(), resample, options.seed, [&](std::size_t cluster) {
      sums.numerator += terms[cluster].numerator;
      sums.denominator += terms[cluster].denominator;
    });
    resampled.push_back(ratio_of(sums));
  }
  std::vector<double> left_out;
  for (const RatioTerm& term : terms) {
    left_out.push_back(ratio_of({all.numerator - term.numerator, all.denominator - term.denominator}));
  }
  BootstrapEstimate result{.estimate = ratio_of(all), .percentile = {}, .bca = {}, .standard_error = {}};
  ASSAY_ASSIGN(result.percentile, middle_of(resampled, level));
  ASSAY_ASSIGN(result.bca, bca_interval(result.estimate, resampled, left_out, level));
  if (const auto variance = sample_variance(resampled)) result.standard_error = std::sqrt(*variance);
  return result;
}

/// A value of one of the clusters.
struct ClusterValue {
  double value;
  std::size_t cluster;
};

}  // namespace

Result<BootstrapEstimate> bootstrap_mean(std::span<const std::vector<double>> clusters, const BootstrapOptions& options,
                                         double level) {
  ASSAY_TRY(check_call("bootstrap_mean", clusters.size(), options, level));
  std::vector<RatioTerm> terms;
  for (const auto& values : clusters) {
    const auto size = static_cast<double>(values.size());
    ASSAY_ASSIGN(const double cluster_mean, mean(values));
    // A single value is its own sum; a mean times a size would round it.
    terms.push_back({values.size() == 1 ? values[0] : cluster_mean * size, size});
  }
  return resample_ratio(terms, options, level);
}

Result<BootstrapEstimate> bootstrap_ratio(std::span<const RatioTerm> clusters, const BootstrapOptions& options,
                                          double level) {
  ASSAY_TRY(check_call("bootstrap_ratio", clusters.size(), options, level));
  double denominator = 0;
  for (const RatioTerm& term : clusters) {
    if (!(term.numerator >= 0 && term.denominator >= 0 && std::isfinite(term.numerator + term.denominator))) {
      return bad_input("bootstrap_ratio: ", term.numerator, " / ", term.denominator, "; terms must be at least 0");
    }
    denominator += term.denominator;
  }
  if (denominator == 0) return bad_input("bootstrap_ratio: the denominators add up to 0, so there is no ratio");
  return resample_ratio(clusters, options, level);
}

Result<Interval> bootstrap_quantile(std::span<const std::vector<double>> clusters, double p,
                                    const BootstrapOptions& options, double level) {
  ASSAY_TRY(check_call("bootstrap_quantile", clusters.size(), options, level));
  if (!(p >= 0 && p <= 1)) return bad_input("bootstrap_quantile: p = ", p, ", must be in [0, 1]");
  std::vector<ClusterValue> sorted;
  for (std::size_t c = 0; c < clusters.size(); ++c) {
    if (clusters[c].empty()) return bad_input("bootstrap_quantile: a cluster is empty");
    ASSAY_TRY(check_finite("bootstrap_quantile", clusters[c]));
    for (const double v : clusters[c]) sorted.push_back({v, c});
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.value < b.value; });

  std::vector<double> resampled;
  std::vector<std::size_t> times(clusters.size());
  for (std::int64_t resample = 0; resample < options.n_resamples; ++resample) {
    std::fill(times.begin(), times.end(), 0);
    std::size_t n = 0;
    draw_clusters(clusters.size(), resample, options.seed, [&](std::size_t cluster) {
      ++times[cluster];
      n += clusters[cluster].size();
    });
    // The two order statistics around p, by walking up the sorted values as often as they were drawn.
    const double position = p * static_cast<double>(n - 1);
    const auto below = static_cast<std::size_t>(position);
    std::size_t i = 0;
    std::size_t passed = times[sorted[0].cluster];
    const auto advance_to = [&](std::size_t rank) {
      while (passed <= rank) passed += times[sorted[++i].cluster];
      return sorted[i].value;
    };
    const double low = advance_to(below);
    const double fraction = position - static_cast<double>(below);
    resampled.push_back(fraction == 0 ? low : low + fraction * (advance_to(below + 1) - low));
  }
  return middle_of(resampled, level);
}

}  // namespace assay::results

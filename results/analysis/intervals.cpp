#include "results/analysis/intervals.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "results/analysis/distributions.h"
#include "results/analysis/moments.h"
#include "results/analysis/philox.h"

namespace assay::results {

Result<Interval> wilson95(double n_correct, std::int64_t n) {
  const auto count = static_cast<double>(n);
  if (n < 1 || !(n_correct >= 0 && n_correct <= count)) {
    return bad_input("wilson95: ", n_correct, " of ", n, "; n must be at least 1 and bound the other");
  }
  const double p = n_correct / count;
  const double z2 = kZ95 * kZ95;
  const double centre = (p + z2 / (2 * count)) / (1 + z2 / count);
  const double half = kZ95 / (1 + z2 / count) * std::sqrt(p * (1 - p) / count + z2 / (4 * count * count));
  // At the ends the bound is exactly 0 or 1; rounding must not leave it beside.
  return Interval{n_correct == 0 ? 0 : std::max(0.0, centre - half),
                  n_correct == count ? 1 : std::min(1.0, centre + half)};
}

Result<Interval> clopper_pearson95(std::int64_t n_correct, std::int64_t n) {
  if (n < 1 || n_correct < 0 || n_correct > n) {
    return bad_input("clopper_pearson95: ", n_correct, " of ", n, "; n must be at least 1 and bound the other");
  }
  const auto x = static_cast<double>(n_correct);
  const auto rest = static_cast<double>(n - n_correct);
  Interval interval = {0, 1};
  if (n_correct > 0) {
    ASSAY_ASSIGN(interval[0], beta_quantile(x, rest + 1, 0.025));
  }
  if (n_correct < n) {
    ASSAY_ASSIGN(interval[1], beta_quantile(x + 1, rest, 0.975));
  }
  return interval;
}

Result<Interval> bootstrap95(std::span<const std::vector<double>> clusters, const BootstrapOptions& options) {
  struct Cluster {
    double sum;
    double size;
  };
  std::vector<Cluster> sums;
  for (const auto& values : clusters) {
    if (values.empty()) return bad_input("bootstrap95: a cluster is empty");
    sums.push_back({std::accumulate(values.begin(), values.end(), 0.0), static_cast<double>(values.size())});
  }
  if (sums.empty() || options.n_resamples < 1) return bad_input("bootstrap95: needs a cluster and a resample");

  const std::array<std::uint32_t, 2> key = {static_cast<std::uint32_t>(options.seed),
                                            static_cast<std::uint32_t>(options.seed >> 32)};
  std::vector<double> means;
  means.reserve(static_cast<std::size_t>(options.n_resamples));
  for (std::int64_t resample = 0; resample < options.n_resamples; ++resample) {
    double sum = 0;
    double size = 0;
    std::array<std::uint32_t, 4> words{};
    for (std::size_t draw = 0; draw < sums.size(); ++draw) {
      if (draw % 4 == 0) {
        words = philox4x32({static_cast<std::uint32_t>(draw / 4), static_cast<std::uint32_t>(resample), 0, 0}, key);
      }
      // word · n / 2³² picks evenly to within n / 2³².
      const Cluster& cluster = sums[std::uint64_t{words[draw % 4]} * sums.size() >> 32];
      sum += cluster.sum;
      size += cluster.size;
    }
    means.push_back(sum / size);
  }
  ASSAY_ASSIGN(const double low, quantile(means, 0.025));
  ASSAY_ASSIGN(const double high, quantile(std::move(means), 0.975));
  return Interval{low, high};
}

Result<RuledInterval> accuracy_ci95(std::span<const double> item_means, bool single_sample,
                                    const BootstrapOptions& options) {
  constexpr std::int64_t kLargeSample = 300;
  const auto n = static_cast<std::int64_t>(item_means.size());
  ASSAY_ASSIGN(const double m, mean(item_means));
  const auto [least, most] = std::minmax_element(item_means.begin(), item_means.end());
  if (*least == *most || (single_sample && n < kLargeSample)) {
    ASSAY_ASSIGN(const Interval interval, wilson95(m * static_cast<double>(n), n));
    return RuledInterval{interval, "wilson"};
  }
  if (n < kLargeSample) {
    std::vector<std::vector<double>> clusters;
    for (const double item_mean : item_means) clusters.push_back({item_mean});
    ASSAY_ASSIGN(const Interval interval, bootstrap95(clusters, options));
    return RuledInterval{interval, "bootstrap"};
  }
  ASSAY_ASSIGN(const double se, standard_error(item_means));
  ASSAY_ASSIGN(const double t, t_quantile(static_cast<double>(n - 1), 0.975));
  return RuledInterval{{std::max(0.0, m - t * se), std::min(1.0, m + t * se)}, "t"};
}

}  // namespace assay::results

#include "harness/bench/steady.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "results/analysis/moments.h"

namespace assay::bench {

namespace {

constexpr std::size_t kLeastValues = 8;
constexpr double kSure = 0.01;
constexpr double kLeastChangeRatio = 0.02;

double sign(double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0; }

double median_of(std::span<const double> values) {
  const auto median = results::quantile({values.begin(), values.end()}, 0.5);
  return median ? *median : 0;
}

/// Ranks from 1, ties at their mean.
std::vector<double> ranks(std::span<const double> values) {
  std::vector<double> ranks;
  for (const double value : values) {
    const auto below = std::count_if(values.begin(), values.end(), [&](double v) { return v < value; });
    const auto equal = std::count(values.begin(), values.end(), value);
    ranks.push_back(static_cast<double>(below) + (static_cast<double>(equal) + 1) / 2);
  }
  return ranks;
}

double sens_slope(std::span<const double> series) {
  std::vector<double> slopes;
  for (std::size_t i = 0; i < series.size(); ++i) {
    for (std::size_t j = i + 1; j < series.size(); ++j) {
      slopes.push_back((series[j] - series[i]) / static_cast<double>(j - i));
    }
  }
  return median_of(slopes);
}

/// By how much serial correlation of what is left behind the slope widens the variance of S: Hamed and Rao's equation
/// 12, over the correlations that are sure at 5 %; never below 1.
double correlation_factor(std::span<const double> series, double slope) {
  std::vector<double> rest;
  for (std::size_t i = 0; i < series.size(); ++i) rest.push_back(series[i] - slope * static_cast<double>(i));
  const std::vector<double> r = ranks(rest);
  const auto n = static_cast<double>(r.size());
  const double mean = (n + 1) / 2;
  double squares = 0;
  for (const double rank : r) squares += (rank - mean) * (rank - mean);
  if (squares == 0) return 1;
  double sum = 0;
  for (std::size_t lag = 1; lag + 3 < r.size(); ++lag) {
    double products = 0;
    for (std::size_t i = 0; i + lag < r.size(); ++i) products += (r[i] - mean) * (r[i + lag] - mean);
    const double correlation = products / squares;
    if (std::abs(correlation) < 1.96 / std::sqrt(n)) continue;
    const auto k = static_cast<double>(lag);
    sum += (n - k) * (n - k - 1) * (n - k - 2) * correlation;
  }
  return std::max(1.0, 1 + 2 / (n * (n - 1) * (n - 2)) * sum);
}

}  // namespace

std::optional<ChangePoint> pettitt(std::span<const double> series) {
  if (series.size() < kLeastValues) return {};
  const std::vector<double> r = ranks(series);
  const auto n = static_cast<double>(r.size());
  ChangePoint change;
  double sum = 0, largest = -1;
  for (std::size_t t = 1; t < r.size(); ++t) {
    sum += r[t - 1];
    const double u = std::abs(2 * sum - static_cast<double>(t) * (n + 1));
    if (u > largest) {
      largest = u;
      change.index = t;
    }
  }
  change.p_value = std::min(1.0, 2 * std::exp(-6 * largest * largest / (n * n * n + n * n)));
  return change;
}

namespace {

/// The first value behind a change of level in `rest` that is sure and large; none if there is no such one. A short
/// warm-up is lost in a long series, so its first half and quarter are looked at, too.
std::optional<std::size_t> next_change(std::span<const double> rest) {
  for (const std::size_t part : {std::size_t{1}, std::size_t{2}, std::size_t{4}}) {
    const std::span<const double> head = rest.first(rest.size() / part);
    const auto change = pettitt(head);
    if (!change || change->p_value >= kSure || change->index > rest.size() / 2) continue;
    const double before = median_of(head.first(change->index));
    const double behind = median_of(head.subspan(change->index));
    if (std::abs(before - behind) >= kLeastChangeRatio * std::abs(behind)) return change->index;
  }
  return {};
}

}  // namespace

std::size_t warm_up_length(std::span<const double> series) {
  std::size_t cut = 0;
  while (const auto change = next_change(series.subspan(cut))) {
    if (cut + *change > series.size() / 2) break;
    cut += *change;
  }
  return cut;
}

std::optional<Trend> find_trend(std::span<const double> series) {
  if (series.size() < kLeastValues) return {};
  const auto n = static_cast<double>(series.size());
  double s = 0;
  for (std::size_t i = 0; i < series.size(); ++i) {
    for (std::size_t j = i + 1; j < series.size(); ++j) s += sign(series[j] - series[i]);
  }
  double ties = 0;
  std::vector<double> sorted(series.begin(), series.end());
  std::sort(sorted.begin(), sorted.end());
  for (auto at = sorted.begin(); at != sorted.end();) {
    const auto end = std::upper_bound(at, sorted.end(), *at);
    const auto t = static_cast<double>(end - at);
    ties += t * (t - 1) * (2 * t + 5);
    at = end;
  }
  const double slope = sens_slope(series);
  const double variance = (n * (n - 1) * (2 * n + 5) - ties) / 18 * correlation_factor(series, slope);
  Trend trend;
  if (variance > 0 && s != 0) {
    const double z = (s - sign(s)) / std::sqrt(variance);
    trend.p_value = std::erfc(std::abs(z) / std::sqrt(2.0));
  }
  const double level = median_of(series);
  if (level != 0) trend.change_ratio = slope * (n - 1) / std::abs(level);
  return trend;
}

bool drifts(const std::optional<Trend>& trend, double least_ratio) {
  return trend && trend->p_value < kSure && std::abs(trend->change_ratio) > least_ratio;
}

}  // namespace assay::bench

#include "results/analysis/moments.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace assay::results {

namespace {

/// The sum, with what each addition rounds off carried along. Source: Neumaier 1974, ZAMM 54:39-51.
double compensated_sum(std::span<const double> values) {
  double sum = 0;
  double lost = 0;
  for (const double v : values) {
    const double next = sum + v;
    lost += std::abs(sum) >= std::abs(v) ? (sum - next) + v : (v - next) + sum;
    sum = next;
  }
  return sum + lost;
}

/// Distances from the first value: as good for spreads, and exactly 0 where all values are equal.
std::vector<double> from_first(std::span<const double> values) {
  std::vector<double> distances;
  distances.reserve(values.size());
  for (const double v : values) distances.push_back(v - values[0]);
  return distances;
}

}  // namespace

Result<> check_finite(std::string_view what, std::span<const double> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) return bad_input(what, ": value ", i, " is ", values[i], ", must be a number");
  }
  return {};
}

Result<double> mean(std::span<const double> values) {
  if (values.empty()) return bad_input("mean: no values");
  ASSAY_TRY(check_finite("mean", values));
  return compensated_sum(values) / static_cast<double>(values.size());
}

Result<double> sample_variance(std::span<const double> values) { return sample_covariance(values, values); }

Result<double> sample_covariance(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size() || a.size() < 2) {
    return bad_input("variance: ", a.size(), " and ", b.size(), " values, at least 2 pairs are needed");
  }
  const std::vector<double> from_a = from_first(a);
  const std::vector<double> from_b = from_first(b);
  ASSAY_ASSIGN(const double mean_a, mean(from_a));
  ASSAY_ASSIGN(const double mean_b, mean(from_b));
  std::vector<double> products;
  products.reserve(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) products.push_back((from_a[i] - mean_a) * (from_b[i] - mean_b));
  return compensated_sum(products) / static_cast<double>(a.size() - 1);
}

Result<double> standard_error(std::span<const double> item_means) {
  ASSAY_ASSIGN(const double variance, sample_variance(item_means));
  return std::sqrt(variance / static_cast<double>(item_means.size()));
}

Result<double> clustered_standard_error(std::span<const std::vector<double>> clusters, ClusterCorrection correction) {
  std::vector<double> all;
  for (const auto& cluster : clusters) {
    if (cluster.empty()) return bad_input("clustered_standard_error: a cluster is empty");
    all.insert(all.end(), cluster.begin(), cluster.end());
  }
  if (all.empty()) return bad_input("clustered_standard_error: no clusters");
  ASSAY_ASSIGN(const double m, mean(from_first(all)));
  double sum = 0;
  for (const auto& cluster : clusters) {
    double deviation = 0;
    for (const double v : cluster) deviation += (v - all[0]) - m;
    sum += deviation * deviation;
  }
  const double cr0 = std::sqrt(sum) / static_cast<double>(all.size());
  if (correction == ClusterCorrection::none) return cr0;
  const auto n_clusters = static_cast<double>(clusters.size());
  if (n_clusters < 2) return bad_input("clustered_standard_error: the correction needs 2 clusters");
  return cr0 * std::sqrt(n_clusters / (n_clusters - 1));
}

Result<std::vector<std::vector<double>>> group_by(std::span<const double> values, std::span<const std::string> labels) {
  if (values.size() != labels.size()) {
    return bad_input("group_by: ", values.size(), " values and ", labels.size(), " labels; each value needs one");
  }
  std::map<std::string_view, std::vector<double>> groups;
  for (std::size_t i = 0; i < values.size(); ++i) groups[labels[i]].push_back(values[i]);
  std::vector<std::vector<double>> grouped;
  for (auto& [label, group] : groups) grouped.push_back(std::move(group));
  return grouped;
}

Result<VarianceSplit> split_variance(std::span<const std::vector<double>> scores) {
  if (scores.size() < 2) return bad_input("split_variance: ", scores.size(), " items, at least 2 are needed");
  std::vector<double> item_means;
  std::vector<double> variances;  // of the items that have one
  std::vector<double> sampling;   // variance of each of their means
  double single_items = 0;
  for (const auto& samples : scores) {
    ASSAY_ASSIGN(const double item_mean, mean(samples));
    item_means.push_back(item_mean);
    if (samples.size() == 1) {
      ++single_items;
      continue;
    }
    ASSAY_ASSIGN(const double variance, sample_variance(samples));
    variances.push_back(variance);
    sampling.push_back(variance / static_cast<double>(samples.size()));
  }
  if (variances.empty()) return bad_input("split_variance: no item has 2 samples");
  const auto n = static_cast<double>(scores.size());
  VarianceSplit split;
  ASSAY_ASSIGN(split.within_variance, mean(variances));
  split.sampling_variance = (compensated_sum(sampling) + single_items * split.within_variance) / n;
  ASSAY_ASSIGN(const double variance_of_means, sample_variance(item_means));
  split.between_variance = std::max(0.0, variance_of_means - split.sampling_variance);
  split.fixed_items_standard_error = std::sqrt(split.sampling_variance / n);
  return split;
}

Result<double> quantile(std::vector<double> values, double p) {
  if (values.empty() || !(p >= 0 && p <= 1)) {
    return bad_input("quantile: ", values.size(), " values, p = ", p, "; needs a value and p in [0, 1]");
  }
  for (const double v : values) {
    if (std::isnan(v)) return bad_input("quantile: a value is not a number");
  }
  const double position = p * static_cast<double>(values.size() - 1);
  const auto below = values.begin() + static_cast<std::ptrdiff_t>(position);
  std::nth_element(values.begin(), below, values.end());
  const double low = *below;
  const double fraction = position - std::floor(position);
  if (fraction == 0) return low;
  const double high = *std::min_element(below + 1, values.end());
  return low == high ? low : low + fraction * (high - low);  // infinite ends have no difference
}

}  // namespace assay::results

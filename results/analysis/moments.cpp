#include "results/analysis/moments.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace assay::results {

Result<double> mean(std::span<const double> values) {
  if (values.empty()) return bad_input("mean: no values");
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

Result<double> sample_variance(std::span<const double> values) {
  if (values.size() < 2) return bad_input("sample_variance: ", values.size(), " values, at least 2 are needed");
  ASSAY_ASSIGN(const double m, mean(values));
  double sum = 0;
  for (const double v : values) sum += (v - m) * (v - m);
  return sum / static_cast<double>(values.size() - 1);
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
  ASSAY_ASSIGN(const double m, mean(all));
  double sum = 0;
  for (const auto& cluster : clusters) {
    const double deviation =
        std::accumulate(cluster.begin(), cluster.end(), 0.0) - m * static_cast<double>(cluster.size());
    sum += deviation * deviation;
  }
  const double cr0 = std::sqrt(sum) / static_cast<double>(all.size());
  if (correction == ClusterCorrection::none) return cr0;
  const auto n_clusters = static_cast<double>(clusters.size());
  if (n_clusters < 2) return bad_input("clustered_standard_error: the correction needs 2 clusters");
  return cr0 * std::sqrt(n_clusters / (n_clusters - 1));
}

Result<VarianceSplit> split_variance(std::span<const std::vector<double>> scores) {
  if (scores.size() < 2 || scores[0].size() < 2) return bad_input("split_variance: needs 2 items with 2 samples each");
  const auto k = static_cast<double>(scores[0].size());
  const auto n = static_cast<double>(scores.size());
  std::vector<double> item_means;
  double within = 0;
  for (const auto& samples : scores) {
    if (samples.size() != scores[0].size()) return bad_input("split_variance: items differ in their number of samples");
    ASSAY_ASSIGN(const double item_mean, mean(samples));
    ASSAY_ASSIGN(const double item_variance, sample_variance(samples));
    item_means.push_back(item_mean);
    within += item_variance / n;
  }
  ASSAY_ASSIGN(const double variance, sample_variance(item_means));
  return VarianceSplit{within, std::max(0.0, variance - within / k), std::sqrt(within / (k * n))};
}

Result<double> quantile(std::vector<double> values, double p) {
  if (values.empty() || !(p >= 0 && p <= 1)) {
    return bad_input("quantile: ", values.size(), " values, p = ", p, "; needs a value and p in [0, 1]");
  }
  const double position = p * static_cast<double>(values.size() - 1);
  const auto below = values.begin() + static_cast<std::ptrdiff_t>(position);
  std::nth_element(values.begin(), below, values.end());
  const double low = *below;
  const double fraction = position - std::floor(position);
  if (fraction == 0) return low;
  return low + fraction * (*std::min_element(below + 1, values.end()) - low);
}

}  // namespace assay::results

#pragma once
// Means and their standard errors over items. Pure.
//
// Notation: n items with K samples each, s_ij the score of sample j of item i, s_i the mean over j, m the mean of s_i.

#include <cstdint>
#include <span>
#include <vector>

#include "harness/base/result.h"

namespace assay::results {

/// The arithmetic mean of at least one value, else Error{bad_input}.
Result<double> mean(std::span<const double> values);

/// The sample variance sum (v - mean)² / (n - 1) of at least two values, else Error{bad_input}.
Result<double> sample_variance(std::span<const double> values);

/// The standard error of m over items: sqrt(sum_i (s_i - m)² / (n (n - 1))), n >= 2. It already holds the noise of
/// sampling, so the K samples are never pooled as if they were independent. Source: Miller 2024, arXiv:2411.00640.
Result<double> standard_error(std::span<const double> item_means);

/// Whether the clustered error is scaled by sqrt(C / (C - 1)), C clusters.
enum class ClusterCorrection { none, c_over_c_minus_1 };

/// The standard error of the mean over all values where those of a cluster depend on each other:
/// sqrt(sum_c (sum_{i in c} (s_i - m))²) / n (CR0). No cluster is empty; the correction needs two.
/// Source: Miller 2024, arXiv:2411.00640; the correction as in inspect_ai, scorer/_metrics/std.py.
Result<double> clustered_standard_error(std::span<const std::vector<double>> clusters, ClusterCorrection correction);

/// Where the variance of m comes from. SE(m)² = (between_variance + within_variance / K) / n.
struct VarianceSplit {
  double within_variance = 0;             ///< mean over items of the sample variance of their samples
  double between_variance = 0;            ///< of the items' true means: Var(s_i) - within / K, at least 0
  double fixed_items_standard_error = 0;  ///< of m for these very items: sqrt(within / (K n))
};
/// `scores[i]` are item i's samples: at least two items, each with the same number K >= 2 of samples, else
/// Error{bad_input}.
Result<VarianceSplit> split_variance(std::span<const std::vector<double>> scores);

/// The p-quantile (0 <= p <= 1) with linear interpolation between order statistics: position p (n - 1) of the sorted
/// values. Source: Hyndman and Fan 1996, The American Statistician 50:361-365, type 7.
Result<double> quantile(std::vector<double> values, double p);

}  // namespace assay::results

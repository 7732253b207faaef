#pragma once
// Means and their standard errors over items. Pure.
//
// Notation: n items with K samples each, s_ij the score of sample j of item i, s_i the mean over j, m the mean of s_i.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace assay::results {

/// Error{bad_input} that begins with `what` unless every value is a number, neither infinite nor NaN.
Result<> check_finite(std::string_view what, std::span<const double> values);

/// The arithmetic mean of at least one finite value, else Error{bad_input}. The sum is compensated (Neumaier 1974).
Result<double> mean(std::span<const double> values);

/// The sample variance sum (v - mean)² / (n - 1) of at least two finite values, else Error{bad_input}.
Result<double> sample_variance(std::span<const double> values);

/// The sample covariance sum (a - mean a)(b - mean b) / (n - 1) of at least two pairs, else Error{bad_input}.
Result<double> sample_covariance(std::span<const double> a, std::span<const double> b);

/// The standard error of m over items: sqrt(sum_i (s_i - m)² / (n (n - 1))), n >= 2. It already holds the noise of
/// sampling, so the K samples are never pooled as if they were independent. Source: Miller 2024, arXiv:2411.00640.
Result<double> standard_error(std::span<const double> item_means);

/// Whether the clustered error is scaled by sqrt(C / (C - 1)), C clusters.
enum class ClusterCorrection { none, c_over_c_minus_1 };

/// The standard error of the mean over all values where those of a cluster depend on each other:
/// sqrt(sum_c (sum_{i in c} (s_i - m))²) / n (CR0). No cluster is empty; the correction needs two. Clusters of one
/// value each, corrected, give standard_error(). An interval made with it takes t with C - 1 degrees of freedom.
/// Source: Miller 2024, arXiv:2411.00640; the correction as in inspect_ai, scorer/_metrics/std.py.
Result<double> clustered_standard_error(std::span<const std::vector<double>> clusters, ClusterCorrection correction);

/// Values of equal label together, in the order of the labels. Error{bad_input} unless each value has a label.
Result<std::vector<std::vector<double>>> group_by(std::span<const double> values, std::span<const std::string> labels);

/// Where the variance of m comes from: SE(m)² = (between_variance + sampling_variance) / n.
struct VarianceSplit {
  double within_variance = 0;             ///< mean over items of the sample variance of their samples
  double sampling_variance = 0;           ///< of an item's mean around its true one: mean over items of within_i / K_i
  double between_variance = 0;            ///< of the items' true means: Var(s_i) - sampling_variance, at least 0
  double fixed_items_standard_error = 0;  ///< of m for these very items: sqrt(sampling_variance / n)
};
/// `scores[i]` are item i's samples; items may differ in how many they have. An item of a single sample has no variance
/// of its own and is taken to have the mean one of the others. Error{bad_input} for fewer than two items, an item
/// without samples, or where no item has two.
Result<VarianceSplit> split_variance(std::span<const std::vector<double>> scores);

/// The p-quantile (0 <= p <= 1) with linear interpolation between order statistics: position p (n - 1) of the sorted
/// values. Infinite values are values; NaN is Error{bad_input}. Source: Hyndman and Fan 1996, The American Statistician
/// 50:361-365, type 7.
Result<double> quantile(std::vector<double> values, double p);

}  // namespace assay::results

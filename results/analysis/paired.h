#pragma once
// Two runs on the same items: how they differ and whether that may be chance. Pure.
//
// a[i] and b[i] are the item means of the same item i; the difference is a - b. Whoever calls matches the items.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "results/analysis/bootstrap.h"
#include "results/analysis/intervals.h"

namespace assay::results {

/// The mean of a - b over items, with what is known of its error.
struct PairedDifference {
  std::int64_t n_items = 0;
  std::int64_t n_clusters = 0;  ///< n_items unless items are grouped
  double mean_a = 0, mean_b = 0;
  double difference = 0;      ///< mean_a - mean_b
  double standard_error = 0;  ///< sd(a - b) / sqrt(n), or clustered with the correction C / (C - 1)
  double df = 0;              ///< n_clusters - 1
  /// Of a with b over items, so that SE² = SE_a² + SE_b² - 2 r SE_a SE_b; none where one of them does not vary.
  std::optional<double> correlation;
};

/// `clusters`: none, or a label for each item; items of equal label may depend on each other. Error{bad_input} for
/// spans of unequal length, values that are no numbers, or fewer than two items or clusters. Source: Miller 2024,
/// arXiv:2411.00640, sections on paired differences and clustered errors.
Result<PairedDifference> paired_difference(std::span<const double> a, std::span<const double> b,
                                           std::span<const std::string> clusters = {});

/// difference ± t·SE.
Result<Interval> interval_of(const PairedDifference& difference, double level = 0.95);

/// The two-sided p-value of "no difference" by the t statistic. Where no item differs from another (SE = 0) it is 1 for
/// a difference of 0, else 0: then ask sign_flip_test() or mcnemar_p_value(), which know how few items there are.
Result<double> p_value_of(const PairedDifference& difference);

/// What bootstrap_mean() takes: a - b, an item a cluster, or those of equal label together.
Result<std::vector<std::vector<double>>> difference_clusters(std::span<const double> a, std::span<const double> b,
                                                             std::span<const std::string> clusters = {});

/// McNemar's exact two-sided p-value for single samples: `only_a` items that a alone has right, `only_b` likewise;
/// min(1, 2 P(X <= min)) with X binomial of only_a + only_b trials at ½. Both at least 0, else Error{bad_input}.
/// Source: McNemar 1947, Psychometrika 12:153-157; the exact form is the sign test.
Result<double> mcnemar_p_value(std::int64_t only_a, std::int64_t only_b);

/// A p-value and how it was found.
struct PermutationTest {
  double p_value = 1;
  bool exact = true;           ///< every sign was tried; else options.n_resamples random ones
  std::int64_t n_nonzero = 0;  ///< clusters that differ: the others change no sum
};

/// The sign-flip permutation test of "a and b are exchangeable", two-sided, on the sums of each cluster's differences:
/// the share of sign patterns whose sum is at least as far from 0 as the one observed. Exact up to 20 clusters that
/// differ; above, (1 + n extreme) / (1 + n_resamples) over random patterns. Valid for any number of samples an item.
/// Error{bad_input} for no clusters or one with a value that is no number.
/// Source: Fisher 1935, The Design of Experiments, section 21; the added ones: Phipson and Smyth 2010,
/// arXiv:1603.05766.
Result<PermutationTest> sign_flip_test(std::span<const std::vector<double>> clusters,
                                       const BootstrapOptions& options = {});

}  // namespace assay::results

#include "results/analysis/paired.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/base/philox.h"
#include "results/analysis/distributions.h"
#include "results/analysis/moments.h"

namespace assay::results {

namespace {

Result<std::vector<double>> differences(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) {
    return bad_input("paired: ", a.size(), " items against ", b.size(), "; both must be of the same items");
  }
  ASSAY_TRY(check_finite("paired", a));
  ASSAY_TRY(check_finite("paired", b));
  std::vector<double> d;
  for (std::size_t i = 0; i < a.size(); ++i) d.push_back(a[i] - b[i]);
  return d;
}

/// Every sum of `magnitudes` with signs, 2^n of them.
std::vector<double> signed_sums(std::span<const double> magnitudes) {
  std::vector<double> sums = {0};
  for (const double m : magnitudes) {
    const std::size_t n = sums.size();
    for (std::size_t i = 0; i < n; ++i) {
      sums.push_back(sums[i] - m);
      sums[i] += m;
    }
  }
  return sums;
}

/// The share of all sign patterns that reach `least`, by two halves, so that each sum is rounded a few times only.
double exact_share(std::span<const double> magnitudes, double least) {
  const std::vector<double> left = signed_sums(magnitudes.first(magnitudes.size() / 2));
  const std::vector<double> right = signed_sums(magnitudes.subspan(magnitudes.size() / 2));
  std::int64_t n_extreme = 0;
  for (const double l : left) {
    for (const double r : right) n_extreme += std::abs(l + r) >= least ? 1 : 0;
  }
  return static_cast<double>(n_extreme) / static_cast<double>(left.size() * right.size());
}

/// For each eight magnitudes the sums of their 256 sign patterns: a random pattern is then a look-up per byte.
std::vector<double> sums_by_byte(std::span<const double> magnitudes) {
  std::vector<double> sums;
  for (std::size_t first = 0; first < magnitudes.size(); first += 8) {
    const auto group = magnitudes.subspan(first, std::min<std::size_t>(8, magnitudes.size() - first));
    for (std::size_t signs = 0; signs < 256; ++signs) {
      double sum = 0;
      for (std::size_t i = 0; i < group.size(); ++i) sum += (signs >> i & 1) != 0 ? group[i] : -group[i];
      sums.push_back(sum);
    }
  }
  return sums;
}

/// Magnitude i has the sign of bit i % 128 of the Philox words of counter {i / 128, pattern, 0, 0}.
double random_share(std::span<const double> magnitudes, double least, const BootstrapOptions& options) {
  const std::array<std::uint32_t, 2> key = {static_cast<std::uint32_t>(options.seed),
                                            static_cast<std::uint32_t>(options.seed >> 32)};
  constexpr std::size_t kBytesOfCall = 16;  // of four words
  const std::vector<double> sums = sums_by_byte(magnitudes);
  const std::size_t n_bytes = sums.size() / 256;
  std::int64_t n_extreme = 0;
  for (std::int64_t pattern = 0; pattern < options.n_resamples; ++pattern) {
    double sum = 0;
    std::array<std::uint32_t, 4> words{};
    for (std::size_t i = 0; i < n_bytes; ++i) {
      const std::size_t byte = i % kBytesOfCall;
      if (byte == 0) {
        words = philox({static_cast<std::uint32_t>(i / kBytesOfCall), static_cast<std::uint32_t>(pattern), 0, 0}, key);
      }
      sum += sums[256 * i + (words[byte / 4] >> 8 * (byte % 4) & 0xFF)];
    }
    n_extreme += std::abs(sum) >= least ? 1 : 0;
  }
  return static_cast<double>(1 + n_extreme) / static_cast<double>(1 + options.n_resamples);
}

}  // namespace

Result<PairedDifference> paired_difference(std::span<const double> a, std::span<const double> b,
                                           std::span<const std::string> clusters) {
  PairedDifference result;
  ASSAY_ASSIGN(const auto grouped, difference_clusters(a, b, clusters));
  if (grouped.size() < 2) {
    return bad_input("paired: ", a.size(), " items in ", grouped.size(), " clusters; at least 2 are needed");
  }
  result.n_items = static_cast<std::int64_t>(a.size());
  result.n_clusters = static_cast<std::int64_t>(grouped.size());
  ASSAY_ASSIGN(result.mean_a, mean(a));
  ASSAY_ASSIGN(result.mean_b, mean(b));
  ASSAY_ASSIGN(const auto d, differences(a, b));
  ASSAY_ASSIGN(result.difference, mean(d));
  ASSAY_ASSIGN(result.standard_error, clustered_standard_error(grouped, ClusterCorrection::c_over_c_minus_1));
  result.df = static_cast<double>(grouped.size() - 1);
  ASSAY_ASSIGN(const double variance_a, sample_variance(a));
  ASSAY_ASSIGN(const double variance_b, sample_variance(b));
  if (variance_a > 0 && variance_b > 0) {
    ASSAY_ASSIGN(const double covariance, sample_covariance(a, b));
    result.correlation = covariance / std::sqrt(variance_a * variance_b);
  }
  return result;
}

Result<Interval> interval_of(const PairedDifference& difference, double level) {
  return t_interval(difference.difference, difference.standard_error, difference.df, level);
}

Result<double> p_value_of(const PairedDifference& difference) {
  if (difference.standard_error == 0) return difference.difference == 0 ? 1.0 : 0.0;
  return t_two_sided_p(difference.df, difference.difference / difference.standard_error);
}

Result<std::vector<std::vector<double>>> difference_clusters(std::span<const double> a, std::span<const double> b,
                                                             std::span<const std::string> clusters) {
  ASSAY_ASSIGN(const auto d, differences(a, b));
  if (!clusters.empty()) return group_by(d, clusters);
  std::vector<std::vector<double>> single;
  for (const double value : d) single.push_back({value});
  return single;
}

Result<double> mcnemar_p_value(std::int64_t only_a, std::int64_t only_b) {
  if (only_a < 0 || only_b < 0 || only_a > INT64_MAX - only_b) {
    return bad_input("mcnemar: ", only_a, " and ", only_b, "; counts must be at least 0");
  }
  ASSAY_ASSIGN(const double tail, binomial_cdf(std::min(only_a, only_b), only_a + only_b, 0.5));
  return std::min(1.0, 2 * tail);
}

Result<PermutationTest> sign_flip_test(std::span<const std::vector<double>> clusters, const BootstrapOptions& options) {
  constexpr std::size_t kMostExact = 20;
  if (clusters.empty()) return bad_input("sign_flip_test: no clusters");
  if (options.n_resamples < 1) return bad_input("sign_flip_test: ", options.n_resamples, " resamples; at least 1");
  std::vector<double> magnitudes;
  double observed = 0;
  for (const auto& values : clusters) {
    ASSAY_TRY(check_finite("sign_flip_test", values));
    const double sum = std::accumulate(values.begin(), values.end(), 0.0);
    observed += sum;
    if (sum != 0) magnitudes.push_back(std::abs(sum));
  }
  // Sums that are equal but for rounding count as equal.
  const double largest = std::accumulate(magnitudes.begin(), magnitudes.end(), 0.0);
  const double least = std::abs(observed) - 1e-12 * largest;
  PermutationTest test{.p_value = 1, .exact = true, .n_nonzero = static_cast<std::int64_t>(magnitudes.size())};
  if (magnitudes.empty()) return test;
  test.exact = magnitudes.size() <= kMostExact;
  test.p_value = test.exact ? exact_share(magnitudes, least) : random_share(magnitudes, least, options);
  return test;
}

}  // namespace assay::results

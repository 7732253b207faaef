#pragma once
// Two builds or settings against each other: measured in turns, so that a machine that warms up or slows down does so
// for both, and compared block by block. Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "results/analysis/intervals.h"
#include "results/points.h"

namespace assay::bench {

/// Arms in the order in which block `block` measures them: A B B A, and B A A B in every second one. A drift that is
/// even over a block adds the same to both.
std::vector<char> block_order(std::int64_t block);
constexpr std::int64_t kRepeatsOfBlock = 2;  ///< of each arm

struct MetricComparison {
  std::string metric;
  bool is_better_higher = true;
  double ratio = 1;              ///< b / a, the geometric mean over blocks
  results::Interval interval{};  ///< of the ratio, at the comparison's level
  double p_value = 1;            ///< two-sided, not corrected
  std::string verdict;           ///< "no_difference", "b_better", "b_worse"
};

struct SettingComparison {
  std::string name;
  std::int64_t n_blocks = 0;   ///< whole ones, with all their points valid
  std::int64_t n_invalid = 0;  ///< points that are not, whose blocks are left out
  std::vector<MetricComparison> metrics;
  std::string reason;  ///< why there is no comparison: too few blocks
  /// True if b's replies are shorter or longer by a tenth: then times of whole requests are not those of equal work.
  bool lengths_differ = false;
};

/// How sure one must be. Of A against itself no metric of a setting may be called different with more than this
/// probability, all together (Holm).
inline constexpr double kComparisonLevel = 0.01;

/// `points` of a comparison's run, repeats 2k and 2k+1 of an arm being block k's. The logarithms of the two arms' means
/// are subtracted within each block, and the differences of the blocks tested by Student's t. Below 3 blocks nothing is
/// said. Source of the correction: Holm 1979,
/// Scandinavian Journal of Statistics 6:65-70.
std::vector<SettingComparison> compare_arms(std::span<const results::BenchPoint> points);

Json to_json(const SettingComparison& comparison);
std::string comparison_text(std::span<const SettingComparison> comparisons);

}  // namespace assay::bench

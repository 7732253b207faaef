#pragma once
// Two runs side by side: which items they share, and what speaks against comparing them. Pure.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "results/comparable_run.h"

namespace assay::results {

/// The same question in both runs.
struct ItemPair {
  const ComparableItem* baseline;
  const ComparableItem* candidate;
};

/// A suite that both runs have, by its name. Points into the runs, which must outlive it.
struct SuitePair {
  const ComparableSuite* baseline;
  const ComparableSuite* candidate;
  std::vector<ItemPair> items;  ///< in the baseline's order
};

/// Items of equal content (prompt and expected answer); of several with the same content those of equal id, then the
/// others in order. Items that only one has are left out.
std::vector<ItemPair> pair_items(const ComparableSuite& baseline, const ComparableSuite& candidate);

/// The suites that both runs have, with their items paired; in the baseline's order.
std::vector<SuitePair> pair_suites(const ComparableRun& baseline, const ComparableRun& candidate);

/// Names of the suites that `run` has and `other` has not.
std::vector<std::string> suites_missing_in(const ComparableRun& other, const ComparableRun& run);

/// Why accuracies of the two must not be compared: a phrase for each thing that differs (a suite's content, its grader,
/// its sampling or protocol, the method that measured a figure). Empty where they are comparable.
std::vector<std::string> comparison_obstacles(const ComparableRun& baseline, const ComparableRun& candidate);

/// The fields of environment_of() in which the machines and builds differ, "build_version (0.1.0, 0.2.0)", those named
/// in `ignored` left out: speed must not be compared across them. A run that was made in several environments differs
/// from itself. Logits of the canary count only where both runs have the same weights.
std::vector<std::string> environment_differences(const ComparableRun& baseline, const ComparableRun& candidate,
                                                 const std::vector<std::string>& ignored = {});

/// A figure of a sample; none where it is unknown.
using SampleFigure = std::function<std::optional<double>(const ComparableSample&)>;

/// Item means of a figure on both sides; items without a known value on one side are left out.
struct PairedMeans {
  std::vector<double> baseline, candidate;
};
PairedMeans paired_means(const std::vector<ItemPair>& items, const SampleFigure& figure);

/// All known values, an item after the other, of the items that have some on both sides.
struct PairedValues {
  std::vector<std::vector<double>> baseline, candidate;
};
PairedValues paired_values(const std::vector<ItemPair>& items, const SampleFigure& figure);

/// 1 for `correct`, else 0. And 1 for `truncated`, else 0. Both known of every sample.
std::optional<double> correctness(const ComparableSample& sample);
std::optional<double> truncation(const ComparableSample& sample);
std::optional<double> output_tokens(const ComparableSample& sample);

}  // namespace assay::results

#pragma once
// From intervals and p-values to decisions: correction for many tests, and the gate against regressions. Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "results/analysis/paired.h"

namespace assay::results {

/// p-values after Holm's step-down correction, in the order given: reject where one is at most the level, and the
/// chance of any false rejection is at most the level too. Each p in [0, 1], else Error{bad_input}; none gives none.
/// Say beside it how many were tested. Source: Holm 1979, Scandinavian Journal of Statistics 6:65-70.
Result<std::vector<double>> holm_adjusted(std::span<const double> p_values);

/// The same where tests are given unequal parts of the level: `weights[i]` > 0, whose scale does not matter, is the
/// share that test i is tried at first; what a rejection frees goes to the others in proportion. Error{bad_input} also
/// for spans of unequal length. Equal weights give holm_adjusted(). Source: Holm 1979, section 4.
Result<std::vector<double>> weighted_holm_adjusted(std::span<const double> p_values, std::span<const double> weights);

enum class GateVerdict { pass, improved, regressed, inconclusive };
std::string to_string(GateVerdict verdict);

/// What a candidate may lose and how sure one must be.
struct GateRule {
  double margin = 0.02;  ///< the drop in accuracy that is too much (0.02: two points); at least 0
  double level = 0.05;   ///< of each of the two one-sided bounds, in (0, 0.5)
};

/// The decision, and what it was made of. The drop is baseline - candidate.
struct GateDecision {
  GateVerdict verdict = GateVerdict::inconclusive;
  double drop = 0;
  double lower = 0, upper = 0;    ///< one-sided bounds of the drop, each at the rule's level
  bool significant_drop = false;  ///< lower > 0: passes all the same where upper < margin, and is worth a note
  bool no_spread = false;  ///< no item differs from another, so that the bounds are the drop itself: no evidence, but
                           ///< what the data say
  std::optional<std::int64_t> n_items_to_settle;  ///< inconclusive: items after which, if the drop and its spread stay
                                                  ///< as they are, one of the other verdicts follows; none if never
};

/// Non-inferiority on drop.difference (a is the baseline): `improved` if upper < 0, `pass` if upper < margin,
/// `regressed` if upper >= margin and lower > 0, else `inconclusive`. Error{bad_input} for a rule out of range.
Result<GateDecision> decide(const PairedDifference& drop, const GateRule& rule = {});

/// Items after which `distance` > 0 is as far away as a one-sided bound at `level` asks for, if the spread stays as it
/// is: at least 2, and at most 1e15, which stands for "more than there will ever be".
Result<std::int64_t> items_to_settle(const PairedDifference& drop, double distance, double level);

}  // namespace assay::results

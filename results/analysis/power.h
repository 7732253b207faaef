#pragma once
// What a suite of so many items and samples can show: planning before a run. Pure.

#include <cstdint>

#include "harness/base/result.h"

namespace assay::results {

/// What makes the difference of two runs on the same items vary.
struct PairedVariance {
  double between = 0;          ///< ω², of the true differences from item to item
  double within_a = 0;         ///< σ_a², of a single sample of a around its item's mean
  double within_b = 0;         ///< σ_b²
  std::int64_t samples_a = 1;  ///< K of a, an item
  std::int64_t samples_b = 1;
};

/// How sure one must be: a two-sided test at `alpha` that finds the difference with probability `power`. Both are in
/// (0, 1), power above alpha.
struct TestStrength {
  double alpha = 0.05;
  double power = 0.8;
};

/// Var of one item's difference: ω² + σ_a²/K_a + σ_b²/K_b. Error{bad_input} for a variance below 0 or K below 1; so in
/// all functions here.
Result<double> variance_of_difference(const PairedVariance& variance);

/// The smallest true difference that n items show: (z_{α/2} + z_β) sqrt(Var / n); n >= 1.
/// Source: Miller 2024, arXiv:2411.00640, section on power; normal approximation.
Result<double> detectable_difference(std::int64_t n_items, const PairedVariance& variance,
                                     const TestStrength& strength = {});

/// Items that are needed to show a true difference (not 0), rounded up: (z_{α/2} + z_β)² Var / δ². At least 1, and at
/// most 1e15, which stands for "more than there will ever be".
Result<std::int64_t> items_needed(double difference, const PairedVariance& variance, const TestStrength& strength = {});

/// The probability that n items show a true difference, in either tail: Φ(|δ|/SE - z_{α/2}) + Φ(-|δ|/SE - z_{α/2}).
Result<double> power_of(std::int64_t n_items, double difference, const PairedVariance& variance, double alpha = 0.05);

}  // namespace assay::results

// How often the gate is wrong, over pairs of runs whose truth is known. Seeded: the same numbers every time.

#include <cmath>

#include "results/gate/check.h"
#include "results/gate/test_runs.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;

namespace {

/// Chances of items by one of four shapes: even, hard with a few easy ones, all alike, nearly solved.
std::vector<double> random_chances(int n_items, std::mt19937_64& random) {
  const int shape = std::uniform_int_distribution<int>(0, 3)(random);
  std::uniform_real_distribution<double> even(0, 1);
  const double common = even(random);
  std::vector<double> chances;
  for (int i = 0; i < n_items; ++i) {
    const double u = even(random);
    chances.push_back(shape == 0 ? u : shape == 1 ? u * u * u : shape == 2 ? common : 1 - 0.1 * u);
  }
  return chances;
}

/// The same chances, lower by `drop` on average. Items near 0 can't lose as much, so the others lose more.
std::vector<double> lowered(const std::vector<double>& chances, double drop) {
  double low = 0;
  double high = 1;
  const auto mean_loss = [&](double by) {
    double sum = 0;
    for (const double chance : chances) sum += std::min(chance, by);
    return sum / static_cast<double>(chances.size());
  };
  for (int i = 0; i < 60; ++i) (mean_loss((low + high) / 2) < drop ? low : high) = (low + high) / 2;
  std::vector<double> worse;
  for (const double chance : chances) worse.push_back(chance - std::min(chance, high));
  return worse;
}

struct Design {
  int n_items;
  int n_samples;
};

Design random_design(std::mt19937_64& random) {
  const int n_items = std::uniform_int_distribution<int>(30, 200)(random);
  const int exponent = std::uniform_int_distribution<int>(0, 6)(random);  // 1 to 64 samples
  return {n_items, 1 << exponent};
}

const CheckOptions kOptions{.now_ms = 0, .bootstrap = {.n_resamples = 2000, .seed = 1}, .gated_metrics_only = true};

const MetricVerdict& accuracy_of(const CheckResult& result) {
  REQUIRE(!result.metrics.empty());
  return result.metrics.front();
}

}  // namespace

TEST_CASE("gate: of 1,000 pairs of equal runs at most 5 % are called regressed, and short power is said", "[gate]") {
  std::mt19937_64 random(20261122);
  int n_regressed = 0, n_inconclusive = 0, n_short = 0, n_short_inconclusive = 0, n_short_regressed = 0;
  for (int pair = 0; pair < 1000; ++pair) {
    const Design design = random_design(random);
    const std::vector<double> chances = random_chances(design.n_items, random);
    const ComparableRun a = random_run("a", chances, design.n_samples, random);
    const ComparableRun b = random_run("b", chances, design.n_samples, random);
    const auto result = check_runs(a, b, default_policy(), kOptions);
    REQUIRE(result);
    const MetricVerdict& accuracy = accuracy_of(*result);
    n_regressed += result->verdict == GateVerdict::regressed ? 1 : 0;
    n_inconclusive += result->verdict == GateVerdict::inconclusive ? 1 : 0;
    if (!accuracy.power_at_margin || *accuracy.power_at_margin > 0.2) continue;
    ++n_short;
    n_short_inconclusive += accuracy.verdict == GateVerdict::inconclusive ? 1 : 0;
    n_short_regressed += accuracy.verdict == GateVerdict::regressed ? 1 : 0;
    if (accuracy.verdict == GateVerdict::inconclusive) CHECK(accuracy.n_items_to_settle.value_or(0) > design.n_items);
  }
  INFO("regressed " << n_regressed << ", inconclusive " << n_inconclusive << ", of " << n_short << " short of power "
                    << n_short_inconclusive << " inconclusive and " << n_short_regressed << " regressed");
  CHECK(n_regressed <= 50);
  CHECK(n_short >= 200);
  CHECK(n_short_inconclusive >= 0.75 * n_short);  // the others are improved or regressed by chance, 5 % each, or pass
}

TEST_CASE("gate: with every metric gated equal runs are still called regressed in at most 5 %", "[gate]") {
  std::mt19937_64 random(7);
  Policy policy = default_policy();
  for (auto& [metric, rule] : policy.metrics)
    rule.gated = metric != "output_tokens_per_s" && metric != "usd_per_correct";
  int n_regressed = 0;
  constexpr int kPairs = 400;
  for (int pair = 0; pair < kPairs; ++pair) {
    const int n_items = std::uniform_int_distribution<int>(30, 100)(random);
    const std::vector<double> chances = random_chances(n_items, random);
    ComparableRun a = random_run("a", chances, 4, random);
    ComparableRun b = random_run("b", chances, 4, random);
    std::vector<double> lengths;  // of an item, in logarithms: some items take far longer
    for (int i = 0; i < n_items; ++i) lengths.push_back(std::normal_distribution<double>(6, 1)(random));
    for (ComparableRun* run : {&a, &b}) {
      for (std::size_t i = 0; i < lengths.size(); ++i) {
        for (ComparableSample& sample : run->suites[0].items[i].samples) {
          const double tokens = std::exp(std::normal_distribution<double>(lengths[i], 0.6)(random));
          sample.n_output_tokens = static_cast<std::int64_t>(tokens) + 1;
          sample.ttft_ms = std::exp(std::normal_distribution<double>(3, 0.5)(random));
          sample.itl_ms = std::exp(std::normal_distribution<double>(1, 0.3)(random));
          sample.e2e_ms = *sample.ttft_ms + *sample.itl_ms * tokens;
          if (std::bernoulli_distribution(0.05)(random)) sample.verdict = Verdict::truncated;
        }
      }
    }
    CheckOptions options = kOptions;
    options.bootstrap.n_resamples = 500;
    const auto result = check_runs(a, b, policy, options);
    REQUIRE(result);
    n_regressed += result->verdict == GateVerdict::regressed ? 1 : 0;
  }
  INFO("regressed " << n_regressed << " of " << kPairs);
  CHECK(n_regressed <= kPairs * 5 / 100);
}

TEST_CASE("gate: a true drop of the margin is caught in at least 80 % where the check claims that power", "[gate]") {
  std::mt19937_64 random(20250120);
  int n_claimed = 0, n_caught = 0, n_passed = 0;
  double claimed = 0;
  int n_near = 0, n_near_caught = 0;
  for (int pair = 0; pair < 1000; ++pair) {
    const Design design = random_design(random);
    Policy policy = default_policy();
    policy.metrics["accuracy"].margin = std::vector<double>{0.02, 0.05, 0.1}[static_cast<std::size_t>(pair % 3)];
    const double margin = policy.metrics["accuracy"].margin;
    const std::vector<double> chances = random_chances(design.n_items, random);
    double mean = 0;
    for (const double chance : chances) mean += chance / static_cast<double>(chances.size());
    if (mean < 1.5 * margin) continue;  // there is not so much to lose
    const ComparableRun a = random_run("a", chances, design.n_samples, random);
    const ComparableRun b = random_run("b", lowered(chances, margin), design.n_samples, random);
    const auto result = check_runs(a, b, policy, kOptions);
    REQUIRE(result);
    const MetricVerdict& accuracy = accuracy_of(*result);
    if (!accuracy.power_at_margin || *accuracy.power_at_margin < 0.8) continue;
    ++n_claimed;
    claimed += *accuracy.power_at_margin;
    n_caught += result->verdict == GateVerdict::regressed ? 1 : 0;
    n_passed += result->verdict == GateVerdict::pass || result->verdict == GateVerdict::improved ? 1 : 0;
    if (*accuracy.power_at_margin >= 0.9) continue;
    ++n_near;
    n_near_caught += result->verdict == GateVerdict::regressed ? 1 : 0;
  }
  INFO("claimed " << n_claimed << " with mean power " << claimed / n_claimed << ", caught " << n_caught << ", passed "
                  << n_passed << "; power claimed 0.8 to 0.9: " << n_near << ", caught " << n_near_caught);
  REQUIRE(n_claimed >= 150);
  CHECK(n_caught >= 0.8 * n_claimed);
  CHECK(n_passed <= 0.08 * n_claimed);  // 5 % by design
}

// The printed figures of resampling, paired tests, power and the gate, and what they do at the edges.
#include <cmath>
#include <limits>

#include "results/analysis/bootstrap.h"
#include "results/analysis/decisions.h"
#include "results/analysis/intervals.h"
#include "results/analysis/moments.h"
#include "results/analysis/paired.h"
#include "results/analysis/power.h"
#include "results/analysis/ratio.h"
#include "results/analysis/votes.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

namespace {

using Numbers = std::vector<double>;
const double kNan = std::nan("");
const double kInfinity = std::numeric_limits<double>::infinity();

// Ten items: a = 1101011011, b = 1001010010.
const Numbers kA = {1, 1, 0, 1, 0, 1, 1, 0, 1, 1};
const Numbers kB = {1, 0, 0, 1, 0, 1, 0, 0, 1, 0};

/// n items of which the first n_lost are lost by the candidate and the last n_won are won.
PairedDifference drop_of(int n, int n_lost, int n_won) {
  Numbers baseline(static_cast<std::size_t>(n), 0.0);
  Numbers candidate = baseline;
  for (int i = 0; i < n_lost; ++i) baseline[static_cast<std::size_t>(i)] = 1;
  for (int i = 0; i < n_won; ++i) candidate[static_cast<std::size_t>(n - 1 - i)] = 1;
  return *paired_difference(baseline, candidate);
}

}  // namespace

// The resampled mean of n values of 0 and 1 is Binomial(n, p)/n: its exact 2.5 % and 97.5 % quantiles for n = 20,
// p = 0.5 are 6/20 and 14/20 (cumulative 0.0207, 0.0577 and 0.9423, 0.9793).
TEST_CASE("bootstrap_mean: the exact quantiles of a binomial", "[analysis]") {
  std::vector<Numbers> clusters;
  for (int i = 0; i < 20; ++i) clusters.push_back({i % 2 == 0 ? 1.0 : 0.0});
  const auto resampled = bootstrap_mean(clusters, {.n_resamples = 20'000, .seed = 1});
  REQUIRE(resampled);
  CHECK(resampled->estimate == 0.5);
  CHECK_THAT(resampled->percentile[0], WithinAbs(0.30, 1e-12));
  CHECK_THAT(resampled->percentile[1], WithinAbs(0.70, 1e-12));
  // sqrt(p (1 - p) / n), to the noise of 20,000 resamples.
  CHECK_THAT(resampled->standard_error.value(), WithinRel(std::sqrt(0.25 / 20), 0.02));
  const auto again = bootstrap_mean(clusters, {.n_resamples = 20'000, .seed = 1});
  CHECK(again->percentile == resampled->percentile);
  CHECK(again->bca == resampled->bca);
}

// Whole clusters move together: two clusters of 50 equal values give means 0, 1/2 and 1 only.
TEST_CASE("bootstrap_mean: clusters are kept together, and edges have no false certainty", "[analysis]") {
  CHECK(bootstrap_mean(std::vector<Numbers>{Numbers(50, 0.0), Numbers(50, 1.0)})->percentile == Interval{0, 1});
  const auto equal = bootstrap_mean(std::vector<Numbers>{{0.5}, {0.5}, {0.5}});
  CHECK(equal->percentile == Interval{0.5, 0.5});
  CHECK(equal->bca == Interval{0.5, 0.5});
  CHECK_FALSE(bootstrap_mean(std::vector<Numbers>{{0.5}})->bca);
  CHECK_FALSE(bootstrap_mean({}));
  CHECK_FALSE(bootstrap_mean(std::vector<Numbers>{{}}));
  CHECK_FALSE(bootstrap_mean(std::vector<Numbers>{{1}, {kNan}}));
  CHECK_FALSE(bootstrap_mean(std::vector<Numbers>{{1}, {0}}, {.n_resamples = 0}));
  CHECK_FALSE(bootstrap_mean(std::vector<Numbers>{{1}, {0}}, {}, 1.0));
}

TEST_CASE("bootstrap_ratio: a resample without any answer is infinitely dear", "[analysis]") {
  // Two items of one dollar, one of them answered: a quarter of the resamples have no answer, a quarter two.
  const auto ratio = bootstrap_ratio(std::vector<RatioTerm>{{1, 1}, {1, 0}});
  REQUIRE(ratio);
  CHECK(ratio->estimate == 2);
  CHECK(ratio->percentile == Interval{1, kInfinity});
  CHECK_FALSE(ratio->standard_error);
  CHECK_FALSE(bootstrap_ratio(std::vector<RatioTerm>{{1, 0}, {1, 0}}));
  CHECK_FALSE(bootstrap_ratio(std::vector<RatioTerm>{{-1, 1}, {1, 1}}));
}

TEST_CASE("bootstrap_quantile: one value, and errors", "[analysis]") {
  CHECK(*bootstrap_quantile(std::vector<Numbers>{{7}}, 0.5) == Interval{7, 7});
  CHECK(*bootstrap_quantile(std::vector<Numbers>{{1, 2, 3}, {1, 2, 3}}, 1) == Interval{3, 3});
  CHECK_FALSE(bootstrap_quantile(std::vector<Numbers>{{7}}, 1.5));
  CHECK_FALSE(bootstrap_quantile(std::vector<Numbers>{{}}, 0.5));
  CHECK_FALSE(bootstrap_quantile(std::vector<Numbers>{{kNan}}, 0.5));
}

// By hand with scipy: sd(d) / sqrt(10) and sqrt(SE_a² + SE_b²).
TEST_CASE("paired_difference: pairing takes away what the items have in common", "[analysis]") {
  const auto paired = paired_difference(kA, kB);
  REQUIRE(paired);
  CHECK_THAT(paired->difference, WithinAbs(0.3, 1e-12));
  CHECK_THAT(paired->standard_error, WithinAbs(0.1527525, 5e-8));
  const double se_a = *standard_error(kA);
  const double se_b = *standard_error(kB);
  CHECK_THAT(std::sqrt(se_a * se_a + se_b * se_b), WithinAbs(0.2236068, 5e-8));
  CHECK_THAT(std::sqrt(se_a * se_a + se_b * se_b - 2 * paired->correlation.value() * se_a * se_b),
             WithinRel(paired->standard_error, 1e-12));
}

TEST_CASE("paired_difference: edges", "[analysis]") {
  const auto same = paired_difference(kA, kA);
  CHECK(same->difference == 0);
  CHECK(same->standard_error == 0);
  CHECK(*p_value_of(*same) == 1);
  CHECK(*interval_of(*same) == Interval{0, 0});
  const auto alike =
      paired_difference(Numbers{0.7, 0.8, 0.9}, Numbers{0.6, 0.7, 0.8}, std::vector<std::string>{"c", "c", "d"});
  CHECK_THAT(alike->standard_error, WithinAbs(0, 1e-15));
  const auto all_lost = paired_difference(Numbers{1, 1, 1}, Numbers{0, 0, 0});
  CHECK(*p_value_of(*all_lost) == 0);
  CHECK_FALSE(all_lost->correlation);
  CHECK_FALSE(paired_difference(Numbers{1}, Numbers{0}));
  CHECK_FALSE(paired_difference(Numbers{1, 0}, Numbers{0}));
  CHECK_FALSE(paired_difference(Numbers{1, kNan}, Numbers{0, 1}));
  CHECK_FALSE(paired_difference(Numbers{1, 0}, Numbers{0, 1}, std::vector<std::string>{"c", "c"}));
  CHECK_FALSE(paired_difference(Numbers{1, 0}, Numbers{0, 1}, std::vector<std::string>{"c"}));
}

// Exact values: (1,5) is 2 · 7/64; the others as scipy.stats.binomtest prints them.
TEST_CASE("mcnemar_p_value: printed cases", "[analysis]") {
  CHECK_THAT(*mcnemar_p_value(1, 5), WithinAbs(0.21875, 1e-12));
  CHECK_THAT(*mcnemar_p_value(2, 10), WithinAbs(0.038574219, 5e-10));
  CHECK_THAT(*mcnemar_p_value(20, 40), WithinAbs(0.013489294, 5e-10));
  CHECK(*mcnemar_p_value(5, 5) == 1);
  CHECK(*mcnemar_p_value(0, 0) == 1);
  CHECK_FALSE(mcnemar_p_value(-1, 5));
}

// Random patterns never give 0: the observed one is counted among them. That one of 100 others reaches it has a chance
// of 100 x 2^-24.
TEST_CASE("sign_flip_test: no p-value is 0, however clear the difference", "[analysis]") {
  const auto test = sign_flip_test(std::vector<Numbers>(25, Numbers{1}), {.n_resamples = 100, .seed = 1});
  REQUIRE(test);
  CHECK_FALSE(test->exact);
  CHECK_THAT(test->p_value, WithinRel(1.0 / 101, 1e-12));
}

TEST_CASE("sign_flip_test: exact up to 20 clusters that differ, seeded beyond", "[analysis]") {
  SECTION("for single samples it is McNemar's test") {
    std::vector<Numbers> clusters(30, Numbers{0});  // items that both have right or wrong change nothing
    for (int i = 0; i < 2; ++i) clusters.push_back({1});
    for (int i = 0; i < 10; ++i) clusters.push_back({-1});
    const auto test = sign_flip_test(clusters);
    CHECK(test->exact);
    CHECK(test->n_nonzero == 12);
    CHECK_THAT(test->p_value, WithinRel(*mcnemar_p_value(2, 10), 1e-12));
  }
  SECTION("twenty equal signs: two patterns of 2^20") {
    const auto test = sign_flip_test(std::vector<Numbers>(20, Numbers{0.1}));
    CHECK(test->exact);
    CHECK(test->p_value == std::ldexp(1, -19));
  }
  SECTION("random patterns come close to the exact test and repeat bit for bit") {
    std::vector<Numbers> clusters;
    for (int i = 0; i < 60; ++i) clusters.push_back({i < 20 ? 1.0 : -1.0});
    const auto test = sign_flip_test(clusters, {.n_resamples = 20'000, .seed = 3});
    CHECK_FALSE(test->exact);
    CHECK_THAT(test->p_value, WithinAbs(*mcnemar_p_value(20, 40), 0.003));
    CHECK(sign_flip_test(clusters, {.n_resamples = 20'000, .seed = 3})->p_value == test->p_value);
  }
  SECTION("clusters flip as one") {
    CHECK(sign_flip_test(std::vector<Numbers>{{1, 1, 1}, {1, 1}})->p_value == 0.5);
    CHECK(sign_flip_test(std::vector<Numbers>{{1, -1}, {0}})->p_value == 1);
  }
  CHECK_FALSE(sign_flip_test({}));
  CHECK_FALSE(sign_flip_test(std::vector<Numbers>{{kNan}}));
}

TEST_CASE("holm_adjusted: steps down, never above 1, order kept", "[analysis]") {
  const auto adjusted = holm_adjusted(Numbers{0.04, 0.01, 0.03});
  REQUIRE(adjusted);
  CHECK_THAT((*adjusted)[0], WithinRel(0.06, 1e-12));  // max(0.06, 1 · 0.04)
  CHECK_THAT((*adjusted)[1], WithinRel(0.03, 1e-12));
  CHECK_THAT((*adjusted)[2], WithinRel(0.06, 1e-12));
  CHECK(*holm_adjusted(Numbers{0.9, 0.8}) == Numbers{1, 1});
  CHECK(holm_adjusted({})->empty());
  CHECK_FALSE(holm_adjusted(Numbers{0.5, kNan}));
}

// Printed figures: α 0.05, power 0.8.
TEST_CASE("power: what a suite can show", "[analysis]") {
  const double omega2 = 1.0 / 9;
  CHECK(*items_needed(0.03, {.between = omega2}) == 969);
  const auto sampled = [&](std::int64_t k) {
    return PairedVariance{.between = omega2, .within_a = 1.0 / 6, .within_b = 1.0 / 6, .samples_a = k, .samples_b = k};
  };
  CHECK(*items_needed(0.03, sampled(10)) == 1260);
  CHECK(*items_needed(-0.03, sampled(1)) == 3876);
  CHECK_THAT(*detectable_difference(198, sampled(1)), WithinAbs(0.1327, 5e-5));
  CHECK_THAT(*detectable_difference(198, sampled(10)), WithinAbs(0.0757, 5e-5));
  CHECK_THAT(*detectable_difference(30, sampled(64)), WithinAbs(0.174, 5e-4));
  // The three agree: at the detectable difference the power is what was asked for (the other tail adds nothing
  // visible).
  CHECK_THAT(*power_of(198, *detectable_difference(198, sampled(1)), sampled(1)), WithinAbs(0.8, 1e-5));
  CHECK(*power_of(10, 0, {.between = 0.1}) == Approx(0.05));
  CHECK(*power_of(10, 0.1, {}) == 1);
  CHECK(*items_needed(0.1, {}) == 1);
  CHECK(*items_needed(1e-300, sampled(1)) == 1'000'000'000'000'000);
  CHECK_FALSE(items_needed(0, sampled(1)));
  CHECK_FALSE(items_needed(0.1, {.between = -1}));
  CHECK_FALSE(items_needed(0.1, {.between = 1, .within_a = 0, .within_b = 0, .samples_a = 0, .samples_b = 1}));
  CHECK_FALSE(detectable_difference(0, sampled(1)));
  CHECK_FALSE(detectable_difference(10, sampled(1), {.alpha = 0.9, .power = 0.8}));
}

TEST_CASE("decide: pass, improved, regressed, inconclusive", "[analysis]") {
  SECTION("many items, hardly any change: pass") {
    const auto decision = decide(drop_of(2000, 10, 10));
    CHECK(decision->verdict == GateVerdict::pass);
    CHECK_FALSE(decision->significant_drop);
  }
  SECTION("a significant drop inside the margin passes and is noted") {
    const auto decision = decide(drop_of(10'000, 100, 20));
    CHECK(decision->verdict == GateVerdict::pass);
    CHECK(decision->significant_drop);
  }
  SECTION("a drop beyond noise and margin") { CHECK(decide(drop_of(300, 40, 10))->verdict == GateVerdict::regressed); }
  SECTION("better beyond noise") { CHECK(decide(drop_of(300, 10, 40))->verdict == GateVerdict::improved); }
  SECTION("too few items; with the items it asks for, the same data decide") {
    const auto decision = decide(drop_of(50, 3, 2));
    REQUIRE(decision->verdict == GateVerdict::inconclusive);
    REQUIRE(decision->n_items_to_settle);
    PairedDifference more = drop_of(50, 3, 2);
    const double factor = static_cast<double>(*decision->n_items_to_settle) / 50;
    more.standard_error /= std::sqrt(factor);
    more.df = static_cast<double>(*decision->n_items_to_settle - 1);
    CHECK(decide(more)->verdict != GateVerdict::inconclusive);
    more.standard_error *= 1.02;
    CHECK(decide(more)->verdict == GateVerdict::inconclusive);
  }
  SECTION("no spread at all is said") {
    const auto same = decide(drop_of(20, 0, 0));
    CHECK(same->verdict == GateVerdict::pass);
    CHECK(same->no_spread);
    const auto lost = decide(*paired_difference(Numbers{1, 1}, Numbers{0, 0}));
    CHECK(lost->verdict == GateVerdict::regressed);
    const auto never = decide(drop_of(20, 0, 0), {.margin = 0, .level = 0.05});
    CHECK(never->verdict == GateVerdict::inconclusive);
    CHECK_FALSE(never->n_items_to_settle);
  }
  SECTION("the bounds are one-sided: t(0.95)") {
    const auto drop = drop_of(300, 40, 10);
    const auto decision = decide(drop);
    // t(299, 0.95) = 1.649966 (table).
    CHECK_THAT(decision->upper - decision->drop, WithinRel(1.649966 * drop.standard_error, 1e-6));
  }
  CHECK_FALSE(decide(drop_of(20, 1, 1), {.margin = -0.1, .level = 0.05}));
  CHECK_FALSE(decide(drop_of(20, 1, 1), {.margin = 0.1, .level = 0.5}));
}

TEST_CASE("fieller: no interval where the denominator may be 0", "[analysis]") {
  const auto unbounded = fieller(Numbers{1, 2, 3}, Numbers{0, 0, 1});
  REQUIRE(unbounded);
  CHECK_THAT(unbounded->ratio, WithinRel(6, 1e-12));
  CHECK_FALSE(unbounded->interval);
  const auto constant = fieller(Numbers{4, 4}, Numbers{2, 2});
  CHECK(constant->interval == Interval{2, 2});
  CHECK_FALSE(fieller(Numbers{1, 2}, Numbers{0, 0}));
  CHECK_FALSE(fieller(Numbers{1}, Numbers{1}));
  CHECK_FALSE(fieller(Numbers{1, kNan}, Numbers{1, 2}));
}

TEST_CASE("unresolved_bounds: all wrong, all right", "[analysis]") {
  const std::vector<ItemCounts> items = {{4, 2, 1}, {2, 0, 0}, {1, 0, 1}};
  const auto bounds = unresolved_bounds(items);
  REQUIRE(bounds);
  CHECK_THAT((*bounds)[0], WithinRel(0.5 / 3, 1e-12));
  CHECK_THAT((*bounds)[1], WithinRel(1.75 / 3, 1e-12));
  CHECK_FALSE(unresolved_bounds({}));
  CHECK_FALSE(unresolved_bounds(std::vector<ItemCounts>{{2, 2, 1}}));
  CHECK_FALSE(unresolved_bounds(std::vector<ItemCounts>{{0, 0, 0}}));
}

TEST_CASE("effective_n: single samples have n - 1", "[analysis]") {
  const Numbers scores = {1, 1, 0, 1, 0, 0, 0, 1, 1, 1};
  CHECK_THAT(*effective_n(*mean(scores), *standard_error(scores)), WithinRel(9, 1e-12));
  CHECK_FALSE(effective_n(1, 0.1));
  CHECK_FALSE(effective_n(0.5, 0));
}

// Too many to count: 2,000 answers that all differ, a quarter of them right, tie in every subset; then two camps of
// 1,500 and 500, of which the larger wins every subset of 1,001.
TEST_CASE("maj_at_k: random subsets where there are too many to count", "[analysis]") {
  std::vector<Vote> votes;
  for (int i = 0; i < 2000; ++i) votes.push_back({"a" + std::to_string(i), i % 4 == 0});
  const auto spread = maj_at_k(votes, 1000, {.n_resamples = 2000, .seed = 1});
  REQUIRE(spread);
  CHECK_THAT(*spread, WithinAbs(0.25, 0.005));
  CHECK(*maj_at_k(votes, 1000, {.n_resamples = 2000, .seed = 1}) == *spread);
  for (auto& vote : votes) vote = vote.correct ? Vote{"8", false} : Vote{"7", true};
  CHECK_THAT(*maj_at_k(votes, 1001, {.n_resamples = 500, .seed = 1}), WithinAbs(1, 1e-12));
  CHECK_FALSE(maj_at_k(votes, 1000, {.n_resamples = 0}));
}

TEST_CASE("mean, variance, quantile: NaN is bad input, never a figure", "[analysis]") {
  CHECK(mean(Numbers{1, kNan}).error().kind == ErrorKind::bad_input);
  CHECK_FALSE(mean(Numbers{kInfinity}));
  CHECK_FALSE(standard_error(Numbers{1, kNan}));
  CHECK_FALSE(quantile({1, kNan}, 0.5));
  CHECK(*quantile({1, kInfinity, kInfinity}, 0.75) == kInfinity);
  CHECK(*mean(Numbers{1e16, 1, -1e16}) == Approx(1.0 / 3));  // nothing is rounded away
  CHECK(*standard_error(Numbers{0.1, 0.1, 0.1}) == 0);
  CHECK_FALSE(split_variance(std::vector<Numbers>{{1, 0}, {}}));
  CHECK_FALSE(split_variance(std::vector<Numbers>{{1, 0}}));
}

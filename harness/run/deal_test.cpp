#include "harness/run/deal.h"

#include <algorithm>
#include <map>
#include <set>

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::run;

namespace {

suites::Suite suite_of(const std::string& name, int n_items, std::int64_t samples, std::int64_t max_output_tokens) {
  suites::Suite suite;
  suite.name = name;
  suite.sha256 = name + "-hash";
  suite.sampling = {.temperature = 0, .top_p = 1, .max_output_tokens = max_output_tokens, .samples = samples};
  for (int i = 0; i < n_items; ++i) {
    const std::string id = name + std::to_string(i);
    suite.items.push_back({ItemId(id), "", "What is " + id + "?", Json::object(), ""});
  }
  return suite;
}

/// Samples by identity, so that plans of other orders can be compared.
std::map<std::string, int> dealt(const Plan& plan, int ranks) {
  const std::vector<int> rank_of = deal_samples(plan, ranks);
  REQUIRE(rank_of.size() == plan.samples.size());
  std::map<std::string, int> by_id;
  for (std::size_t i = 0; i < rank_of.size(); ++i) {
    by_id[plan.samples[i].request.id + ":" + std::to_string(plan.samples[i].sample)] = rank_of[i];
  }
  return by_id;
}

std::vector<std::int64_t> loads(const Plan& plan, int ranks) {
  std::vector<std::int64_t> loads(static_cast<std::size_t>(ranks), 0);
  const std::vector<int> rank_of = deal_samples(plan, ranks);
  for (std::size_t i = 0; i < rank_of.size(); ++i) {
    REQUIRE(rank_of[i] >= 0);
    REQUIRE(rank_of[i] < ranks);
    loads[static_cast<std::size_t>(rank_of[i])] += plan.samples[i].request.sampling.max_output_tokens;
  }
  return loads;
}

}  // namespace

TEST_CASE("deal_samples: every sample has one rank, and one rank has all", "[run]") {
  const auto plan = make_plan({suite_of("a", 7, 2, 100)}, {});
  REQUIRE(plan);
  CHECK(deal_samples(*plan, 1) == std::vector<int>(14, 0));
  CHECK(loads(*plan, 3).size() == 3);
}

TEST_CASE("deal_samples: long replies are dealt first, so that ranks have the same to do", "[run]") {
  const auto plan =
      make_plan({suite_of("short", 500, 1, 100), suite_of("long", 30, 4, 32'768), suite_of("mid", 90, 1, 4096)}, {});
  REQUIRE(plan);
  for (const int ranks : {2, 3, 7, 8}) {
    const auto work = loads(*plan, ranks);
    const auto [least, most] = std::minmax_element(work.begin(), work.end());
    INFO(ranks << " ranks: " << *least << " to " << *most);
    CHECK(static_cast<double>(*most) <= 1.01 * static_cast<double>(*least));
  }
}

TEST_CASE("deal_samples: it goes by what samples are, not by where they stand", "[run]") {
  suites::Suite a = suite_of("a", 40, 2, 100), b = suite_of("b", 25, 1, 900);
  const auto plan = make_plan({a, b}, {});
  std::reverse(a.items.begin(), a.items.end());
  const auto turned = make_plan({b, a}, {});
  REQUIRE(plan);
  REQUIRE(turned);
  for (const int ranks : {2, 5, 64}) CHECK(dealt(*plan, ranks) == dealt(*turned, ranks));
}

TEST_CASE("deal_samples: an item's samples share a rank unless there are too few items", "[run]") {
  const auto ranks_of_items = [](const Plan& plan, int ranks) {
    std::map<std::string, std::set<int>> by_item;
    const std::vector<int> rank_of = deal_samples(plan, ranks);
    for (std::size_t i = 0; i < rank_of.size(); ++i) by_item[plan.samples[i].request.id].insert(rank_of[i]);
    return by_item;
  };
  const auto many = make_plan({suite_of("a", 200, 8, 100)}, {});
  REQUIRE(many);
  for (const auto& [item, ranks] : ranks_of_items(*many, 4)) CHECK(ranks.size() == 1);
  // AIME as it is published: 30 items with 64 samples, here over 32 ranks.
  const auto few = make_plan({suite_of("a", 30, 64, 32'768)}, {});
  REQUIRE(few);
  const auto work = loads(*few, 32);
  const auto [least, most] = std::minmax_element(work.begin(), work.end());
  CHECK(static_cast<double>(*most) <= 1.1 * static_cast<double>(*least));
  for (const auto& [item, ranks] : ranks_of_items(*few, 32)) CHECK(ranks.size() > 1);
}

TEST_CASE("deal_samples: neighbours in a file are spread over the ranks", "[run]") {
  const auto plan = make_plan({suite_of("a", 100, 1, 100)}, {});
  REQUIRE(plan);
  const std::vector<int> rank_of = deal_samples(*plan, 4);
  // The first ten items are often the easy ones: no rank has more than six of them (by a fair deal one in 150 has).
  for (int rank = 0; rank < 4; ++rank) CHECK(std::count(rank_of.begin(), rank_of.begin() + 10, rank) <= 6);
}

TEST_CASE("deal_samples: more ranks than samples leave some without", "[run]") {
  const auto plan = make_plan({suite_of("a", 2, 1, 100)}, {});
  REQUIRE(plan);
  auto work = loads(*plan, 5);
  std::sort(work.begin(), work.end());
  CHECK(work == std::vector<std::int64_t>{0, 0, 0, 100, 100});
}

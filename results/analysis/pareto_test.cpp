#include "results/analysis/pareto.h"

#include <cmath>

#include "tests/support/catch.h"

using namespace assay::results;
using Indices = std::vector<std::size_t>;

TEST_CASE("pareto_front: keeps what no other point beats, by rising x", "[analysis]") {
  // By hand: cost against accuracy. (3, 0.8) is beaten by (2, 0.9); (1, 0.5) is the cheapest; (5, 0.95) the best.
  const std::vector<TradeOff> cost = {{5, 0.95}, {3, 0.8}, {2, 0.9}, {1, 0.5}, {6, 0.95}};
  CHECK(pareto_front(cost, Better::lower) == Indices{3, 2, 0});
  // Tokens/s per user against tokens/s per GPU: more of both is better.
  const std::vector<TradeOff> speed = {{10, 100}, {20, 80}, {15, 70}, {40, 10}, {20, 60}};
  CHECK(pareto_front(speed, Better::higher) == Indices{0, 1, 3});
}

TEST_CASE("pareto_front: equal points stand once, what is no number nowhere", "[analysis]") {
  CHECK(pareto_front({}, Better::lower).empty());
  const std::vector<TradeOff> points = {{1, 1}, {1, 1}, {NAN, 5}, {0, INFINITY}, {1, 0}};
  CHECK(pareto_front(points, Better::lower) == Indices{0});
  CHECK(pareto_front(points, Better::higher) == Indices{0});
}

#include "kernels/router/route_and_sort.cuh"

#include <cmath>

#include "kernels/router/expert_rows_test.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

constexpr int kWidth = 72;

std::size_t size_of(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

/// Everything that routing, sorting and gathering leave behind.
struct Routed {
  std::vector<float> weights;
  std::vector<std::int32_t> first_place, places, tokens;
  std::vector<ExpertTile> tiles;
  std::vector<Bf16> sorted;
  int failed = 0;
};

struct Problem {
  RouterArgs router;
  int n_parts, tokens, first_own = 0, n_own = 0;
  std::vector<float> logits, bias;
  std::vector<Bf16> x;

  Problem(const RouterArgs& args, int parts, int n_tokens) : router(args), n_parts(parts), tokens(n_tokens) {
    std::mt19937 generator(static_cast<unsigned>(17 * n_tokens + args.n_routed_experts));
    logits = normal_floats(generator, size_of(tokens, n_parts * args.n_routed_experts), 2);
    bias = normal_floats(generator, static_cast<std::size_t>(args.n_routed_experts), 0.3f);
    x = normal_bf16(generator, size_of(tokens, kWidth));
  }

  /// In one launch, or in three.
  Routed run(bool at_once) const {
    const int n = router.n_routed_experts, per_token = router.num_experts_per_tok, n_pairs = tokens * per_token;
    const int tile_rows = 8, n_experts = n_own == 0 ? n : n_own;
    const auto device_logits = on_device(logits), device_bias = on_device(bias);
    const auto device_x = on_device(x);
    const auto slots = poisoned<std::int32_t>(size_of(n_pairs, 1));
    const auto weights = poisoned<float>(size_of(n_pairs, 1));
    const auto failed = on_device(std::vector<int>{0});
    const auto first_place = poisoned<std::int32_t>(size_of(n_experts + 1, 1));
    const auto places = poisoned<std::int32_t>(size_of(n_pairs, 1)),
               sorted_tokens = poisoned<std::int32_t>(size_of(n_pairs, 1)), n_tiles = poisoned<std::int32_t>(1);
    const auto tiles = poisoned<ExpertTile>(size_of(max_expert_tiles(tokens, per_token, n, tile_rows), 1));
    const auto sorted = on_device(std::vector<Bf16>(size_of(n_pairs, kWidth)));
    RouteRowsArgs route{router, device_logits.data(), n_parts, tokens, slots.data(), weights.data(), failed.data()};
    route.router.bias = device_bias.data();
    const ExpertRowsArgs sort{
        slots.data(), tokens,
        per_token,    n,
        tile_rows,    {first_place.data(), places.data(), sorted_tokens.data(), tiles.data(), n_tiles.data()},
        first_own,    n_own};
    if (at_once) {
      must(route_and_sort({route, sort, device_x.data(), kWidth, sorted.data()}, nullptr));
    } else {
      must(route_rows(route, nullptr));
      must(expert_rows(sort, nullptr));
    }
    Routed result{from_device(weights),       from_device(first_place), from_device(places),
                  from_device(sorted_tokens), from_device(tiles),       {},
                  from_device(failed)[0]};
    result.tiles.resize(static_cast<std::size_t>(from_device(n_tiles)[0]));
    const int n_own_pairs = result.first_place.back();
    if (!at_once)
      must(gather_rows({device_x.data(), sorted_tokens.data(), n_own_pairs, kWidth, sorted.data()}, nullptr));
    result.sorted = from_device(sorted);
    return result;
  }
};

void check_same(const Routed& a, const Routed& b) {
  CHECK(same_bits(a.weights.data(), b.weights.data(), b.weights.size()));
  CHECK(a.first_place == b.first_place);
  CHECK(a.places == b.places);
  CHECK(a.tokens == b.tokens);
  REQUIRE(a.tiles.size() == b.tiles.size());
  CHECK(same_bits(a.tiles.data(), b.tiles.data(), b.tiles.size()));
  CHECK(same_bits(a.sorted.data(), b.sorted.data(), b.sorted.size()));
  CHECK(a.failed == b.failed);
}

const RouterArgs kV2Lite{RoutingMethod::greedy, ScoringFunction::softmax, 64, 6, 1, 1, false, 1};
const RouterArgs kV3{RoutingMethod::noaux_tc, ScoringFunction::sigmoid, 256, 8, 8, 4, true, 2.5f};
const RouterArgs kFew{RoutingMethod::greedy, ScoringFunction::sigmoid, 17, 16, 1, 1, true, 1};

}  // namespace

TEST_CASE("route_and_sort: what routing, sorting and gathering give one after the other", "[gpu][invariance]") {
  for (const RouterArgs& router : {kV2Lite, kV3, kFew}) {
    for (const int tokens : {1, 2, 7, 15, 16}) {
      for (const int n_parts : {1, 3}) {
        CAPTURE(router.n_routed_experts, tokens, n_parts);
        const Problem problem(router, n_parts, tokens);
        check_same(problem.run(true), problem.run(false));
      }
    }
  }
}

TEST_CASE("route_and_sort: a rank's own experts alone", "[gpu][invariance]") {
  Problem problem(kV2Lite, 1, 9);
  problem.first_own = 16;
  problem.n_own = 32;
  check_same(problem.run(true), problem.run(false));
}

TEST_CASE("route_and_sort: a logit that is not a number raises the flag", "[gpu]") {
  Problem problem(kV2Lite, 1, 3);
  problem.logits[70] = std::nanf("");
  const Routed result = problem.run(true);
  CHECK(result.failed == 1);
  check_same(result, problem.run(false));
}

TEST_CASE("route_and_sort: no rows are no tiles, and shapes it can't have are refused", "[gpu]") {
  CHECK(Problem(kV2Lite, 1, 0).run(true).tiles.empty());
  RouteAndSortArgs args;
  args.route.router = kV2Lite;
  args.route.tokens = args.sort.tokens = kMaxRowsAtOnce + 1;
  args.sort.n_experts = kV2Lite.n_routed_experts;
  args.sort.num_experts_per_tok = kV2Lite.num_experts_per_tok;
  args.sort.tile_rows = 8;
  CHECK_FALSE(route_and_sort(args, nullptr).has_value());
  args.route.tokens = 1;
  CHECK_FALSE(route_and_sort(args, nullptr).has_value());
}

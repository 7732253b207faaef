#include "kernels/router/router.h"

#include "tests/support/catch.h"

using namespace assay::kernels;
using Catch::Matchers::WithinAbs;

namespace {

// The worked example of spec/moe.md section 4: 8 experts in 4 groups, 2 groups kept, 3 experts chosen.
const std::vector<float> kLogits{0.9f, -0.3f, 0.2f, 0.4f, -1.2f, 1.5f, 0.1f, 0.0f};
const std::vector<float> kBias{-0.9f, -0.1f, 0.05f, 0.0f, 0.3f, -0.75f, -0.2f, 0.1f};

RouterArgs v3_args(const float* bias) {
  return {RoutingMethod::noaux_tc, ScoringFunction::sigmoid, 8, 3, 4, 2, true, 2.5f, bias};
}

void check_route(const RouterArgs& args, const std::vector<float>& logits,
                 const std::vector<std::pair<int, double>>& expected) {
  std::vector<RoutedExpert> slots(static_cast<std::size_t>(args.num_experts_per_tok));
  REQUIRE(route(cpu_ops(best_simd_level()), args, logits.data(), slots.data()));
  for (std::size_t i = 0; i < slots.size(); ++i) {
    CHECK(slots[i].expert == expected[i].first);
    CHECK_THAT(static_cast<double>(slots[i].weight), WithinAbs(expected[i].second, 2e-6));
  }
}

}  // namespace

TEST_CASE("router: noaux_tc chooses by biased score and weighs by the score", "[kernels]") {
  check_route(v3_args(kBias.data()), kLogits, {{2, 0.833829}, {3, 0.907916}, {7, 0.758255}});
}

TEST_CASE("router: noaux_tc masks dropped groups with minus infinity, not 0", "[kernels]") {
  std::vector<float> low = kBias;
  for (float& b : low) b -= 1;
  check_route(v3_args(low.data()), kLogits, {{2, 0.833829}, {3, 0.907916}, {7, 0.758255}});
}

TEST_CASE("router: softmax scores, greedy and group-limited", "[kernels]") {
  check_route({RoutingMethod::greedy, ScoringFunction::softmax, 8, 3, 1, 1, false, 16}, kLogits,
              {{0, 3.074095}, {3, 1.864533}, {5, 5.601366}});
  check_route({RoutingMethod::group_limited_greedy, ScoringFunction::softmax, 8, 3, 4, 2, false, 16}, kLogits,
              {{0, 3.074095}, {1, 0.925900}, {5, 5.601366}});
  check_route({RoutingMethod::greedy, ScoringFunction::softmax, 8, 3, 1, 1, true, 1}, kLogits,
              {{0, 0.291660}, {3, 0.176901}, {5, 0.531439}});
}

TEST_CASE("router: ties go to the lower index, for groups and experts", "[kernels]") {
  check_route(v3_args(nullptr), std::vector<float>(8, 0.0f), {{0, 0.833333}, {1, 0.833333}, {2, 0.833333}});
}

TEST_CASE("router: a logit that is not a number is an error", "[kernels]") {
  std::vector<float> logits = kLogits;
  logits[4] = NAN;
  RoutedExpert slots[3];
  const auto routed = route(cpu_ops(best_simd_level()), v3_args(nullptr), logits.data(), slots);
  REQUIRE_FALSE(routed);
  CHECK(routed.error().message == "router: the logit of expert 4 is not a number");
}

#include "kernels/router/route_rows.cuh"

#include <cmath>
#include <cstring>
#include <string>

#include "kernels/device/gpu_test.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

struct Routing {
  std::vector<std::int32_t> slots;
  std::vector<float> weights;
  int failed = 0;
};

std::size_t size_of(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

Routing route_on_device(const RouterArgs& router, const std::vector<float>& bias, const std::vector<float>& logits,
                        int tokens, int n_parts = 1) {
  const auto device_logits = on_device(logits), device_bias = on_device(bias);
  const std::size_t n = size_of(tokens, router.num_experts_per_tok);
  const auto slots = poisoned<std::int32_t>(n);
  const auto weights = poisoned<float>(n);
  const auto failed = on_device(std::vector<int>{0});
  RouteRowsArgs args{router, device_logits.data(), n_parts, tokens, slots.data(), weights.data(), failed.data()};
  args.router.bias = bias.empty() ? nullptr : device_bias.data();
  must(route_rows(args, nullptr));
  return {from_device(slots), from_device(weights), from_device(failed)[0]};
}

Routing route_on_host(RouterArgs router, const std::vector<float>& bias, const std::vector<float>& logits, int tokens) {
  router.bias = bias.empty() ? nullptr : bias.data();
  Routing routing;
  std::vector<RoutedExpert> slots(static_cast<std::size_t>(router.num_experts_per_tok));
  for (int t = 0; t < tokens; ++t) {
    must(route(cpu_ops(best_simd_level()), router, logits.data() + size_of(t, router.n_routed_experts), slots.data()));
    for (const RoutedExpert& slot : slots) {
      routing.slots.push_back(slot.expert);
      routing.weights.push_back(slot.weight);
    }
  }
  return routing;
}

void check_same(const Routing& a, const Routing& b) {
  CHECK(a.slots == b.slots);
  REQUIRE(a.weights.size() == b.weights.size());
  CHECK(same_bits(a.weights.data(), b.weights.data(), b.weights.size()));
  CHECK(a.failed == b.failed);
}

struct Model {
  const char* name;
  RouterArgs router;
  bool has_bias;
};

const std::vector<Model> kModels{
    {"DeepSeek-V2-Lite", {RoutingMethod::greedy, ScoringFunction::softmax, 64, 6, 1, 1, false, 1}, false},
    {"DeepSeek-V2", {RoutingMethod::group_limited_greedy, ScoringFunction::softmax, 160, 6, 8, 3, false, 16}, false},
    {"DeepSeek-V3", {RoutingMethod::noaux_tc, ScoringFunction::sigmoid, 256, 8, 8, 4, true, 2.5f}, true},
    {"Qwen3-MoE", {RoutingMethod::greedy, ScoringFunction::softmax, 128, 8, 1, 1, true, 1}, false},
    {"sixteen of few", {RoutingMethod::greedy, ScoringFunction::sigmoid, 17, 16, 1, 1, true, 1}, false},
    {"groups of one", {RoutingMethod::noaux_tc, ScoringFunction::sigmoid, 8, 2, 8, 2, true, 1}, true},
    {"more experts than the kept groups have",
     {RoutingMethod::noaux_tc, ScoringFunction::sigmoid, 8, 3, 4, 1, true, 1},
     true},
};

}  // namespace

TEST_CASE("route_rows: the experts and the weights of the CPU's router, to the bit", "[gpu][invariance]") {
  for (const Model& model : kModels) {
    for (const int tokens : {1, 3, 4, 130, 4096}) {
      CAPTURE(model.name, tokens);
      std::mt19937 generator(static_cast<unsigned>(tokens));
      const int n = model.router.n_routed_experts;
      const auto bias =
          model.has_bias ? normal_floats(generator, static_cast<std::size_t>(n), 0.3f) : std::vector<float>{};
      // Coarse values tie often; every eighth row spreads so far that scores underflow.
      auto logits = normal_floats(generator, size_of(tokens, n), 2);
      for (std::size_t i = 0; i < logits.size(); ++i) {
        const std::size_t row = i / static_cast<std::size_t>(n);
        if (row % 3 == 1) logits[i] = std::round(2 * logits[i]) / 2;
        if (row % 8 == 7) logits[i] *= 60;
      }
      check_same(route_on_device(model.router, bias, logits, tokens),
                 route_on_host(model.router, bias, logits, tokens));
    }
  }
}

TEST_CASE("route_rows: the worked examples of the specification", "[gpu]") {
  const std::vector<float> logits{0.9f, -0.3f, 0.2f, 0.4f, -1.2f, 1.5f, 0.1f, 0.0f};
  std::vector<float> bias{-0.9f, -0.1f, 0.05f, 0.0f, 0.3f, -0.75f, -0.2f, 0.1f};
  const RouterArgs v3{RoutingMethod::noaux_tc, ScoringFunction::sigmoid, 8, 3, 4, 2, true, 2.5f};
  const std::vector<double> weights{0.833829, 0.907916, 0.758255};
  for (int i = 0; i < 2; ++i) {
    const Routing routing = route_on_device(v3, bias, logits, 1);
    CHECK(routing.slots == std::vector<std::int32_t>{2, 3, 7});
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK_THAT(static_cast<double>(routing.weights[k]), Catch::Matchers::WithinAbs(weights[k], 2e-6));
    }
    for (float& b : bias) b -= 1;  // dropped groups are out, though their experts' scores are above the others'
  }
  const Routing tied = route_on_device(v3, {}, std::vector<float>(8, 0.0f), 1);
  CHECK(tied.slots == std::vector<std::int32_t>{0, 1, 2});
}

TEST_CASE("route_rows: adds the parts of split router weights, the smallest first", "[gpu]") {
  const RouterArgs router{RoutingMethod::greedy, ScoringFunction::softmax, 64, 6, 1, 1, true, 1};
  std::mt19937 generator(8);
  const int tokens = 37;
  const auto parts = normal_floats(generator, size_of(tokens, 3 * 64));
  std::vector<float> logits;
  for (int t = 0; t < tokens; ++t) {
    const float* row = parts.data() + size_of(t, 3 * 64);
    for (int e = 0; e < 64; ++e) logits.push_back(row[128 + e] + row[64 + e] + row[e]);
  }
  check_same(route_on_device(router, {}, parts, tokens, 3), route_on_host(router, {}, logits, tokens));
}

TEST_CASE("route_rows: a logit that is not a number raises the flag, and touches no other row", "[gpu]") {
  const RouterArgs router = kModels[2].router;
  std::mt19937 generator(9);
  const int tokens = 9;
  const auto bias = normal_floats(generator, 256, 0.3f);
  auto logits = normal_floats(generator, size_of(tokens, 256));
  const Routing clean = route_on_device(router, bias, logits, tokens);
  CHECK(clean.failed == 0);
  logits[size_of(5, 256) + 77] = NAN;
  const Routing routing = route_on_device(router, bias, logits, tokens);
  CHECK(routing.failed == 1);
  for (std::size_t i = 0; i < clean.slots.size(); ++i) {
    if (i / 8 != 5) {
      CHECK(routing.slots[i] == clean.slots[i]);
      continue;
    }
    CHECK(routing.slots[i] >= 0);
    CHECK(routing.slots[i] < 256);
    if (i % 8 > 0) CHECK(routing.slots[i] > routing.slots[i - 1]);
  }
}

TEST_CASE("route_rows: shapes it can't have are refused, no tokens are no work", "[gpu]") {
  RouteRowsArgs args;
  args.router = kModels[2].router;
  CHECK(route_rows(args, nullptr).has_value());
  args.router.n_routed_experts = 264;
  CHECK_FALSE(route_rows(args, nullptr).has_value());
  args.router = kModels[2].router;
  args.router.num_experts_per_tok = 17;
  CHECK_FALSE(route_rows(args, nullptr).has_value());
  args.router = kModels[2].router;
  args.router.n_group = 7;
  CHECK_FALSE(route_rows(args, nullptr).has_value());
  args.router = kModels[2].router;
  args.n_parts = 4;
  CHECK_FALSE(route_rows(args, nullptr).has_value());
}

#include "kernels/router/combine_rows.cuh"

#include <cmath>
#include <cstring>
#include <numeric>

#include "kernels/device/gpu_test.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

struct Shape {
  int tokens, per_token, hidden;
};

}  // namespace

// The expected values are made with the same float32 operations: one rounding each, slots in order.
TEST_CASE("combine_rows: the weighed outputs in the order of slots, then the shared expert, then the residual",
          "[gpu][invariance]") {
  const auto shape =
      GENERATE(values<Shape>({{1, 8, 7168}, {5, 6, 2048}, {3, 1, 40}, {130, 16, 72}, {33, 8, 4}, {2, 3, 520}}));
  const bool has_shared = GENERATE(false, true);
  std::mt19937 generator(79);
  const auto tokens = static_cast<std::size_t>(shape.tokens), slots = static_cast<std::size_t>(shape.per_token),
             hidden = static_cast<std::size_t>(shape.hidden);
  const auto out = normal_floats(generator, tokens * slots * hidden);
  const auto weights = normal_floats(generator, tokens * slots);
  const auto shared = normal_floats(generator, tokens * hidden), residual = normal_floats(generator, tokens * hidden);
  std::vector<std::int32_t> places(tokens * slots);
  std::iota(places.begin(), places.end(), 0);
  std::shuffle(places.begin(), places.end(), generator);

  std::vector<float> expected = residual;
  for (std::size_t t = 0; t < tokens; ++t) {
    for (std::size_t i = 0; i < hidden; ++i) {
      volatile float sum = 0;  // volatile: no product may be fused into a sum
      for (std::size_t k = 0; k < slots; ++k) {
        const volatile float part =
            weights[t * slots + k] * out[static_cast<std::size_t>(places[t * slots + k]) * hidden + i];
        sum = sum + part;
      }
      if (has_shared) sum = sum + shared[t * hidden + i];
      expected[t * hidden + i] = expected[t * hidden + i] + sum;
    }
  }
  const auto device_out = on_device(out), device_weights = on_device(weights), device_shared = on_device(shared),
             x = on_device(residual);
  const auto device_places = on_device(places);
  must(
      combine_rows({device_out.data(), device_places.data(), device_weights.data(),
                    has_shared ? device_shared.data() : nullptr, shape.tokens, shape.per_token, shape.hidden, x.data()},
                   nullptr));
  CHECK(from_device(x) == expected);
}

TEST_CASE("combine_rows: another rank's slots add nothing, and a part of the sum takes x's place",
          "[gpu][invariance]") {
  constexpr std::size_t kTokens = 9, kSlots = 6, kHidden = 136;
  std::mt19937 generator(80);
  const auto out = normal_floats(generator, kTokens * kSlots * kHidden);
  const auto weights = normal_floats(generator, kTokens * kSlots), shared = normal_floats(generator, kTokens * kHidden);
  std::vector<std::int32_t> places(kTokens * kSlots);
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i % 3 == 1 ? -1 : static_cast<std::int32_t>(i);
  std::vector<float> expected(kTokens * kHidden);
  for (std::size_t t = 0; t < kTokens; ++t) {
    for (std::size_t i = 0; i < kHidden; ++i) {
      volatile float sum = 0;  // volatile: no product may be fused into a sum
      for (std::size_t k = t * kSlots; k < (t + 1) * kSlots; ++k) {
        if (places[k] < 0) continue;
        const volatile float part = weights[k] * out[k * kHidden + i];
        sum = sum + part;
      }
      expected[t * kHidden + i] = sum + shared[t * kHidden + i];
    }
  }
  const auto device_out = on_device(out), device_weights = on_device(weights), device_shared = on_device(shared);
  const auto device_places = on_device(places);
  const auto x = poisoned<float>(kTokens * kHidden);
  must(combine_rows({device_out.data(), device_places.data(), device_weights.data(), device_shared.data(), kTokens,
                     kSlots, kHidden, x.data(), true},
                    nullptr));
  CHECK(from_device(x) == expected);
}

TEST_CASE("combine_rows: shapes it can't have are refused, no tokens are no work", "[gpu]") {
  CombineRowsArgs args;
  args.hidden = 64;
  args.num_experts_per_tok = 8;
  CHECK(combine_rows(args, nullptr).has_value());
  args.num_experts_per_tok = 17;
  CHECK_FALSE(combine_rows(args, nullptr).has_value());
  args.num_experts_per_tok = 8;
  args.hidden = 42;
  CHECK_FALSE(combine_rows(args, nullptr).has_value());
}

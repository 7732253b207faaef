#include "kernels/rope/rope_append.cuh"

#include <cmath>
#include <cstring>

#include "kernels/device/gpu_test.cuh"
#include "kernels/rope/rope.h"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

/// A head normed and rotated by the CPU's functions, in float32.
std::vector<float> head_on_cpu(const float* x, int d, const std::vector<float>* norm, const float* angles) {
  std::vector<float> head(x, x + d);
  if (norm != nullptr) {
    double squares = 0;
    for (const float v : head) squares += static_cast<double>(v) * static_cast<double>(v);
    const double scale = 1 / std::sqrt(squares / d + 1e-6);
    for (int i = 0; i < d; ++i) {
      head[static_cast<std::size_t>(i)] = static_cast<float>(static_cast<double>(x[i]) * scale *
                                                             static_cast<double>((*norm)[static_cast<std::size_t>(i)]));
    }
  }
  rope_rotate_halves(head.data(), angles, d);
  return head;
}

}  // namespace

TEST_CASE("rope_append: rotates as the CPU does and fills the slots it is given, no others", "[gpu]") {
  const int d = GENERATE(64, 128), heads = GENERATE(3, 8), kv_heads = 1 + heads / 4, n_pages = 3;
  const bool with_norm = GENERATE(false, true);
  const std::vector<int> positions{0, 1, 517, 70}, slots{130, 63, 64, 5};
  const int tokens = 4, width = (heads + 2 * kv_heads) * d;
  std::mt19937 generator(71);
  const auto qkv = normal_floats(generator, static_cast<std::size_t>(tokens * width));
  const auto q_norm = normal_floats(generator, static_cast<std::size_t>(d));
  const auto k_norm = normal_floats(generator, static_cast<std::size_t>(d));
  RopeTable table(rope_frequencies(d, 5e5, {}), 1);
  table.extend(600);
  const std::vector<float> angles(table.row(0), table.row(0) + 600 * d);

  const auto device_qkv = on_device(qkv), device_q_norm = on_device(q_norm), device_k_norm = on_device(k_norm),
             device_angles = on_device(angles);
  const auto device_positions = on_device(positions), device_slots = on_device(slots);
  const auto q = poisoned<Bf16>(static_cast<std::size_t>(tokens * heads * d));
  const std::size_t cache_size = static_cast<std::size_t>(n_pages * kv_heads * 2 * 64 * d);
  const auto cache = poisoned<Bf16>(cache_size);
  must(rope_append({device_qkv.data(), tokens, heads, kv_heads, d, with_norm ? device_q_norm.data() : nullptr,
                    with_norm ? device_k_norm.data() : nullptr, 1e-6f, device_angles.data(), device_positions.data(),
                    device_slots.data(), q.data(), cache.data()},
                   nullptr));
  const auto q_out = from_device(q), cached = from_device(cache);

  // With a norm the float32 steps differ from float64's by a few units in the last place, which may move a rounding.
  const double tolerance = with_norm ? 0x1p-8 : 0;
  std::vector<bool> written(cache_size, false);
  double worst = 0;
  const auto compare = [&](const Bf16* got, const std::vector<float>& expected) {
    for (int i = 0; i < d; ++i) {
      const float want = as_float(__float2bfloat16(expected[static_cast<std::size_t>(i)]));
      worst = std::max(worst, std::abs(static_cast<double>(as_float(got[i]) - want)) /
                                  std::max(std::abs(static_cast<double>(want)), 1e-3));
    }
  };
  for (int t = 0; t < tokens; ++t) {
    const auto token = static_cast<std::size_t>(t);
    const float* row = qkv.data() + t * width;
    for (int h = 0; h < heads; ++h) {
      compare(q_out.data() + (t * heads + h) * d,
              head_on_cpu(row + h * d, d, with_norm ? &q_norm : nullptr, table.row(positions[token])));
    }
    for (int h = 0; h < kv_heads; ++h) {
      const auto at = static_cast<std::size_t>(((slots[token] / 64 * kv_heads + h) * 2 * 64 + slots[token] % 64) * d);
      const auto value_at = at + static_cast<std::size_t>(64 * d);
      compare(cached.data() + at,
              head_on_cpu(row + (heads + h) * d, d, with_norm ? &k_norm : nullptr, table.row(positions[token])));
      const float* value = row + (heads + kv_heads + h) * d;
      compare(cached.data() + value_at, std::vector<float>(value, value + d));
      std::fill_n(written.begin() + static_cast<std::ptrdiff_t>(at), d, true);
      std::fill_n(written.begin() + static_cast<std::ptrdiff_t>(value_at), d, true);
    }
  }
  CHECK(worst <= tolerance);
  bool rest_untouched = true;
  for (std::size_t i = 0; i < cache_size; ++i) {
    rest_untouched = rest_untouched && (written[i] || std::isnan(as_float(cached[i])));
  }
  CHECK(rest_untouched);
}

TEST_CASE("rope_append: a head it can't have is refused, no tokens are no work", "[gpu]") {
  RopeAppendArgs args;
  args.tokens = 1;
  args.heads = args.kv_heads = 1;
  args.head_dim = 96;
  CHECK_FALSE(rope_append(args, nullptr).has_value());
  args.head_dim = 64;
  args.tokens = 0;
  CHECK(rope_append(args, nullptr).has_value());
}

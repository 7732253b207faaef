#include "kernels/rope/mla_append.cuh"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/device/gpu_test.cuh"
#include "kernels/rope/rope.h"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

constexpr int kPages = 3;

/// Random rows of a layer's products, wider than needed; what no kernel may read is NaN.
struct Problem {
  int heads, n_latent;
  std::vector<int> positions{0, 1, 517, 70, 599}, slots{130, 63, 64, 5, 191};
  int tokens = 5;
  std::int64_t q_stride, kv_stride = kMlaRow + 12;
  std::vector<float> q, kv, norm, angles;
  RopeTable table{rope_frequencies(kMlaRope, 1e4, {}), 1};

  Problem(int n_heads, int latents) : heads(n_heads), n_latent(latents), q_stride(n_heads * kMlaHead + 4) {
    std::mt19937 generator(73);
    q = normal_floats(generator, static_cast<std::size_t>(tokens * q_stride));
    kv = normal_floats(generator, static_cast<std::size_t>(tokens * kv_stride), 3);
    norm = normal_floats(generator, static_cast<std::size_t>(n_latent));
    for (int t = 0; t < tokens; ++t) {
      for (int i = n_latent; i < kMlaLatent; ++i) kv[static_cast<std::size_t>(t * kv_stride + i)] = NAN;
    }
    table.extend(600);
    angles.assign(table.row(0), table.row(0) + 600 * kMlaRope);
  }

  struct Result {
    std::vector<Bf16> cache, q_head, q_nope, q_latent;
  };
  Result run(bool prompt, int first, int count) const {
    const auto device_q = on_device(q), device_kv = on_device(kv), device_norm = on_device(norm),
               device_angles = on_device(angles);
    const auto device_positions = on_device(positions), device_slots = on_device(slots);
    const auto cache = poisoned<Bf16>(kPages * 64 * kMlaRow);
    const auto rows = static_cast<std::size_t>(count * heads);
    const auto q_head = poisoned<Bf16>(rows * kMlaHead), q_nope = poisoned<Bf16>(rows * kMlaNope),
               q_latent = poisoned<Bf16>(rows * kMlaRow);
    MlaAppendArgs a;
    a.q = device_q.data() + first * q_stride;
    a.q_stride = q_stride;
    a.kv = device_kv.data() + first * kv_stride;
    a.kv_stride = kv_stride;
    a.tokens = count;
    a.heads = heads;
    a.n_latent = n_latent;
    a.norm = device_norm.data();
    a.eps = 1e-6f;
    a.rope = device_angles.data();
    a.positions = device_positions.data() + first;
    a.slots = device_slots.data() + first;
    a.cache = cache.data();
    a.q_head = prompt ? q_head.data() : nullptr;
    a.q_nope = prompt ? nullptr : q_nope.data();
    a.q_latent = prompt ? nullptr : q_latent.data();
    must(mla_append(a, nullptr));
    return {from_device(cache), from_device(q_head), from_device(q_nope), from_device(q_latent)};
  }

  /// A rotated part as the CPU has it, rounded.
  std::vector<Bf16> rotated(const float* x, int token) const {
    std::vector<float> pairs(x, x + kMlaRope);
    rope_rotate_interleaved(pairs.data(), table.row(positions[static_cast<std::size_t>(token)]), kMlaRope);
    return to_bf16(pairs);
  }
};

bool is_nan(const Bf16& v) { return std::isnan(as_float(v)); }

}  // namespace

TEST_CASE("mla_append: normed latents and rotated keys fill the slots they are given, no others", "[gpu]") {
  const int n_latent = GENERATE(4, 32, 260, 512);
  const Problem problem(3, n_latent);
  const auto out = problem.run(true, 0, problem.tokens);
  std::vector<double> expected;
  std::vector<Bf16> got;
  bool rotated_alike = true, padded = true;
  std::vector<bool> written(out.cache.size(), false);
  for (int t = 0; t < problem.tokens; ++t) {
    const float* kv = problem.kv.data() + t * problem.kv_stride;
    const Bf16* row = out.cache.data() + problem.slots[static_cast<std::size_t>(t)] * kMlaRow;
    double squares = 0;
    for (int i = 0; i < n_latent; ++i) squares += static_cast<double>(kv[i]) * static_cast<double>(kv[i]);
    const double scale = 1 / std::sqrt(squares / n_latent + 1e-6);
    for (int i = 0; i < n_latent; ++i) {
      expected.push_back(static_cast<double>(kv[i]) * scale *
                         static_cast<double>(problem.norm[static_cast<std::size_t>(i)]));
      got.push_back(row[i]);
    }
    for (int i = n_latent; i < kMlaLatent; ++i) padded = padded && as_float(row[i]) == 0;
    const auto key = problem.rotated(kv + kMlaLatent, t);
    rotated_alike = rotated_alike && same_bits(row + kMlaLatent, key.data(), kMlaRope);
    std::fill_n(written.begin() + problem.slots[static_cast<std::size_t>(t)] * kMlaRow, kMlaRow, true);
  }
  const std::vector<float> plain(expected.begin(), expected.end());
  CHECK(relative_error_of(got, expected) <= 1.5 * relative_error_of(to_bf16(plain), expected));
  CHECK(rotated_alike);
  CHECK(padded);
  bool rest_untouched = true;
  for (std::size_t i = 0; i < written.size(); ++i)
    rest_untouched = rest_untouched && (written[i] || is_nan(out.cache[i]));
  CHECK(rest_untouched);
}

TEST_CASE("mla_append: queries go where their role wants them", "[gpu]") {
  const int heads = GENERATE(1, 2, 16, 128);
  const Problem problem(heads, 512);
  const auto prompt = problem.run(true, 0, problem.tokens), generated = problem.run(false, 0, problem.tokens);
  bool head_alike = true, nope_alike = true, latent_alike = true, latent_untouched = true;
  for (int t = 0; t < problem.tokens; ++t) {
    for (int h = 0; h < heads; ++h) {
      const float* q = problem.q.data() + t * problem.q_stride + h * kMlaHead;
      const auto nope = to_bf16(std::vector<float>(q, q + kMlaNope));
      const auto rope = problem.rotated(q + kMlaNope, t);
      const Bf16* head = prompt.q_head.data() + (t * heads + h) * kMlaHead;
      head_alike =
          head_alike && same_bits(head, nope.data(), kMlaNope) && same_bits(head + kMlaNope, rope.data(), kMlaRope);
      nope_alike = nope_alike && same_bits(generated.q_nope.data() + (t * heads + h) * kMlaNope, nope.data(), kMlaNope);
      const Bf16* latent = generated.q_latent.data() + (t * heads + h) * kMlaRow;
      latent_alike = latent_alike && same_bits(latent + kMlaLatent, rope.data(), kMlaRope);
      latent_untouched = latent_untouched && std::all_of(latent, latent + kMlaLatent, is_nan);
    }
  }
  CHECK(head_alike);
  CHECK(nope_alike);
  CHECK(latent_alike);
  CHECK(latent_untouched);
  CHECK(same_bits(prompt.cache.data(), generated.cache.data(), prompt.cache.size()));
}

TEST_CASE("mla_append: the same bits for a token alone", "[gpu][invariance]") {
  const Problem problem(5, 260);
  const auto together = problem.run(true, 0, problem.tokens);
  for (int t = 0; t < problem.tokens; ++t) {
    const auto alone = problem.run(true, t, 1);
    const int row = problem.slots[static_cast<std::size_t>(t)] * kMlaRow;
    CHECK(same_bits(alone.cache.data() + row, together.cache.data() + row, kMlaRow));
    CHECK(same_bits(alone.q_head.data(), together.q_head.data() + t * 5 * kMlaHead, 5 * kMlaHead));
  }
}

TEST_CASE("mla_append: what it can't have is refused, no tokens are no work", "[gpu]") {
  Bf16 q{};
  MlaAppendArgs args;
  args.heads = 2;
  args.q_stride = 2 * kMlaHead;
  args.kv_stride = kMlaRow;
  args.q_head = &q;
  CHECK(mla_append(args, nullptr).has_value());
  args.tokens = 1;
  args.n_latent = 516;
  CHECK_FALSE(mla_append(args, nullptr).has_value());
  args.n_latent = 512;
  args.q_stride = kMlaHead;
  CHECK_FALSE(mla_append(args, nullptr).has_value());
  args.q_stride = 2 * kMlaHead;
  args.q_nope = args.q_latent = &q;
  CHECK_FALSE(mla_append(args, nullptr).has_value());
  args.q_head = args.q_nope = nullptr;
  CHECK_FALSE(mla_append(args, nullptr).has_value());
}

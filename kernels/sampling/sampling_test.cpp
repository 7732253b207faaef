#include "kernels/sampling/sampling.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/support/simd_levels.h"

using namespace assay;
using namespace assay::kernels;
using Catch::Matchers::WithinAbs;

namespace {
// Asked for once: asking the processor takes longer than drawing a token, on a virtual machine by far.
const CpuOps& ops() {
  static const CpuOps& best = cpu_ops(best_simd_level());
  return best;
}

Result<std::int32_t> draw(std::span<const float> logits, const SamplingArgs& args, const NoiseKey& key,
                          std::uint32_t position, const CpuOps& with = ops()) {
  std::vector<float> scratch(sampling_scratch_floats(logits.size()), NAN);
  return sample_token(with, logits, args, key, position, scratch.data());
}

/// The contract's words, step by step on pairs of logit and id; sums of integers are in ascending order.
std::vector<std::int32_t> survivors_by_contract(std::span<const float> logits, const SamplingArgs& args) {
  struct Token {
    std::int32_t id;
    float logit, weight;
  };
  std::vector<Token> tokens;
  const auto t = static_cast<float>(args.temperature);
  const float top = *std::max_element(logits.begin(), logits.end()) / t;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    float weight = logits[i] / t - top;
    ops().exp_row(&weight, 1, &weight);
    if (weight > 0) tokens.push_back({static_cast<std::int32_t>(i), logits[i], weight});
  }
  std::sort(tokens.begin(), tokens.end(), [](const Token& a, const Token& b) { return a.logit > b.logit; });
  if (args.top_k > 0 && static_cast<std::size_t>(args.top_k) < tokens.size()) {
    const float kth = tokens[static_cast<std::size_t>(args.top_k - 1)].logit;
    std::erase_if(tokens, [&](const Token& token) { return token.logit < kth; });
  }
  std::sort(tokens.begin(), tokens.end(), [](const Token& a, const Token& b) {
    return a.weight < b.weight || (a.weight == b.weight && a.id > b.id);
  });
  if (args.top_p < 1) {
    const auto integer = [](const Token& token) {
      return static_cast<std::uint64_t>(std::floor(std::ldexp(static_cast<double>(token.weight), 40)));
    };
    std::uint64_t total = 0, tail = 0;
    for (const Token& token : tokens) total += integer(token);
    std::size_t n = 0;
    while (n + 1 < tokens.size()) {
      tail += integer(tokens[n]);
      if (static_cast<double>(tail) > (1 - args.top_p) * static_cast<double>(total)) break;
      ++n;
    }
    tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(n));
  }
  std::erase_if(tokens, [&](const Token& token) { return static_cast<double>(token.weight) < args.min_p; });
  std::vector<std::int32_t> ids;
  for (const Token& token : tokens) ids.push_back(token.id);
  std::sort(ids.begin(), ids.end());
  return ids;
}
}  // namespace

// Random123's tests/kat_vectors.
TEST_CASE("philox: known answers", "[kernels]") {
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == PhiloxWords{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint32_t f = 0xffffffff;
  CHECK(philox({f, f, f, f}, {f, f}) == PhiloxWords{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        PhiloxWords{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
  CHECK(philox({0, 0, 0, 0}, {0, 0}, 7) == PhiloxWords{0x5f6fb709, 0x0d893f64, 0x4f121f81, 0x4f730a48});
}

// spec/sampling.md section 2: seed 1234, sample word 7.
TEST_CASE("gumbel_noise: the worked example", "[kernels]") {
  const NoiseKey key{1234, 7};
  const auto [position, id, g] = GENERATE(table<int, int, double>({{0, 0, 3.369346},
                                                                   {0, 1, 0.773338},
                                                                   {0, 5, 0.161630},
                                                                   {1, 0, 0.347063},
                                                                   {1, 1, -1.303890},
                                                                   {1, 5, -1.204976},
                                                                   {2, 0, -0.258023},
                                                                   {2, 1, -0.006938},
                                                                   {2, 5, 0.998094}}));
  CHECK_THAT(
      static_cast<double>(gumbel_noise(key, static_cast<std::uint32_t>(position), static_cast<std::uint32_t>(id))),
      WithinAbs(g, 1e-6));
}

// spec/sampling.md section 5; the repetition penalty of that example is applied by hand here.
TEST_CASE("sample_token: the worked example, steps and draws", "[kernels]") {
  const std::vector<float> logits{2.0f, 1.0f, 0.454545f, 0.5f, -1.0f, 2.727273f};
  CHECK(surviving_tokens(ops(), logits, {0.6, 1, 4, 0}) == std::vector<std::int32_t>{0, 1, 3, 5});
  CHECK(surviving_tokens(ops(), logits, {0.6, 0.95, 4, 0}) == std::vector<std::int32_t>{0, 1, 5});
  const SamplingArgs all{0.6, 0.95, 4, 0.05};
  CHECK(surviving_tokens(ops(), logits, all) == std::vector<std::int32_t>{0, 1, 5});
  const NoiseKey key{1234, 7};
  CHECK(*draw(logits, all, key, 0) == 0);
  CHECK(*draw(logits, all, key, 1) == 0);
  CHECK(*draw(logits, all, key, 2) == 5);
}

TEST_CASE("sample_token: ties and limits", "[kernels]") {
  CHECK(surviving_tokens(ops(), std::vector<float>{1, 1, 1, 0}, {1, 1, 2, 0}) == std::vector<std::int32_t>{0, 1, 2});
  // A cut inside a group of equals removes the higher ids: 4 x 0.25, a tail of at most 0.4 goes, one token.
  CHECK(surviving_tokens(ops(), std::vector<float>{3, 3, 3, 3}, {1, 0.6, 0, 0}) == std::vector<std::int32_t>{0, 1, 2});
  CHECK(surviving_tokens(ops(), std::vector<float>{5, 0}, {1, 1e-9, 0, 0}) == std::vector<std::int32_t>{0});
  CHECK(*draw(std::vector<float>{1, 7, 7}, {0, 1, 0, 0}, {}, 0) == 1);
  CHECK_FALSE(draw(std::vector<float>{1, NAN}, {0, 1, 0, 0}, {}, 0));
  CHECK_FALSE(draw(std::vector<float>{-INFINITY, -INFINITY}, {1, 1, 0, 0}, {}, 0));
}

// A chi-square test against softmax at alpha 1e-6 (4 degrees of freedom: 33.38), 200,000 draws.
TEST_CASE("sample_token: draws follow softmax of the logits", "[kernels]") {
  const std::vector<float> logits{0.3f, -1.0f, 1.2f, 0.0f, 0.7f};
  std::map<int, int> counts;
  const int n = 200000;
  for (int i = 0; i < n; ++i) ++counts[*draw(logits, {1, 1, 0, 0}, {77, 3}, static_cast<std::uint32_t>(i))];
  double total = 0, chi_square = 0;
  for (const float l : logits) total += std::exp(static_cast<double>(l));
  for (int i = 0; i < 5; ++i) {
    const double expected = n * std::exp(static_cast<double>(logits[static_cast<std::size_t>(i)])) / total;
    chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  CHECK(chi_square < 33.38);
}

TEST_CASE("sample_token: what survives and what is drawn is what the contract's words say", "[kernels][invariance]") {
  static const std::vector<SimdLevel> levels = tests::available_levels();
  const int n = GENERATE(1, 3, 17, 1000, 49155);
  const float spread = GENERATE(0.0f, 1.0f, 8.0f, 40.0f);
  std::mt19937 generator(static_cast<unsigned>(n));
  auto logits = tests::normal_floats(generator, static_cast<std::size_t>(n));
  for (float& l : logits) l = std::round(l * spread * 16) / 16;  // many equals
  if (n > 10) logits[7] = -INFINITY;
  for (const SamplingArgs& args :
       {SamplingArgs{1, 1, 0, 0}, SamplingArgs{0.6, 0.95, 0, 0}, SamplingArgs{0.6, 0.95, 20, 0},
        SamplingArgs{1.3, 0.5, 0, 0.01}, SamplingArgs{0.01, 0.999, 0, 0}, SamplingArgs{1, 0, 0, 0},
        SamplingArgs{2, 1, 3, 0.5}}) {
    const auto survivors = survivors_by_contract(logits, args);
    REQUIRE(surviving_tokens(ops(), logits, args) == survivors);
    for (std::uint32_t position = 0; position < 20; ++position) {
      const NoiseKey key{position * 7919u, static_cast<std::uint32_t>(n)};
      std::int32_t best = -1;
      float best_score = 0;
      for (const std::int32_t id : survivors) {
        const float score = logits[static_cast<std::size_t>(id)] / static_cast<float>(args.temperature) +
                            gumbel_noise(key, position, static_cast<std::uint32_t>(id));
        if (best >= 0 && score <= best_score) continue;
        best = id;
        best_score = score;
      }
      for (const SimdLevel level : levels) {
        REQUIRE(*draw(logits, args, key, position, cpu_ops(level)) == best);
      }
    }
  }
}

TEST_CASE("largest: of any number of floats, not a number if one isn't", "[kernels]") {
  const SimdLevel level = GENERATE(from_range(tests::available_levels()));
  const int n = GENERATE(0, 1, 15, 16, 17, 100);
  std::mt19937 generator(9);
  auto x = tests::normal_floats(generator, static_cast<std::size_t>(n));
  for (float& value : x) value -= 10;
  const float expected = n == 0 ? -INFINITY : *std::max_element(x.begin(), x.end());
  CHECK(cpu_ops(level).largest(x.data(), n) == expected);
  for (int i = 0; i < n; ++i) {
    auto broken = x;
    broken[static_cast<std::size_t>(i)] = NAN;
    CHECK(std::isnan(cpu_ops(level).largest(broken.data(), n)));
  }
}

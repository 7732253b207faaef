#include "kernels/sampling/sampling.h"

#include <cmath>
#include <map>

#include "tests/support/catch.h"

using namespace assay::kernels;
using Catch::Matchers::WithinAbs;

namespace {
const CpuOps& ops() { return cpu_ops(best_simd_level()); }
std::vector<int> ids(const std::vector<std::pair<std::int32_t, float>>& tokens) {
  std::vector<int> out;
  for (const auto& [id, logit] : tokens) out.push_back(id);
  return out;
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
  CHECK(ids(surviving_tokens(ops(), logits, {0.6, 1, 4, 0})) == std::vector<int>{0, 1, 3, 5});
  CHECK(ids(surviving_tokens(ops(), logits, {0.6, 0.95, 4, 0})) == std::vector<int>{0, 1, 5});
  const SamplingArgs all{0.6, 0.95, 4, 0.05};
  CHECK(ids(surviving_tokens(ops(), logits, all)) == std::vector<int>{0, 1, 5});
  const NoiseKey key{1234, 7};
  CHECK(*sample_token(ops(), logits, all, key, 0) == 0);
  CHECK(*sample_token(ops(), logits, all, key, 1) == 0);
  CHECK(*sample_token(ops(), logits, all, key, 2) == 5);
}

TEST_CASE("sample_token: ties and limits", "[kernels]") {
  CHECK(ids(surviving_tokens(ops(), std::vector<float>{1, 1, 1, 0}, {1, 1, 2, 0})) == std::vector<int>{0, 1, 2});
  // A cut inside a group of equals removes the higher ids: 4 x 0.25, a tail of at most 0.4 goes, one token.
  CHECK(ids(surviving_tokens(ops(), std::vector<float>{3, 3, 3, 3}, {1, 0.6, 0, 0})) == std::vector<int>{0, 1, 2});
  CHECK(ids(surviving_tokens(ops(), std::vector<float>{5, 0}, {1, 1e-9, 0, 0})) == std::vector<int>{0});
  CHECK(*sample_token(ops(), std::vector<float>{1, 7, 7}, {0, 1, 0, 0}, {}, 0) == 1);
  CHECK_FALSE(sample_token(ops(), std::vector<float>{1, NAN}, {0, 1, 0, 0}, {}, 0));
  CHECK_FALSE(sample_token(ops(), std::vector<float>{-INFINITY, -INFINITY}, {1, 1, 0, 0}, {}, 0));
}

// A chi-square test against softmax at alpha 1e-6 (4 degrees of freedom: 33.38), 200,000 draws.
TEST_CASE("sample_token: draws follow softmax of the logits", "[kernels]") {
  const std::vector<float> logits{0.3f, -1.0f, 1.2f, 0.0f, 0.7f};
  std::map<int, int> counts;
  const int n = 200000;
  for (int i = 0; i < n; ++i)
    ++counts[*sample_token(ops(), logits, {1, 1, 0, 0}, {77, 3}, static_cast<std::uint32_t>(i))];
  double total = 0, chi_square = 0;
  for (const float l : logits) total += std::exp(static_cast<double>(l));
  for (int i = 0; i < 5; ++i) {
    const double expected = n * std::exp(static_cast<double>(logits[static_cast<std::size_t>(i)])) / total;
    chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  CHECK(chi_square < 33.38);
}

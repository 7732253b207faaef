#pragma once
// The noise of sampled tokens: Gumbel numbers from Philox words, the same bits on any machine.

#include <bit>
#include <cstdint>

#include "harness/base/philox.h"

namespace assay::kernels {

/// What a token's noise is keyed by.
struct NoiseKey {
  std::uint64_t seed = 0;
  std::uint32_t sample_word = 0;  ///< c3: identifies suite, item and sample
};

/// The words of tokens id & ~3 to id | 3 at `position`: philox({position, id >> 2, 0, sample_word}, seed).
constexpr PhiloxWords gumbel_words(const NoiseKey& key, std::uint32_t position, std::uint32_t id) {
  return philox({position, id >> 2, 0, key.sample_word},
                {static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32)});
}

/// The uniform number of a word, ((word >> 9) + 0.5)·2^-23: above 0 and below 1, and exact.
constexpr double gumbel_uniform(std::uint32_t word) { return ((word >> 9) + 0.5) * 0x1p-23; }

/// ln x for positive normal x, within a few units of 2^-50: x = m·2^e with m in [sqrt(1/2), sqrt(2)), then
/// ln m = 2·(s + s³/3 + s⁵/5 + …), s = (m - 1) / (m + 1), |s| <= 0.172.
constexpr double natural_log(double x) {
  constexpr double kLn2 = 0.693147180559945309417;
  constexpr std::uint64_t kMantissa = 0x000FFFFFFFFFFFFFull, kOne = 0x3FF0000000000000ull;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  auto exponent = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & kMantissa) | kOne);
  if (m > 1.41421356237309505) {
    m *= 0.5;
    ++exponent;
  }
  const double s = (m - 1) / (m + 1), s2 = s * s;
  double series = 0;
  for (int k = 19; k >= 1; k -= 2) series = series * s2 + 1.0 / k;
  return exponent * kLn2 + 2 * s * series;
}

/// Standard Gumbel noise -ln(-ln u) of token `id` at `position`, u from word (id & 3) of its words: -2.8 to 16.7.
/// Float64 arithmetic without library functions, rounded to float32 once, so every machine, CPU or GPU, computes the
/// same bits.
constexpr float gumbel_noise(const NoiseKey& key, std::uint32_t position, std::uint32_t id) {
  const double u = gumbel_uniform(gumbel_words(key, position, id)[id & 3]);
  return static_cast<float>(-natural_log(-natural_log(u)));
}

}  // namespace assay::kernels

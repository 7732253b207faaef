#include "kernels/sampling/philox.h"

#include <bit>

namespace assay::kernels {

namespace {

/// ln x for positive normal x, within a few units of 2^-50: x = m·2^e with m in [sqrt(1/2), sqrt(2)), then
/// ln m = 2·(s + s³/3 + s⁵/5 + …), s = (m - 1) / (m + 1), |s| <= 0.172.
double natural_log(double x) {
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

}  // namespace

PhiloxWords gumbel_words(const NoiseKey& key, std::uint32_t position, std::uint32_t id) {
  return philox({position, id >> 2, 0, key.sample_word},
                {static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32)});
}

float gumbel_noise(const NoiseKey& key, std::uint32_t position, std::uint32_t id) {
  const double u = gumbel_uniform(gumbel_words(key, position, id)[id & 3]);
  return static_cast<float>(-natural_log(-natural_log(u)));
}

}  // namespace assay::kernels

#pragma once
// E4M3 on the host for tests, from its definition: a sign, four bits of exponent (bias 7), three of mantissa; no
// infinities, 0x7F and 0xFF are NaN.

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/device/gpu_test.cuh"

namespace assay::tests {

inline double from_e4m3(std::uint8_t byte) {
  const int exponent = byte >> 3 & 15, mantissa = byte & 7;
  if (exponent == 15 && mantissa == 7) return NAN;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
  return (byte & 0x80) != 0 ? -magnitude : magnitude;
}

/// The nearest byte, the even one of two equally near, at most ±448: all 127 magnitudes are tried.
inline std::uint8_t to_e4m3(double value) {
  int best = 0;
  for (int byte = 1; byte < 0x7F; ++byte) {
    const double old = std::abs(from_e4m3(static_cast<std::uint8_t>(best)) - std::abs(value)),
                 now = std::abs(from_e4m3(static_cast<std::uint8_t>(byte)) - std::abs(value));
    if (now < old || (now == old && byte % 2 == 0)) best = byte;
  }
  return static_cast<std::uint8_t>(best | (std::signbit(value) ? 0x80 : 0));
}

/// Bytes of all magnitudes that small weights and activations have; never NaN.
inline std::vector<std::uint8_t> random_e4m3(std::mt19937& generator, std::size_t n) {
  std::vector<std::uint8_t> bytes(n);
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(generator() % 0x7F | (generator() % 2 << 7));
  }
  return bytes;
}

}  // namespace assay::tests

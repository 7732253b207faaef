#include <cmath>
#include <cstring>

#include "harness/base/assert.h"
#include "kernels/matmul/matmul.h"

namespace assay::kernels {

namespace {

float half_to_float(std::uint16_t h) {
  const int exponent = (h >> 10) & 31, mantissa = h & 1023;
  const float sign = (h & 0x8000) != 0 ? -1.0f : 1.0f;
  if (exponent == 31) return mantissa == 0 ? sign * INFINITY : NAN;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -24);
  return sign * std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
}

/// E4M3 ("fn"): exponent bias 7, no infinities, 0x7F and 0xFF are NaN.
float e4m3_to_float(std::uint8_t b) {
  const int exponent = (b >> 3) & 15, mantissa = b & 7;
  const float sign = (b & 0x80) != 0 ? -1.0f : 1.0f;
  if (exponent == 15 && mantissa == 7) return NAN;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -9);
  return sign * std::ldexp(static_cast<float>(8 + mantissa), exponent - 10);
}

}  // namespace

float weight_at(const WeightMatrix& w, int n, int k) {
  const std::size_t at = static_cast<std::size_t>(n) * static_cast<std::size_t>(w.n_in) + static_cast<std::size_t>(k);
  // Files don't promise alignment: copy the element out.
  const auto element = [&](auto& value) {
    std::memcpy(&value, static_cast<const char*>(w.data) + at * sizeof value, sizeof value);
    return value;
  };
  switch (w.type) {
    case WeightType::f32: {
      float value;
      return element(value);
    }
    case WeightType::f16: {
      std::uint16_t value;
      return half_to_float(element(value));
    }
    case WeightType::bf16: {
      std::uint16_t value;
      const std::uint32_t bits = static_cast<std::uint32_t>(element(value)) << 16;
      float wide;
      std::memcpy(&wide, &bits, sizeof wide);
      return wide;
    }
    case WeightType::f8_e4m3: {
      std::uint8_t value;
      const int scale_stride = (w.n_in + kScaleBlock - 1) / kScaleBlock;
      return e4m3_to_float(element(value)) * w.block_scales[n / kScaleBlock * scale_stride + k / kScaleBlock];
    }
  }
  ASSAY_ASSERT(false, "every weight type is handled above");
}

void matmul_ref(const MatmulArgs& a) {
  for (int m = 0; m < a.m_rows; ++m) {
    for (int n = 0; n < a.w.n_out; ++n) {
      double sum = 0;
      for (int k = 0; k < a.w.n_in; ++k) {
        sum += static_cast<double>(a.x[m * a.x_stride + k]) * static_cast<double>(weight_at(a.w, n, k));
      }
      a.y[m * a.y_stride + n] = static_cast<float>(sum);
    }
  }
}

}  // namespace assay::kernels

#include <cmath>
#include <cstring>

#include "kernels/matmul/matmul.h"
#include "kernels/quantized/quantized.h"

namespace assay::kernels {

namespace {

/// E4M3 ("fn"): exponent bias 7, no infinities, 0x7F and 0xFF are NaN.
float e4m3_to_float(std::uint8_t b) {
  const int exponent = (b >> 3) & 15, mantissa = b & 7;
  const float sign = (b & 0x80) != 0 ? -1.0f : 1.0f;
  if (exponent == 15 && mantissa == 7) return NAN;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -9);
  return sign * std::ldexp(static_cast<float>(8 + mantissa), exponent - 10);
}

}  // namespace

float widen_half(std::uint16_t half) {
  const int exponent = (half >> 10) & 31, mantissa = half & 1023;
  const float sign = (half & 0x8000) != 0 ? -1.0f : 1.0f;
  if (exponent == 31) return mantissa == 0 ? sign * INFINITY : NAN;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -24);
  return sign * std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
}

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
      return widen_half(element(value));
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
    default:
      return quantized_weight_at(w, n, k);
  }
}

void weight_row(const WeightMatrix& w, int n, float* to) {
  for (int k = 0; k < w.n_in; ++k) to[k] = weight_at(w, n, k);
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

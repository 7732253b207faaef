#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/quantized/quantized.h"

namespace assay::kernels {

namespace {

/// A row of x after quantisation, as numbers again.
std::vector<double> quantized_row(const float* x, int n_in) {
  std::vector<double> row(static_cast<std::size_t>(n_in), 0.0);
  for (int first = 0; first < n_in; first += kQuantBlock) {
    float amax = 0;
    bool finite = true;
    for (int k = first; k < first + kQuantBlock; ++k) {
      finite = finite && std::isfinite(x[k]);
      amax = std::fmax(amax, std::fabs(x[k]));
    }
    if (finite && amax < 0x1p-100f) continue;
    const float d = amax / 127.0f, inverse = 127.0f / amax, e = d / 254.0f, finer = 254.0f * inverse;
    for (int k = first; k < first + kQuantBlock; ++k) {
      // The product of two floats is exact in float64, so that it is rounded once, half to even.
      const double q = std::nearbyint(static_cast<double>(x[k]) * static_cast<double>(inverse));
      const float rest = std::fma(-d, static_cast<float>(q), x[k]);
      const double r = std::nearbyint(static_cast<double>(rest) * static_cast<double>(finer));
      row[static_cast<std::size_t>(k)] =
          finite ? q * static_cast<double>(d) + r * static_cast<double>(e) : static_cast<double>(NAN);
    }
  }
  return row;
}

float half_at(const std::uint8_t* p, int i) {
  std::uint16_t half;
  std::memcpy(&half, p + 2 * i, sizeof half);
  return widen_half(half);
}

/// The unsigned integer of byte `at` of group `group` in the integers of a block.
int stored_integer(int bits, const std::uint8_t* block, int group, int at) {
  const auto byte = [&](int vector) { return static_cast<int>(block[vector * kGroupBytes + at]); };
  if (bits == 8) return byte(group);
  const int nibble = (byte(group % 4) >> (group < 4 ? 0 : 4)) & 15;
  if (bits == 5) return nibble | ((byte(4) >> group) & 1) << 4;
  if (bits == 6) return nibble | ((byte(4 + group / 4) >> (2 * (group % 4))) & 3) << 4;
  return nibble;
}

}  // namespace

float quantized_weight_at(const WeightMatrix& w, int n, int k) {
  const QuantizedForm form = quantized_form(w.type);
  const std::uint8_t* panel = static_cast<const std::uint8_t*>(w.data) +
                              static_cast<std::size_t>(n / kQuantPanelRows) * panel_bytes(w.type, w.n_in);
  const int row = n % kQuantPanelRows, block = k / kQuantBlock, in_block = k % kQuantBlock;
  const std::uint8_t* integers =
      panel + panel_scale_bytes(w.type, w.n_in) + static_cast<std::ptrdiff_t>(block) * form.bits * kGroupBytes;
  const int u = stored_integer(form.bits, integers, in_block / 4, 4 * row + in_block % 4);
  const auto value = static_cast<float>(u - form.offset);

  const std::uint8_t* scales = panel + static_cast<std::size_t>(k / form.file_inputs) * scale_bytes(form.scales);
  const int sub_block = block % (kSuperBlock / kQuantBlock);
  switch (form.scales) {
    case ScaleForm::plain:
      return value * half_at(scales, row);
    case ScaleForm::with_addend:
      return std::fma(value, half_at(scales, row), half_at(scales + 32, row));
    case ScaleForm::super_with_addend: {
      const std::uint8_t* bytes = scales + 64 + 32 * sub_block;
      const float scale = half_at(scales, row) * static_cast<float>(bytes[row]);
      return std::fma(value, scale, -half_at(scales + 32, row) * static_cast<float>(bytes[16 + row]));
    }
    case ScaleForm::super_of_sixteen: {
      const std::uint8_t* bytes = scales + 32 + 32 * sub_block + (in_block < 16 ? 0 : 16);
      return value * (half_at(scales, row) * static_cast<float>(static_cast<std::int8_t>(bytes[row])));
    }
  }
  return 0;
}

void quantized_matmul_ref(const MatmulArgs& a) {
  std::vector<float> rounded(static_cast<std::size_t>(a.w.n_in));
  for (int m = 0; m < a.m_rows; ++m) {
    const std::vector<double> x = quantized_row(a.x + m * a.x_stride, a.w.n_in);
    for (int n = 0; n < a.w.n_out; ++n) {
      double sum = 0;
      weight_row(a.w, n, rounded.data());
      for (std::size_t k = 0; k < x.size(); ++k) sum += x[k] * static_cast<double>(rounded[k]);
      a.y[m * a.y_stride + n] = static_cast<float>(sum);
    }
  }
}

}  // namespace assay::kernels

// The matrix product in lanes. Included by kernels/simd/level_*.cpp only; contract in matmul.h.
//
// Sixteen rows of the weight are widened into a panel, then every row of x meets them in the tiles of dot_lanes.inl.

namespace assay::kernels {
namespace {

/// Widens `n` stored elements, sixteen at a time and without reading past them.
template <class Stored, class Load>
inline void widen(const Stored* from, int n, Load load_sixteen, float* to) {
  int k = 0;
  for (; k + kLanes <= n; k += kLanes) store(to + k, load_sixteen(from + k));
  if (k == n) return;
  Stored padded[kLanes] = {};
  memcpy(padded, from + k, sizeof(Stored) * static_cast<size_t>(n - k));
  store_first(to + k, load_sixteen(padded), n - k);
}

/// Row n of the weight as float32.
inline void widen_row(const WeightMatrix& w, int n, float* to) {
  const size_t first = static_cast<size_t>(n) * static_cast<size_t>(w.n_in);
  switch (w.type) {
    case WeightType::f32:
      memcpy(to, static_cast<const float*>(w.data) + first, sizeof(float) * static_cast<size_t>(w.n_in));
      break;
    case WeightType::f16:
      widen(
          static_cast<const uint16_t*>(w.data) + first, w.n_in, [](const uint16_t* p) { return load_f16(p); }, to);
      break;
    case WeightType::bf16:
      widen(
          static_cast<const uint16_t*>(w.data) + first, w.n_in, [](const uint16_t* p) { return load_bf16(p); }, to);
      break;
    case WeightType::f8_e4m3: {
      const ptrdiff_t scale_stride = (w.n_in + kScaleBlock - 1) / kScaleBlock;
      const float* scales = w.block_scales + n / kScaleBlock * scale_stride;
      for (int k = 0; k < w.n_in; k += kScaleBlock) {
        // (value / 256) · (256 · scale) is value · scale, rounded once: both factors are exact.
        const Lanes scale = broadcast(256.0f * scales[k / kScaleBlock]);
        widen(
            static_cast<const uint8_t*>(w.data) + first + k, w.n_in - k < kScaleBlock ? w.n_in - k : kScaleBlock,
            [&](const uint8_t* p) { return mul(load_e4m3_over_256(p), scale); }, to + k);
      }
      break;
    }
    default:
      break;  // quantised types aren't widened: kernels/quantized/
  }
}

void matmul_columns(const MatmulArgs& a, int n_begin, int n_end, float* panel) {
  const ptrdiff_t panel_stride = (a.w.n_in + kLanes - 1) / kLanes * kLanes;
  for (int n = n_begin; n < n_end; n += kPanelRows) {
    const int rows = n_end - n < kPanelRows ? n_end - n : kPanelRows;
    const float* w = panel;
    ptrdiff_t w_stride = panel_stride;
    if (a.w.type == WeightType::f32) {
      w = static_cast<const float*>(a.w.data) + static_cast<ptrdiff_t>(n) * a.w.n_in;
      w_stride = a.w.n_in;
    } else {
      for (int j = 0; j < rows; ++j) widen_row(a.w, n + j, panel + j * panel_stride);
    }
    for (int m = 0; m < a.m_rows; m += kPanelRows) {
      const int count = a.m_rows - m < kPanelRows ? a.m_rows - m : kPanelRows;
      const float* x[kPanelRows];
      for (int r = 0; r < count; ++r) x[r] = a.x + (m + r) * a.x_stride;
      dot_block<Ahead::nothing>(count, x, rows, w, w_stride, a.w.n_in, a.y + m * a.y_stride + n, a.y_stride);
    }
  }
}

}  // namespace
}  // namespace assay::kernels

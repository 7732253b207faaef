// The canonical dot product in tiles: the core of matrix products and attention scores. Included by level_*.cpp only.
//
// A tile keeps one accumulator of 16 lanes per output element, so that a loaded vector of either side is used several
// times, and ends in tree sums. The tile's size changes who computes an element, never how.

namespace assay::kernels {
namespace {

#if defined(__AVX512F__)
constexpr int kTileM = 4, kTileN = 4;  // 16 of 32 registers accumulate
#elif defined(__AVX2__)
constexpr int kTileM = 2, kTileN = 2;  // 8 of 16 registers: an accumulator is two
#elif defined(ASSAY_NEON)
constexpr int kTileM = 2, kTileN = 2;  // 16 of 32 registers: an accumulator is four
#else
constexpr int kTileM = 1, kTileN = 1;
#endif

/// Whether a tile asks for the rows of w behind it. Rows of a weight lie side by side, and the hardware sees them coming;
/// no hardware prefetcher follows the stride of cache rows (2,304 bytes for MLA).
enum class Ahead { nothing, next_rows };

/// out[r][j] = Σ_k x[r][k] · w[j][k] for kM rows x[r] and kN rows of w.
template <Ahead kAhead, int kM, int kN>
inline void dot_tile(const float* const* x, const float* w, ptrdiff_t w_stride, int width, float* out,
                     ptrdiff_t out_stride) {
  Lanes acc[kM * kN];
#pragma GCC unroll 16
  for (Lanes& a : acc) a = zero();
  const auto step = [&](int k, auto load_part) __attribute__((always_inline)) {
    Lanes b[kN];
    for (int j = 0; j < kN; ++j) {
      b[j] = load_part(w + j * w_stride + k);
      if constexpr (kAhead == Ahead::next_rows) prefetch(w + (j + kN) * w_stride + k);
    }
    for (int r = 0; r < kM; ++r) {
      const Lanes a = load_part(x[r] + k);
      for (int j = 0; j < kN; ++j) acc[r * kN + j] = fma(a, b[j], acc[r * kN + j]);
    }
  };
  int k = 0;
  for (; k + kLanes <= width; k += kLanes) step(k, [](const float* p) { return load(p); });
  if (k < width) step(k, [rest = width - k](const float* p) { return load_first(p, rest); });

  if constexpr (kM * kN == 16) {
    float all[16];
    store(all, sums(acc));
    for (int r = 0; r < kM; ++r) memcpy(out + r * out_stride, all + r * kN, sizeof(float) * kN);
  } else {
    for (int r = 0; r < kM; ++r) {
      for (int j = 0; j < kN; ++j) out[r * out_stride + j] = sum(acc[r * kN + j]);
    }
  }
}

/// dot_tile for a number of rows that is only known at run time, 1 … kTileM.
template <Ahead kAhead, int kN>
inline void dot_rows(int m, const float* const* x, const float* w, ptrdiff_t w_stride, int width, float* out,
                     ptrdiff_t out_stride) {
  if constexpr (kTileM >= 4) {
    if (m == 4) return dot_tile<kAhead, 4, kN>(x, w, w_stride, width, out, out_stride);
    if (m == 3) return dot_tile<kAhead, 3, kN>(x, w, w_stride, width, out, out_stride);
  }
  if constexpr (kTileM >= 2) {
    if (m == 2) return dot_tile<kAhead, 2, kN>(x, w, w_stride, width, out, out_stride);
  }
  dot_tile<kAhead, 1, kN>(x, w, w_stride, width, out, out_stride);
}

/// All dots of m rows with n rows of w: out[r · out_stride + j].
template <Ahead kAhead>
inline void dot_block(int m, const float* const* x, int n, const float* w, ptrdiff_t w_stride, int width, float* out,
                      ptrdiff_t out_stride) {
  for (int r = 0; r < m; r += kTileM) {
    const int rows = m - r < kTileM ? m - r : kTileM;
    float* out_tile = out + r * out_stride;
    int j = 0;
    for (; j + kTileN <= n; j += kTileN) {
      dot_rows<kAhead, kTileN>(rows, x + r, w + j * w_stride, w_stride, width, out_tile + j, out_stride);
    }
    for (; j < n; ++j) dot_rows<kAhead, 1>(rows, x + r, w + j * w_stride, w_stride, width, out_tile + j, out_stride);
  }
}

}  // namespace
}  // namespace assay::kernels

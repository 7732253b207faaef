// Quantised products in lanes. Included by kernels/simd/level_*.cpp only; contract and layout in quantized.h.
//
// A lane is a row of w. A block's integers are unpacked to eight vectors once and met by all rows of a tile.

namespace assay::kernels {
namespace {

inline float float_of(int32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/// Rounds first and last to integers into one part; returns their sum.
int store_part(Lanes first, Lanes last, QuantizedBlock& to) {
  const int first_sum = store_int8(to.q, first), last_sum = store_int8(to.q + kLanes, last), sum = first_sum + last_sum;
  to.minus_8_sum = -8 * sum;
  to.minus_16_sum = -16 * sum;
  to.minus_128_sum = -128 * sum;
  to.minus_32_sum[0] = -32 * first_sum;
  to.minus_32_sum[1] = -32 * last_sum;
  return sum;
}

void quantize_block(const float* x, QuantizedBlock& to, QuantizedBlock& rest) {
  constexpr int32_t kTiny = (127 - 100) << 23, kInfinity = 0x7F800000;  // bits of 2^-100 and of infinity
  const Lanes first = load(x), last = load(x + kLanes);
  const int32_t bits = greatest(max(magnitude_bits(first), magnitude_bits(last)));
  if (bits >= kInfinity) {
    to = rest = {};
    to.scale = to.scaled_sum = rest.scale = float_of(kInfinity | 0x400000);  // not a number
    return;
  }
  const float amax = float_of(bits), d = bits < kTiny ? 0.0f : amax / 127.0f,
              inverse = bits < kTiny ? 0.0f : 127.0f / amax;
  // Added to a smaller number, 1.5·2^23 rounds it to an integer in the low bits; taken away again, it leaves the
  // integer.
  const Lanes magic = broadcast(0x1.8p23f), minus_d = broadcast(-d);
  const Lanes first_q = fma(first, broadcast(inverse), magic), last_q = fma(last, broadcast(inverse), magic);
  const Lanes first_rest = fma(minus_d, sub(first_q, magic), first), last_rest = fma(minus_d, sub(last_q, magic), last);
  const Lanes finer = broadcast(254.0f * inverse);
  to.scale = d;
  rest.scale = d / 254.0f;
  const int sum = store_part(first_q, last_q, to),
            rest_sum = store_part(fma(first_rest, finer, magic), fma(last_rest, finer, magic), rest);
  const float of_q = to.scale * static_cast<float>(sum), of_rest = rest.scale * static_cast<float>(rest_sum);
  to.scaled_sum = of_q + of_rest;
  rest.scaled_sum = 0;
}

void quantize_tile(const float* x, ptrdiff_t x_stride, int n_rows, int n_in, QuantizedBlock* to) {
  for (int row = 0; row < n_rows; ++row) {
    for (int b = 0; b < n_in / kQuantBlock; ++b) {
      QuantizedBlock* block = to + b * kQuantParts * n_rows + row;
      quantize_block(x + row * x_stride + b * kQuantBlock, block[0], block[n_rows]);
    }
  }
}

/// The unsigned integers of a block, group by group.
template <int kBits>
inline void unpack(const uint8_t* p, Bytes* w) {
  if constexpr (kBits == 8) {
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; ++g) w[g] = load_bytes(p + g * kGroupBytes);
    return;
  }
#pragma GCC unroll 4
  for (int v = 0; v < kGroups / 2; ++v) {
    const Bytes both = load_bytes(p + v * kGroupBytes);
    w[v] = masked(both, 0x0F);
    w[v + 4] = masked(moved<-4>(both), 0x0F);
  }
  if constexpr (kBits == 5) {
    const Bytes fifth = load_bytes(p + 4 * kGroupBytes);
    w[0] = with_bits(w[0], moved<4>(fifth), 0x10);
    w[1] = with_bits(w[1], moved<3>(fifth), 0x10);
    w[2] = with_bits(w[2], moved<2>(fifth), 0x10);
    w[3] = with_bits(w[3], moved<1>(fifth), 0x10);
    w[4] = with_bits(w[4], fifth, 0x10);
    w[5] = with_bits(w[5], moved<-1>(fifth), 0x10);
    w[6] = with_bits(w[6], moved<-2>(fifth), 0x10);
    w[7] = with_bits(w[7], moved<-3>(fifth), 0x10);
  }
  if constexpr (kBits == 6) {
#pragma GCC unroll 2
    for (int part = 0; part < 2; ++part) {
      const Bytes upper = load_bytes(p + (4 + part) * kGroupBytes);
      Bytes* four = w + 4 * part;
      four[0] = with_bits(four[0], moved<4>(upper), 0x30);
      four[1] = with_bits(four[1], moved<2>(upper), 0x30);
      four[2] = with_bits(four[2], upper, 0x30);
      four[3] = with_bits(four[3], moved<-2>(upper), 0x30);
    }
  }
}

/// The scales of a panel, block by block.
template <ScaleForm kForm>
struct Scales {
  const uint8_t* at;
  int block = 0;
  Lanes d, dmin;  ///< of the super-block
  Lanes scale;    ///< of the block; Q6_K: of its first half
  Lanes second;   ///< the addend; Q6_K: the scale of the second half

  static Lanes halves(const uint8_t* p) { return load_f16(reinterpret_cast<const uint16_t*>(p)); }

  inline __attribute__((always_inline)) void next() {
    if constexpr (kForm == ScaleForm::plain) {
      scale = halves(at);
      at += 32;
    } else if constexpr (kForm == ScaleForm::with_addend) {
      scale = halves(at);
      second = halves(at + 32);
      at += 64;
    } else {
      if (block++ % (kSuperBlock / kQuantBlock) == 0) {
        d = halves(at);
        at += 32;
        if constexpr (kForm == ScaleForm::super_with_addend) {
          dmin = sub(zero(), halves(at));
          at += 32;
        }
      }
      // A half times a byte has at most 19 significant bits: exact.
      if constexpr (kForm == ScaleForm::super_with_addend) {
        scale = mul(d, load_u8(at));
        second = mul(dmin, load_u8(at + 16));
      } else {
        scale = mul(d, load_i8(at));
        second = mul(d, load_i8(at + 16));
      }
      at += 32;
    }
  }
};

/// So few rows wait for the weight's memory. The hardware looks ahead within a page of 4 KiB only; a block that far
/// ahead is asked for by hand.
constexpr int kStreamingRows = 4, kPrefetchBytes = 4096;

/// kRows rows of x with one panel: y[r][lane].
template <WeightType kType, int kRows>
__attribute__((noinline)) void multiply_tile(const uint8_t* panel, size_t scale_part, int n_blocks,
                                             const QuantizedBlock* x, Lanes* y) {
  constexpr QuantizedForm kForm = quantized_form(kType);
  constexpr bool kHalves = kForm.scales == ScaleForm::super_of_sixteen;
  constexpr bool kAddend = kForm.scales == ScaleForm::with_addend || kForm.scales == ScaleForm::super_with_addend;
  Lanes acc[kRows];
#pragma GCC unroll kUnrolledRows
  for (Lanes& a : acc) a = zero();
  Scales<kForm.scales> scales{};
  scales.at = panel;
  const uint8_t* integers = panel + scale_part;
  for (int b = 0; b < n_blocks; ++b, x += kQuantParts * kRows, integers += kForm.bits * kGroupBytes) {
    scales.next();
    Bytes w[kGroups];
    unpack<kForm.bits>(integers, w);
    if constexpr (kRows <= kStreamingRows) {
#pragma GCC unroll 8
      for (int v = 0; v < kForm.bits; ++v) prefetch(integers + kPrefetchBytes + v * kGroupBytes);
    }
#pragma GCC unroll kUnrolledRows
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int part = 0; part < kQuantParts; ++part) {
        const QuantizedBlock& q = x[part * kRows + r];
        const Lanes d = broadcast(q.scale);
        if constexpr (kHalves) {
          const Ints first = dot<kForm.bits, kForm.offset, 4>(w, q.q, q.minus_32_sum[0]),
                     last = dot<kForm.bits, kForm.offset, 4>(w + 4, q.q + 16, q.minus_32_sum[1]);
          acc[r] = fma(to_float(first), mul(scales.scale, d), acc[r]);
          acc[r] = fma(to_float(last), mul(scales.second, d), acc[r]);
        } else {
          const int32_t& start = kForm.offset == 8    ? q.minus_8_sum
                                 : kForm.offset == 16 ? q.minus_16_sum
                                                      : q.minus_128_sum;
          const Ints sum = dot<kForm.bits, kForm.offset, 8>(w, q.q, start);
          acc[r] = fma(to_float(sum), mul(scales.scale, d), acc[r]);
        }
      }
      if constexpr (kAddend) acc[r] = fma(scales.second, broadcast(x[r].scaled_sum), acc[r]);
    }
  }
#pragma GCC unroll kUnrolledRows
  for (int r = 0; r < kRows; ++r) y[r] = acc[r];
}

#if defined(__AMX_INT8__)
}  // namespace
}  // namespace assay::kernels

#include "kernels/quantized/quantized_amx.inl"

namespace assay::kernels {
namespace {
#else
constexpr int kTilesAtOnce = 1;
/// A tile of sixteen rows of x with one panel, as multiply_tile().
template <WeightType kType>
void multiply_sixteens(const uint8_t* panel, size_t scale_part, int n_blocks, const QuantizedBlock* x, int, Lanes* y) {
  multiply_tile<kType, 16>(panel, scale_part, n_blocks, x, y);
}
/// What a call of multiply_panels() needs of the processor.
struct TileUse {};
#endif

template <WeightType kType>
void multiply_panels_of(const QuantizedArgs& a, int panel_begin, int panel_end) {
  const int n_blocks = a.w.n_in / kQuantBlock;
  for (int p = panel_begin; p < panel_end; ++p) {
    const uint8_t* panel = static_cast<const uint8_t*>(a.w.data) + static_cast<size_t>(p) * a.panel_bytes;
    const int n = p * kQuantPanelRows, left = a.w.n_out - n, columns = left < kQuantPanelRows ? left : kQuantPanelRows;
    for (int m = 0; m < a.m_rows;) {
      const QuantizedBlock* x = a.x + static_cast<ptrdiff_t>(m) * n_blocks * kQuantParts;
      Lanes y[kTilesAtOnce * kMostTileRows];
      const int left_rows = a.m_rows - m, tiles = left_rows / 16 < kTilesAtOnce ? left_rows / 16 : kTilesAtOnce;
      const int rows = tiles > 0 ? 16 * tiles : left_rows >= 8 ? 8 : left_rows >= 4 ? 4 : left_rows >= 2 ? 2 : 1;
      if (tiles > 0) multiply_sixteens<kType>(panel, a.scale_bytes, n_blocks, x, tiles, y);
      if (rows == 8) multiply_tile<kType, 8>(panel, a.scale_bytes, n_blocks, x, y);
      if (rows == 4) multiply_tile<kType, 4>(panel, a.scale_bytes, n_blocks, x, y);
      if (rows == 2) multiply_tile<kType, 2>(panel, a.scale_bytes, n_blocks, x, y);
      if (rows == 1) multiply_tile<kType, 1>(panel, a.scale_bytes, n_blocks, x, y);
      for (int r = 0; r < rows; ++r) store_first(a.y + (m + r) * a.y_stride + n, y[r], columns);
      m += rows;
    }
  }
}

void multiply_panels(const QuantizedArgs& a, int panel_begin, int panel_end) {
  [[maybe_unused]] const TileUse tiles;
  switch (a.w.type) {
    case WeightType::q8_0:
      return multiply_panels_of<WeightType::q8_0>(a, panel_begin, panel_end);
    case WeightType::q4_0:
      return multiply_panels_of<WeightType::q4_0>(a, panel_begin, panel_end);
    case WeightType::q4_1:
      return multiply_panels_of<WeightType::q4_1>(a, panel_begin, panel_end);
    case WeightType::q5_0:
      return multiply_panels_of<WeightType::q5_0>(a, panel_begin, panel_end);
    case WeightType::q5_1:
      return multiply_panels_of<WeightType::q5_1>(a, panel_begin, panel_end);
    case WeightType::q4_k:
      return multiply_panels_of<WeightType::q4_k>(a, panel_begin, panel_end);
    case WeightType::q5_k:
      return multiply_panels_of<WeightType::q5_k>(a, panel_begin, panel_end);
    case WeightType::q6_k:
      return multiply_panels_of<WeightType::q6_k>(a, panel_begin, panel_end);
    default:
      return;  // matmul() sends quantised types alone
  }
}

}  // namespace
}  // namespace assay::kernels

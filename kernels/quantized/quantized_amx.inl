// Sixteen rows of x with a panel on AMX's tile unit. Included by quantized_lanes.inl in the AMX build alone.
//
// A block's integers, offset taken, are a tile of 8 rows of 64 bytes as they stand in the panel, and sixteen rows of
// quantised x are a tile whose rows lie one QuantizedBlock apart. The tile unit adds the same exact integers as the
// vector code; scales and float32 sums are that code's, step by step.

namespace assay::kernels {
namespace {

/// Shapes of the tile registers in LDTILECFG's format. 0: sums, 16 x 16 int32; 1: x, 16 x 32 bytes; 2: w, 8 x 64 bytes;
/// 3 and 4: the same for half a block.
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 32, 64, 16, 64};
  uint8_t rows[16] = {16, 16, 8, 16, 4};
};
static_assert(sizeof(TileConfig) == 64 && sizeof(QuantizedBlock) == 64);

struct TileUse {
  TileUse() {
    const TileConfig config;
    asm volatile("ldtilecfg %0" ::"m"(config));
  }
  ~TileUse() { asm volatile("tilerelease"); }
  TileUse(const TileUse&) = delete;
  TileUse& operator=(const TileUse&) = delete;
};

constexpr int64_t kTileStride = 64;

/// sums[row of x][row of w] of the 32 inputs at x and w.
inline void multiply_block(const int8_t* x, const uint8_t* w, int32_t* sums) {
  asm volatile(
      "tilezero %%tmm0\n\t"
      "tileloadd (%0,%3,1), %%tmm1\n\t"
      "tileloadd (%1,%3,1), %%tmm2\n\t"
      "tdpbssd %%tmm2, %%tmm1, %%tmm0\n\t"
      "tilestored %%tmm0, (%2,%3,1)"
      :
      : "r"(x), "r"(w), "r"(sums), "r"(kTileStride)
      : "memory");
}
/// The same of the 16 inputs at x and w.
inline void multiply_half_block(const int8_t* x, const uint8_t* w, int32_t* sums) {
  asm volatile(
      "tilezero %%tmm0\n\t"
      "tileloadd (%0,%3,1), %%tmm3\n\t"
      "tileloadd (%1,%3,1), %%tmm4\n\t"
      "tdpbssd %%tmm4, %%tmm3, %%tmm0\n\t"
      "tilestored %%tmm0, (%2,%3,1)"
      :
      : "r"(x), "r"(w), "r"(sums), "r"(kTileStride)
      : "memory");
}

template <WeightType kType>
void multiply_sixteen(const uint8_t* panel, size_t scale_part, int n_blocks, const QuantizedBlock* x, Lanes* y) {
  constexpr QuantizedForm kForm = quantized_form(kType);
  constexpr bool kHalves = kForm.scales == ScaleForm::super_of_sixteen;
  constexpr bool kAddend = kForm.scales == ScaleForm::with_addend || kForm.scales == ScaleForm::super_with_addend;
  constexpr int kRows = 16, kTileInts = kRows * kLanes;
  constexpr int kAhead = 4;  // blocks whose tiles are under way before the first is scaled
  alignas(64) uint8_t w[kAhead][kGroups * kGroupBytes];
  alignas(64) int32_t sums[kAhead][2 * kTileInts];
  const __m512i offset = _mm512_set1_epi8(static_cast<char>(kForm.offset));
  Lanes acc[kRows];
#pragma GCC unroll 16
  for (Lanes& a : acc) a = zero();
  Scales<kForm.scales> scales{};
  scales.at = panel;
  const uint8_t* integers = panel + scale_part;
  for (int b = 0; b < n_blocks; b += kAhead) {
    const int count = n_blocks - b < kAhead ? n_blocks - b : kAhead;
    for (int i = 0; i < count; ++i, integers += kForm.bits * kGroupBytes) {
      Bytes unpacked[kGroups];
      unpack<kForm.bits>(integers, unpacked);
#pragma GCC unroll 8
      for (int g = 0; g < kGroups; ++g) {
        _mm512_store_si512(w[i] + g * kGroupBytes, _mm512_sub_epi8(unpacked[g].v, offset));
      }
      const int8_t* q = x[i * kRows].q;
      if constexpr (kHalves) {
        multiply_half_block(q, w[i], sums[i]);
        multiply_half_block(q + 16, w[i] + 4 * kGroupBytes, sums[i] + kTileInts);
      } else {
        multiply_block(q, w[i], sums[i]);
      }
    }
    for (int i = 0; i < count; ++i, x += kRows) {
      scales.next();
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const Lanes d = broadcast(x[r].scale);
        const auto sum = [&](int half) __attribute__((always_inline)) {
          return to_float(Ints{_mm512_load_si512(sums[i] + half * kTileInts + r * kLanes)});
        };
        acc[r] = fma(sum(0), mul(scales.scale, d), acc[r]);
        if constexpr (kHalves) acc[r] = fma(sum(1), mul(scales.second, d), acc[r]);
        if constexpr (kAddend) acc[r] = fma(scales.second, broadcast(x[r].scaled_sum), acc[r]);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) y[r] = acc[r];
}

}  // namespace
}  // namespace assay::kernels

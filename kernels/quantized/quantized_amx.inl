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

constexpr int kTileRows = 16, kTileInts = kTileRows * kLanes;
constexpr int kAhead = 4;        ///< blocks whose tiles are under way before the first is scaled
constexpr int kTilesAtOnce = 8;  ///< tiles of rows that meet a block while it is unpacked

/// The sums of a tile of rows with `count` blocks, scaled and added to acc[kTileRows].
template <WeightType kType>
void add_tile(const uint8_t (*w)[kGroups * kGroupBytes], const Lanes (*factors)[2], int count, const QuantizedBlock* x,
              Lanes* to) {
  constexpr QuantizedForm kForm = quantized_form(kType);
  constexpr bool kHalves = kForm.scales == ScaleForm::super_of_sixteen;
  constexpr bool kAddend = kForm.scales == ScaleForm::with_addend || kForm.scales == ScaleForm::super_with_addend;
  alignas(64) int32_t sums[kAhead * kQuantParts][kHalves ? 2 * kTileInts : kTileInts];
  for (int i = 0; i < count * kQuantParts; ++i) {
    const int8_t* q = x[i * kTileRows].q;
    const uint8_t* block = w[i / kQuantParts];
    if constexpr (kHalves) {
      multiply_half_block(q, block, sums[i]);
      multiply_half_block(q + 16, block + 4 * kGroupBytes, sums[i] + kTileInts);
    } else {
      multiply_block(q, block, sums[i]);
    }
  }
  Lanes acc[kTileRows];
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) acc[r] = to[r];
  for (int i = 0; i < count; ++i, x += kQuantParts * kTileRows) {
    const Lanes scale = factors[i][0], second = factors[i][1];
#pragma GCC unroll 16
    for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 2
      for (int part = 0; part < kQuantParts; ++part) {
        const Lanes d = broadcast(x[part * kTileRows + r].scale);
        const int32_t* sum = sums[i * kQuantParts + part] + r * kLanes;
        acc[r] = fma(to_float(Ints{_mm512_load_si512(sum)}), mul(scale, d), acc[r]);
        if constexpr (kHalves) {
          acc[r] = fma(to_float(Ints{_mm512_load_si512(sum + kTileInts)}), mul(second, d), acc[r]);
        }
      }
      if constexpr (kAddend) acc[r] = fma(second, broadcast(x[r].scaled_sum), acc[r]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) to[r] = acc[r];
}

/// n_tiles tiles of sixteen rows with one panel: y[tile · 16 + row][lane].
template <WeightType kType>
void multiply_sixteens(const uint8_t* panel, size_t scale_part, int n_blocks, const QuantizedBlock* x, int n_tiles,
                       Lanes* y) {
  constexpr QuantizedForm kForm = quantized_form(kType);
  alignas(64) uint8_t w[kAhead][kGroups * kGroupBytes];
  Lanes factors[kAhead][2];
  const __m512i offset = _mm512_set1_epi8(static_cast<char>(kForm.offset));
  for (int r = 0; r < n_tiles * kTileRows; ++r) y[r] = zero();
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
      scales.next();
      factors[i][0] = scales.scale;
      factors[i][1] = scales.second;
    }
    for (int t = 0; t < n_tiles; ++t) {
      const ptrdiff_t first = (static_cast<ptrdiff_t>(t) * n_blocks + b) * kQuantParts * kTileRows;
      add_tile<kType>(w, factors, count, x + first, y + t * kTileRows);
    }
  }
}

}  // namespace
}  // namespace assay::kernels

#pragma once
// Products with weights in GGUF's quantised types, multiplied as integers.
//
// The result. Block b of 32 inputs of a row of x becomes two rows of 8-bit integers, x ≈ d·q + e·r: amax = max |x|,
// d = fl(amax / 127), q = x times fl(127 / amax), rounded once to an integer (half to even); of the rest fma(-d, q, x)
// likewise e = fl(d / 254) and r = rest times fl(254 · fl(127 / amax)). So x is off by 2^-16 of amax at most. Its sum
// is s = fl(fl(d · Σ q) + fl(e · Σ r)). amax < 2^-100 counts as 0 (d, e, q and r are 0); a block with an infinity or a
// NaN has d = e = s = NaN and q = r = 0. A stored weight is (u - offset) · scale + addend with an unsigned integer u;
// scale and addend are exact in float32. Then, in one float32 accumulator, b ascending:
//   acc = fma(float(Σ_k (u[k] - offset) · q[k]), fl(scale · d), acc)   Q6_K: first for k = 0…15, then for k = 16…31
//   acc = fma(float(Σ_k (u[k] - offset) · r[k]), fl(scale · e), acc)   Q6_K: likewise
//   acc = fma(addend, s, acc)                                          types with an addend only
// The inner sums are exact integers below 2^24. So an element of y depends on its own row of x and row of w alone: not
// on m_rows, tiles, threads or instruction set.
// Why two: with q alone a model's output is off by more than most quantised types' own error is worth (the top token of
// one position in thirty changes on a 135M model); with r all of 2,560 tops stay.
//
// The layout. At load a weight is repacked into panels of 16 rows; rows behind the last one are zeros. A panel is two
// parts, each a multiple of 64 bytes: the scales of all its blocks, then the integers of all its blocks.
//   scales    Q8_0 Q4_0 Q5_0   per block: half d[16]
//             Q4_1 Q5_1        per block: half d[16], half m[16]; scale = d, addend = m
//             Q4_K Q5_K        per 256 inputs: half d[16], half dmin[16], then per block: u8 sc[16], u8 mn[16];
//                              scale = d · sc, addend = -dmin · mn
//             Q6_K             per 256 inputs: half d[16], then per block: i8 sc[16] (k < 16), i8 sc[16] (k >= 16);
//                              scale = d · sc
//   integers  per block 8 groups of 4 inputs; a group is 64 bytes, byte 4·row + i of it is input 4·group + i.
//             8 bits: 8 vectors of 64 bytes, a group each; a Q8_0 integer is stored with 128 added.
//             4 bits: 4 vectors; vector v has group v in its low nibbles and group v + 4 in the high ones.
//             5 bits: the low four as above, then a vector whose bit g is the fifth bit of group g.
//             6 bits: the low four as above, then two vectors; bits 2i and 2i + 1 of vector p are the upper two bits of
//                     group 4p + i.
// So a panel takes as many bytes as its rows in the file (Q4_K and Q5_K: 4 more a row and 256 inputs) and is read once,
// from front to back.

#include <cstddef>
#include <cstdint>

#include "kernels/matmul/matmul.h"

namespace assay::kernels {

constexpr int kQuantBlock = 32;      ///< inputs that share a scale of x
constexpr int kSuperBlock = 256;     ///< inputs of a block of the K types
constexpr int kQuantPanelRows = 16;  ///< rows of w that lie side by side
constexpr int kGroups = 8;           ///< groups of 4 inputs in a block
constexpr int kGroupBytes = 64;      ///< bytes of a group of 16 rows, widened to 8 bits
constexpr int kMostTileRows = 16;    ///< rows of x that meet a panel at a time
constexpr int kQuantParts = 2;       ///< q and r of the contract

/// How a type's scales are stored.
enum class ScaleForm { plain, with_addend, super_with_addend, super_of_sixteen };

struct QuantizedForm {
  int file_inputs;  ///< inputs of a block of the file
  int file_bytes;   ///< and its bytes
  int bits;         ///< of an integer
  int offset;       ///< what is taken from the unsigned integer
  ScaleForm scales;
};

constexpr bool is_quantized(WeightType type) { return type >= WeightType::q8_0; }

/// The form of a quantised type. The functions of this header are for constants in the files built for one instruction
/// set: called at run time there, they could end up in the program in that file's build.
constexpr QuantizedForm quantized_form(WeightType type) {
  switch (type) {
    case WeightType::q4_0:
      return {32, 18, 4, 8, ScaleForm::plain};
    case WeightType::q4_1:
      return {32, 20, 4, 0, ScaleForm::with_addend};
    case WeightType::q5_0:
      return {32, 22, 5, 16, ScaleForm::plain};
    case WeightType::q5_1:
      return {32, 24, 5, 0, ScaleForm::with_addend};
    case WeightType::q4_k:
      return {256, 144, 4, 0, ScaleForm::super_with_addend};
    case WeightType::q5_k:
      return {256, 176, 5, 0, ScaleForm::super_with_addend};
    case WeightType::q6_k:
      return {256, 210, 6, 32, ScaleForm::super_of_sixteen};
    default:
      return {32, 34, 8, 128, ScaleForm::plain};  // Q8_0
  }
}

/// Bytes of a super-block's scales, or of a block's where there are no super-blocks.
constexpr std::size_t scale_bytes(ScaleForm form) {
  return form == ScaleForm::plain               ? 32
         : form == ScaleForm::with_addend       ? 64
         : form == ScaleForm::super_with_addend ? 320
                                                : 288;
}

/// Bytes of the first part of a panel.
constexpr std::size_t panel_scale_bytes(WeightType type, int n_in) {
  const QuantizedForm form = quantized_form(type);
  const std::size_t bytes = static_cast<std::size_t>(n_in / form.file_inputs) * scale_bytes(form.scales);
  return (bytes + 63) / 64 * 64;
}
constexpr std::size_t panel_bytes(WeightType type, int n_in) {
  const int block_bytes = quantized_form(type).bits * kGroupBytes;
  return panel_scale_bytes(type, n_in) +
         static_cast<std::size_t>(n_in / kQuantBlock) * static_cast<std::size_t>(block_bytes);
}
constexpr int n_panels(int n_out) { return (n_out + kQuantPanelRows - 1) / kQuantPanelRows; }

/// One part of 32 inputs of a row of x: d and q, or e and r. The sums stand ready, so that a vector is filled with one
/// by a load alone.
struct alignas(64) QuantizedBlock {
  std::int8_t q[kQuantBlock];
  float scale;                   ///< d or e
  float scaled_sum;              ///< s, in the first part
  std::int32_t minus_8_sum;      ///< -8 · Σ q, what an offset of 8 adds to a block's integer sum
  std::int32_t minus_16_sum;     ///< -16 · Σ q
  std::int32_t minus_128_sum;    ///< -128 · Σ q
  std::int32_t minus_32_sum[2];  ///< -32 · Σ q of the first and of the last 16
  std::int32_t unused;
};

/// Rows are quantised and multiplied in tiles of 16, 8, 4, 2 or 1. A tile's blocks lie together,
/// [n_in / 32][kQuantParts][rows of the tile]; the tile that starts with row m starts with block m ·
/// quantized_blocks(1, n_in).
constexpr int tile_rows(int rows_left) {
  return rows_left >= 16 ? 16 : rows_left >= 8 ? 8 : rows_left >= 4 ? 4 : rows_left >= 2 ? 2 : 1;
}
/// Blocks of m_rows quantised rows.
constexpr std::size_t quantized_blocks(int m_rows, int n_in) {
  return static_cast<std::size_t>(m_rows) * static_cast<std::size_t>(n_in / kQuantBlock * kQuantParts);
}

/// A product with quantised rows.
struct QuantizedArgs {
  const QuantizedBlock* x = nullptr;
  int m_rows = 0;
  WeightMatrix w;               ///< repacked
  std::size_t scale_bytes = 0;  ///< panel_scale_bytes(w.type, w.n_in)
  std::size_t panel_bytes = 0;  ///< panel_bytes(w.type, w.n_in)
  float* y = nullptr;
  std::ptrdiff_t y_stride = 0;
};

/// Element (n, k) of a repacked weight; see weight_at().
float quantized_weight_at(const WeightMatrix& w, int n, int k);

/// The reference: x quantised by the contract's words, exact weights, float64 sums. Written to be read.
void quantized_matmul_ref(const MatmulArgs& args);

}  // namespace assay::kernels

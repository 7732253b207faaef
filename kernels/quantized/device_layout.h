#pragma once
// How a weight of a quantised GGUF type lies on a GPU: the layout that matmul_quantized.cuh multiplies and embed_rows
// reads. Integers and scales are the file's; nothing is rounded. Host and device code; needs no CUDA.
//
// A weight is [⌈n_out / 16⌉][⌈n_in / 256⌉] chunks of 16 rows and 256 inputs; rows behind the last and inputs behind
// n_in have integers and scales of zero. A chunk is eight blocks of 32 inputs of integers, and then the scales.
//   integers  A block holds the operands of two products of 16 rows by 16 inputs (mma.m16n8k16): lane l has rows l/4
//             and l/4 + 8 and of the 16 inputs 2·(l%4), the next, and both 8 on: four pairs, p = 0 … 3, where p & 1 is
//             the row and p >> 1 the eight; pairs 4 … 7 are the second product's.
//             4 bits:  two words a lane, one a product: a pair's first integer in bits 4p, its second in 16 + 4p.
//             5 bits:  the low four bits so, then a 16-bit word a lane: fifth bits of the first integers in bits 0 … 7,
//                      of the second ones in bits 8 … 15.
//             6 bits:  the low four bits so, then a word a lane: the upper two bits of the first integers in bits 2p,
//                      of the second ones in 16 + 2p.
//             8 bits:  four words a lane, pairs 2w and 2w + 1 in word w: first integers in bytes 0 and 1, second ones
//                      in bytes 2 and 3, as int8.
//   scales    of rows g and g + 8, g = 0 … 7, side by side
//             plain              per block: half d[g], d[g + 8]
//             with_addend        per block: half d[g], m[g], d[g + 8], m[g + 8]
//             super_with_addend  half d[g], dmin[g], d[g + 8], dmin[g + 8]; then per block u8 sc[g], mn[g], sc[g + 8],
//                                mn[g + 8]
//             super_of_sixteen   half d[g], d[g + 8]; then per block i8 sc[g] (inputs 0 … 15), sc[g] (16 … 31), and
//                                likewise of g + 8
// A weight of n_in inputs takes 4.5 (Q4_0) to 8.5 (Q8_0) bits an element, as in the file; Q4_K and Q5_K 4.625 and
// 5.625.

#include <cstddef>
#include <cstdint>

#include "kernels/quantized/quantized.h"

namespace assay::kernels {

constexpr int kDeviceRows = 16;     ///< rows of a chunk
constexpr int kDeviceInputs = 256;  ///< inputs of a chunk
constexpr int kDeviceBlocks = 8;    ///< blocks of 32 inputs of a chunk
constexpr int kDeviceRowPairs = 8;  ///< rows g and g + 8

/// Bytes of a block's integers: 16 rows by 32 inputs.
constexpr int device_block_bytes(int bits) { return 64 * bits; }
/// Bytes of a chunk's scales: what is there once, and for each block.
constexpr int device_head_bytes(ScaleForm form) {
  return form == ScaleForm::super_with_addend ? 64 : form == ScaleForm::super_of_sixteen ? 32 : 0;
}
constexpr int device_block_scale_bytes(ScaleForm form) { return form == ScaleForm::with_addend ? 64 : 32; }
constexpr int device_chunk_bytes(WeightType type) {
  const QuantizedForm form = quantized_form(type);
  return kDeviceBlocks * (device_block_bytes(form.bits) + device_block_scale_bytes(form.scales)) +
         device_head_bytes(form.scales);
}
constexpr int device_chunks(int n_in) { return (n_in + kDeviceInputs - 1) / kDeviceInputs; }
constexpr int device_row_groups(int n_out) { return (n_out + kDeviceRows - 1) / kDeviceRows; }
/// Bytes of 16 rows, and of a weight.
constexpr std::size_t device_row_group_bytes(WeightType type, int n_in) {
  return static_cast<std::size_t>(device_chunks(n_in)) * static_cast<std::size_t>(device_chunk_bytes(type));
}
constexpr std::size_t device_weight_bytes(WeightType type, int n_out, int n_in) {
  return static_cast<std::size_t>(device_row_groups(n_out)) * device_row_group_bytes(type, n_in);
}

/// A row of a weight that repack() has brought into panels; a null weight is a row of zeros.
struct DeviceRow {
  const WeightMatrix* weight = nullptr;
  int row = 0;
};
/// Writes 16 rows of weights of one type and width: device_row_group_bytes(type, n_in) bytes.
void write_device_rows(WeightType type, int n_in, const DeviceRow (&rows)[kDeviceRows], std::byte* to);

/// Element k of row `row` (0 … 15) of a row group, by the words of the layout: what tests compare with.
float device_weight_at(WeightType type, const std::byte* row_group, int row, int k);

}  // namespace assay::kernels

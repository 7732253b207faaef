#include "kernels/quantized/device_layout.h"

#include <cmath>
#include <cstring>

#include "harness/base/assert.h"

namespace assay::kernels {

namespace {

using Byte = std::uint8_t;

/// Where an integer of a block lies among its chunk's operands: the lane and pair that have it, and which of the pair.
struct Place {
  int lane, pair, second;
  Place(int row, int k)
      : lane(row % kDeviceRowPairs * 4 + k % 8 / 2),
        pair(k / 16 * 4 + k % 16 / 8 * 2 + row / kDeviceRowPairs),
        second(k % 2) {}
};

/// A few bits of a byte.
struct Bits {
  int byte, shift, mask;
};
Bits low_bits(const Place& p) {
  return {p.lane * 8 + p.pair / 4 * 4 + p.pair % 4 / 2 + 2 * p.second, p.pair % 2 * 4, 15};
}
Bits fifth_bit(const Place& p) { return {256 + p.lane * 2 + p.second, p.pair, 1}; }
Bits upper_two_bits(const Place& p) { return {256 + p.lane * 4 + p.pair / 4 + 2 * p.second, p.pair % 4 * 2, 3}; }
Bits whole_byte(const Place& p) { return {p.lane * 16 + p.pair / 2 * 4 + p.pair % 2 + 2 * p.second, 0, 255}; }

void put(const Bits& bits, int value, Byte* block) {
  block[bits.byte] = static_cast<Byte>(block[bits.byte] | (value & bits.mask) << bits.shift);
}
int get(const Bits& bits, const Byte* block) { return block[bits.byte] >> bits.shift & bits.mask; }

void write_block(int bits, const Byte (&u)[kQuantBlock], int row, Byte* block) {
  for (int k = 0; k < kQuantBlock; ++k) {
    const Place place(row, k);
    if (bits == 8) {
      put(whole_byte(place), u[k] ^ 0x80, block);
      continue;
    }
    put(low_bits(place), u[k], block);
    if (bits == 5) put(fifth_bit(place), u[k] >> 4, block);
    if (bits == 6) put(upper_two_bits(place), u[k] >> 4, block);
  }
}

/// The unsigned integers of one row of a block of a panel.
void read_panel_block(int bits, const Byte* block, int row, Byte (&u)[kQuantBlock]) {
  for (int group = 0; group < kGroups; ++group) {
    for (int i = 0; i < 4; ++i) {
      const auto byte = [&](int vector) { return static_cast<int>(block[vector * kGroupBytes + 4 * row + i]); };
      int value = bits == 8 ? byte(group) : byte(group % 4) >> (group < 4 ? 0 : 4) & 15;
      if (bits == 5) value |= (byte(4) >> group & 1) << 4;
      if (bits == 6) value |= (byte(4 + group / 4) >> (2 * (group % 4)) & 3) << 4;
      u[4 * group + i] = static_cast<Byte>(value);
    }
  }
}

/// Copies the scales of 256 inputs (or what is left of them) of a panel's row to a chunk's row.
void write_scales(WeightType type, int n_blocks, const Byte* from, int from_row, int row, Byte* to) {
  const ScaleForm form = quantized_form(type).scales;
  const int g = row % kDeviceRowPairs, high = row / kDeviceRowPairs;
  const auto copy_half = [&](const Byte* halves, Byte* place) { std::memcpy(place, halves + 2 * from_row, 2); };
  switch (form) {
    case ScaleForm::plain:
      for (int b = 0; b < n_blocks; ++b) copy_half(from + 32 * b, to + 32 * b + 4 * g + 2 * high);
      return;
    case ScaleForm::with_addend:
      for (int b = 0; b < n_blocks; ++b) {
        copy_half(from + 64 * b, to + 64 * b + 8 * g + 4 * high);
        copy_half(from + 64 * b + 32, to + 64 * b + 8 * g + 4 * high + 2);
      }
      return;
    case ScaleForm::super_with_addend:
      copy_half(from, to + 8 * g + 4 * high);
      copy_half(from + 32, to + 8 * g + 4 * high + 2);
      break;
    case ScaleForm::super_of_sixteen:
      copy_half(from, to + 4 * g + 2 * high);
      break;
  }
  const Byte* bytes = from + (form == ScaleForm::super_with_addend ? 64 : 32);
  Byte* place = to + device_head_bytes(form) + 4 * g + 2 * high;
  for (int b = 0; b < n_blocks; ++b, bytes += 32, place += 32) {
    place[0] = bytes[from_row];
    place[1] = bytes[16 + from_row];
  }
}

float half_at(const Byte* p) {
  std::uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return widen_half(bits);
}

}  // namespace

void write_device_rows(WeightType type, int n_in, const DeviceRow (&rows)[kDeviceRows], std::byte* to) {
  const QuantizedForm form = quantized_form(type);
  const int chunk_bytes = device_chunk_bytes(type), block_bytes = device_block_bytes(form.bits);
  // Blocks of the panels for one of their scale records.
  const int scale_blocks = form.file_inputs / kQuantBlock;
  std::memset(to, 0, device_row_group_bytes(type, n_in));
  for (int row = 0; row < kDeviceRows; ++row) {
    if (rows[row].weight == nullptr) continue;
    const WeightMatrix& w = *rows[row].weight;
    ASSAY_ASSERT(w.type == type && w.n_in == n_in, "the caller gives rows of one type and width");
    const int panel_row = rows[row].row % kQuantPanelRows;
    const Byte* panel = static_cast<const Byte*>(w.data) +
                        static_cast<std::size_t>(rows[row].row / kQuantPanelRows) * panel_bytes(type, n_in);
    const Byte* integers = panel + panel_scale_bytes(type, n_in);
    Byte* chunk = reinterpret_cast<Byte*>(to);
    for (int block = 0; block < n_in / kQuantBlock; ++block) {
      const int in_chunk = block % kDeviceBlocks;
      Byte u[kQuantBlock];
      read_panel_block(form.bits, integers + static_cast<std::ptrdiff_t>(block) * form.bits * kGroupBytes, panel_row,
                       u);
      write_block(form.bits, u, row, chunk + in_chunk * block_bytes);
      if (in_chunk == kDeviceBlocks - 1 || block == n_in / kQuantBlock - 1) {
        const int first = block - in_chunk;
        write_scales(type, in_chunk + 1,
                     panel + static_cast<std::size_t>(first / scale_blocks) * scale_bytes(form.scales), panel_row, row,
                     chunk + kDeviceBlocks * block_bytes);
        chunk += chunk_bytes;
      }
    }
  }
}

float device_weight_at(WeightType type, const std::byte* row_group, int row, int k) {
  const QuantizedForm form = quantized_form(type);
  const Byte* chunk = reinterpret_cast<const Byte*>(row_group) +
                      static_cast<std::ptrdiff_t>(k / kDeviceInputs) * device_chunk_bytes(type);
  const int b = k % kDeviceInputs / kQuantBlock, g = row % kDeviceRowPairs, high = row / kDeviceRowPairs;
  const Byte* block = chunk + b * device_block_bytes(form.bits);
  const Place place(row, k % kQuantBlock);
  int value = 0;
  if (form.bits == 8) {
    value = static_cast<std::int8_t>(get(whole_byte(place), block));
  } else {
    value = get(low_bits(place), block);
    if (form.bits == 5) value |= get(fifth_bit(place), block) << 4;
    if (form.bits == 6) value |= get(upper_two_bits(place), block) << 4;
    value -= form.offset;
  }
  const Byte* scales = chunk + kDeviceBlocks * device_block_bytes(form.bits);
  const Byte* bytes = scales + device_head_bytes(form.scales) + 32 * b + 4 * g + 2 * high;
  const auto number = static_cast<float>(value);
  switch (form.scales) {
    case ScaleForm::plain:
      return number * half_at(scales + 32 * b + 4 * g + 2 * high);
    case ScaleForm::with_addend: {
      const Byte* p = scales + 64 * b + 8 * g + 4 * high;
      return std::fma(number, half_at(p), half_at(p + 2));
    }
    case ScaleForm::super_with_addend: {
      const Byte* p = scales + 8 * g + 4 * high;
      return std::fma(number, half_at(p) * static_cast<float>(bytes[0]),
                      -half_at(p + 2) * static_cast<float>(bytes[1]));
    }
    case ScaleForm::super_of_sixteen:
      return number * (half_at(scales + 4 * g + 2 * high) *
                       static_cast<float>(static_cast<std::int8_t>(bytes[k % kQuantBlock / 16])));
  }
  return 0;
}

}  // namespace assay::kernels

#include "kernels/quantized/repack.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "harness/base/assert.h"
#include "kernels/quantized/quantized.h"

namespace assay::kernels {

namespace {

using Byte = std::uint8_t;

/// A block of the file, cut in blocks of 32 inputs: the unsigned integers of block `part`.
void read_integers(WeightType type, const Byte* block, int part, Byte* u) {
  const auto nibbles_of_32 = [u](const Byte* qs) {
    for (int j = 0; j < 16; ++j) {
      u[j] = qs[j] & 15;
      u[j + 16] = static_cast<Byte>(qs[j] >> 4);
    }
  };
  const auto fifth_bits_of_32 = [u](const Byte* qh) {
    for (int j = 0; j < 32; ++j) u[j] = static_cast<Byte>(u[j] | ((qh[j / 8] >> (j % 8)) & 1) << 4);
  };
  // K types: 64 inputs share 32 bytes, the first 32 inputs in the low nibbles.
  const auto nibbles_of_64 = [u](const Byte* qs, bool high) {
    for (int j = 0; j < 32; ++j) u[j] = high ? static_cast<Byte>(qs[j] >> 4) : qs[j] & 15;
  };
  switch (type) {
    case WeightType::q4_0:
      return nibbles_of_32(block + 2);
    case WeightType::q4_1:
      return nibbles_of_32(block + 4);
    case WeightType::q5_0:
      nibbles_of_32(block + 6);
      return fifth_bits_of_32(block + 2);
    case WeightType::q5_1:
      nibbles_of_32(block + 8);
      return fifth_bits_of_32(block + 4);
    case WeightType::q4_k:
      return nibbles_of_64(block + 16 + 32 * (part / 2), part % 2 != 0);
    case WeightType::q5_k:
      nibbles_of_64(block + 48 + 32 * (part / 2), part % 2 != 0);
      for (int j = 0; j < 32; ++j) u[j] = static_cast<Byte>(u[j] | ((block[16 + j] >> part) & 1) << 4);
      return;
    case WeightType::q6_k: {
      const int half = part / 4, quarter = part % 4;
      const Byte *low = block + 64 * half + 32 * (quarter % 2), *high = block + 128 + 32 * half;
      nibbles_of_64(low, quarter / 2 != 0);
      for (int j = 0; j < 32; ++j) u[j] = static_cast<Byte>(u[j] | ((high[j] >> (2 * quarter)) & 3) << 4);
      return;
    }
    default:
      for (int j = 0; j < 32; ++j) u[j] = block[2 + j] ^ 0x80;  // Q8_0: int8 + 128
  }
}

/// Puts 32 integers into one row's places of a block of a panel.
void write_integers(int bits, const Byte* u, int row, Byte* to) {
  std::uint32_t w[kGroups];
  std::memcpy(w, u, sizeof w);
  const auto put = [&](int vector, std::uint32_t four) { std::memcpy(to + vector * kGroupBytes + 4 * row, &four, 4); };
  if (bits == 8) {
    for (int g = 0; g < kGroups; ++g) put(g, w[g]);
    return;
  }
  for (int v = 0; v < 4; ++v) put(v, (w[v] & 0x0F0F0F0F) | (w[v + 4] & 0x0F0F0F0F) << 4);
  if (bits == 5) {
    std::uint32_t fifth = 0;
    for (int g = 0; g < kGroups; ++g) fifth |= (w[g] >> 4 & 0x01010101) << g;
    put(4, fifth);
  }
  if (bits == 6) {
    for (int p = 0; p < 2; ++p) {
      std::uint32_t upper = 0;
      for (int i = 0; i < 4; ++i) upper |= (w[4 * p + i] >> 4 & 0x03030303) << (2 * i);
      put(4 + p, upper);
    }
  }
}

/// Puts the scales of a block of the file into one row's places.
void write_scales(WeightType type, const Byte* block, int row, Byte* to) {
  const auto half = [&](int from, std::size_t at) {
    std::memcpy(to + at + 2 * static_cast<std::size_t>(row), block + from, 2);
  };
  switch (quantized_form(type).scales) {
    case ScaleForm::plain:
      return half(0, 0);
    case ScaleForm::with_addend:
      half(0, 0);
      return half(2, 32);
    case ScaleForm::super_with_addend: {
      half(0, 0);
      half(2, 32);
      const Byte* packed = block + 4;
      for (int s = 0; s < 8; ++s) {
        Byte* sub_block = to + 64 + 32 * s + row;
        sub_block[0] = s < 4 ? packed[s] & 63 : static_cast<Byte>((packed[s + 4] & 15) | (packed[s - 4] >> 6) << 4);
        sub_block[16] = s < 4 ? packed[s + 4] & 63 : static_cast<Byte>(packed[s + 4] >> 4 | (packed[s] >> 6) << 4);
      }
      return;
    }
    case ScaleForm::super_of_sixteen:
      half(208, 0);
      for (int s = 0; s < 16; ++s) to[32 + 16 * s + row] = block[192 + s];
  }
}

void repack_panel(WeightType type, int n_in, const std::byte* const* rows, Byte* panel) {
  const QuantizedForm form = quantized_form(type);
  const int parts = form.file_inputs / kQuantBlock, n_file_blocks = n_in / form.file_inputs;
  Byte* scales = panel;
  Byte* integers = panel + panel_scale_bytes(type, n_in);
  for (int b = 0; b < n_file_blocks; ++b, scales += scale_bytes(form.scales)) {
    for (int row = 0; row < kQuantPanelRows; ++row) {
      const auto* block = reinterpret_cast<const Byte*>(rows[row]) + static_cast<std::ptrdiff_t>(b) * form.file_bytes;
      write_scales(type, block, row, scales);
      for (int part = 0; part < parts; ++part) {
        Byte u[kQuantBlock];
        read_integers(type, block, part, u);
        write_integers(form.bits, u, row, integers + part * form.bits * kGroupBytes);
      }
    }
    integers += parts * form.bits * kGroupBytes;
  }
}

}  // namespace

std::size_t file_row_bytes(WeightType type, int n_in) {
  const QuantizedForm form = quantized_form(type);
  return static_cast<std::size_t>(n_in / form.file_inputs) * static_cast<std::size_t>(form.file_bytes);
}

RepackedWeight repack(ThreadPool& pool, WeightType type, int n_in, std::span<const std::byte* const> rows) {
  ASSAY_ASSERT(is_quantized(type), "the other types are multiplied as the file has them");
  ASSAY_ASSERT(n_in % quantized_form(type).file_inputs == 0, "the reader of a file checks that rows are whole blocks");
  const int n_out = static_cast<int>(rows.size());
  const std::size_t bytes_a_panel = panel_bytes(type, n_in),
                    total = bytes_a_panel * static_cast<std::size_t>(n_panels(n_out));
  RepackedWeight weight;
  weight.data_ = allocate_large(total);
  weight.size_bytes_ = total;
  weight.matrix_ = {weight.data_.get(), type, n_out, n_in, nullptr};
  const std::vector<std::byte> no_row(file_row_bytes(type, n_in));
  pool.for_each(n_panels(n_out), [&](int p, float*) {
    const std::byte* panel_rows[kQuantPanelRows];
    for (int row = 0; row < kQuantPanelRows; ++row) {
      const std::size_t n = static_cast<std::size_t>(p) * kQuantPanelRows + static_cast<std::size_t>(row);
      panel_rows[row] = n < rows.size() ? rows[n] : no_row.data();
    }
    auto* panel = reinterpret_cast<Byte*>(weight.data_.get()) + static_cast<std::size_t>(p) * bytes_a_panel;
    repack_panel(type, n_in, panel_rows, panel);
  });
  return weight;
}

}  // namespace assay::kernels

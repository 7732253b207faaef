#include "runners/formats/gguf/dequantize.h"

#include <cstdint>

#include "harness/base/assert.h"
#include "runners/formats/gguf/gguf_bytes.h"

namespace assay::runners {

namespace {

constexpr int kSmallBlock = 32;
constexpr int kLargeBlock = 256;
constexpr int kParts = 8;  // of a large block
constexpr int kPartSize = kLargeBlock / kParts;

float f16_at(const std::byte* bytes) { return f16_to_float(read_little_endian<std::uint16_t>(bytes)); }
int byte_at(const std::byte* bytes, int i) { return std::to_integer<int>(bytes[i]); }
int signed_at(const std::byte* bytes, int i) { return static_cast<std::int8_t>(bytes[i]); }

/// Value `i` of 32 nibbles: the low halves first, then the high ones.
int nibble(const std::byte* qs, int i) { return i < 16 ? byte_at(qs, i) & 15 : byte_at(qs, i - 16) >> 4; }

void q4_0(const std::byte* block, float* out) {
  const float d = f16_at(block);
  for (int i = 0; i < kSmallBlock; ++i) out[i] = static_cast<float>(nibble(block + 2, i) - 8) * d;
}

void q4_1(const std::byte* block, float* out) {
  const float d = f16_at(block), m = f16_at(block + 2);
  for (int i = 0; i < kSmallBlock; ++i) out[i] = static_cast<float>(nibble(block + 4, i)) * d + m;
}

/// Value `i` of 32 five-bit numbers: `qh` holds the upper bits.
int five_bits(std::uint32_t qh, const std::byte* qs, int i) {
  return nibble(qs, i) | static_cast<int>((qh >> i & 1u) << 4);
}

void q5_0(const std::byte* block, float* out) {
  const float d = f16_at(block);
  const auto qh = read_little_endian<std::uint32_t>(block + 2);
  for (int i = 0; i < kSmallBlock; ++i) out[i] = static_cast<float>(five_bits(qh, block + 6, i) - 16) * d;
}

void q5_1(const std::byte* block, float* out) {
  const float d = f16_at(block), m = f16_at(block + 2);
  const auto qh = read_little_endian<std::uint32_t>(block + 4);
  for (int i = 0; i < kSmallBlock; ++i) out[i] = static_cast<float>(five_bits(qh, block + 8, i)) * d + m;
}

void q8_0(const std::byte* block, float* out) {
  const float d = f16_at(block);
  for (int i = 0; i < kSmallBlock; ++i) out[i] = static_cast<float>(signed_at(block + 2, i)) * d;
}

struct PartScale {
  int scale;
  int minimum;
};

/// The six-bit numbers of part `p`, unpacked from the 12 bytes `s`: parts 4 to 7 have their upper two bits in the bytes
/// of parts 0 to 3.
PartScale part_scale(const std::byte* s, int p) {
  if (p < 4) return {byte_at(s, p) & 63, byte_at(s, p + 4) & 63};
  return {(byte_at(s, p + 4) & 15) | (byte_at(s, p - 4) >> 6 << 4), byte_at(s, p + 4) >> 4 | (byte_at(s, p) >> 6 << 4)};
}

/// What Q4_K and Q5_K share; `qh` is nullptr where there are no fifth bits.
void k_parts(const std::byte* block, const std::byte* qh, const std::byte* qs, float* out) {
  const float d = f16_at(block), dmin = f16_at(block + 2);
  for (int p = 0; p < kParts; ++p) {
    const PartScale part = part_scale(block + 4, p);
    const float scale = d * static_cast<float>(part.scale);
    const float minimum = dmin * static_cast<float>(part.minimum);
    for (int l = 0; l < kPartSize; ++l) {
      const int packed = byte_at(qs, kPartSize * (p / 2) + l);
      const int low = p % 2 == 0 ? packed & 15 : packed >> 4;
      const int fifth = qh == nullptr ? 0 : (byte_at(qh, l) >> p & 1) << 4;
      out[kPartSize * p + l] = scale * static_cast<float>(low | fifth) - minimum;
    }
  }
}

void q4_k(const std::byte* block, float* out) { k_parts(block, nullptr, block + 16, out); }
void q5_k(const std::byte* block, float* out) { k_parts(block, block + 16, block + 48, out); }

void q6_k(const std::byte* block, float* out) {
  const float d = f16_at(block + 208);
  for (int half = 0; half < 2; ++half) {
    const std::byte* ql = block + 64 * half;
    const std::byte* qh = block + 128 + 32 * half;
    const std::byte* scales = block + 192 + 8 * half;
    for (int i = 0; i < kLargeBlock / 2; ++i) {
      // Four runs of 32: the first two have the low nibbles of ql, the last two the high ones; run r has bits 2r of qh.
      const int run = i / 32, l = i % 32;
      const int packed = byte_at(ql, i % 64);
      const int low = run < 2 ? packed & 15 : packed >> 4;
      const int high = (byte_at(qh, l) >> (2 * run) & 3) << 4;
      const int scaled = signed_at(scales, i / 16) * ((low | high) - 32);
      out[128 * half + i] = d * static_cast<float>(scaled);
    }
  }
}

using BlockFunction = void (*)(const std::byte* block, float* out);

BlockFunction block_function(DType dtype) {
  switch (dtype) {
    case DType::q4_0:
      return q4_0;
    case DType::q4_1:
      return q4_1;
    case DType::q5_0:
      return q5_0;
    case DType::q5_1:
      return q5_1;
    case DType::q8_0:
      return q8_0;
    case DType::q4_k:
      return q4_k;
    case DType::q5_k:
      return q5_k;
    default:
      ASSAY_ASSERT(dtype == DType::q6_k, "the caller passes quantised types only");
      return q6_k;
  }
}

}  // namespace

void dequantize(DType dtype, std::span<const std::byte> blocks, std::span<float> out) {
  const BlockFunction to_floats = block_function(dtype);
  const auto size_bytes = static_cast<std::size_t>(bits(dtype)) / 8;
  const auto n_elements = static_cast<std::size_t>(block_elements(dtype));
  const std::size_t n_blocks = blocks.size() / size_bytes;
  ASSAY_ASSERT(n_blocks * size_bytes == blocks.size(), "the caller passes whole blocks");
  ASSAY_ASSERT(n_blocks * n_elements == out.size(), "the caller passes a float for each value");
  for (std::size_t i = 0; i < n_blocks; ++i) to_floats(blocks.data() + i * size_bytes, out.data() + i * n_elements);
}

}  // namespace assay::runners

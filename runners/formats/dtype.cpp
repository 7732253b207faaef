#include "runners/formats/dtype.h"

#include <array>
#include <bit>
#include <cmath>

#include "harness/base/assert.h"

namespace assay::runners {

namespace {

struct DTypeFacts {
  DType dtype;
  std::string_view name;
  int bits;
  bool loadable;
  int block_elements = 1;
};

constexpr std::array<DTypeFacts, 28> kDTypes = {{
    {DType::f32, "F32", 32, true},
    {DType::f16, "F16", 16, true},
    {DType::bf16, "BF16", 16, true},
    {DType::f8_e4m3, "F8_E4M3", 8, true},
    {DType::i64, "I64", 64, true},
    {DType::i32, "I32", 32, true},
    {DType::boolean, "BOOL", 8, false},
    {DType::u8, "U8", 8, false},
    {DType::i8, "I8", 8, false},
    {DType::i16, "I16", 16, false},
    {DType::u16, "U16", 16, false},
    {DType::u32, "U32", 32, false},
    {DType::u64, "U64", 64, false},
    {DType::f64, "F64", 64, false},
    {DType::c64, "C64", 64, false},
    {DType::f8_e5m2, "F8_E5M2", 8, false},
    {DType::f8_e8m0, "F8_E8M0", 8, false},
    {DType::f6_e2m3, "F6_E2M3", 6, false},
    {DType::f6_e3m2, "F6_E3M2", 6, false},
    {DType::f4, "F4", 4, false},
    {DType::q4_0, "Q4_0", 18 * 8, true, 32},
    {DType::q4_1, "Q4_1", 20 * 8, true, 32},
    {DType::q5_0, "Q5_0", 22 * 8, true, 32},
    {DType::q5_1, "Q5_1", 24 * 8, true, 32},
    {DType::q8_0, "Q8_0", 34 * 8, true, 32},
    {DType::q4_k, "Q4_K", 144 * 8, true, 256},
    {DType::q5_k, "Q5_K", 176 * 8, true, 256},
    {DType::q6_k, "Q6_K", 210 * 8, true, 256},
}};

const DTypeFacts& facts(DType dtype) {
  for (const DTypeFacts& entry : kDTypes) {
    if (entry.dtype == dtype) return entry;
  }
  ASSAY_ASSERT(false, "the table names every enumerator");
  return kDTypes[0];
}

}  // namespace

int bits(DType dtype) { return facts(dtype).bits; }
int block_elements(DType dtype) { return facts(dtype).block_elements; }
bool is_quantized(DType dtype) { return facts(dtype).block_elements > 1; }
std::string_view name(DType dtype) { return facts(dtype).name; }
bool is_loadable(DType dtype) { return facts(dtype).loadable; }

std::optional<DType> parse_dtype(std::string_view name) {
  for (const DTypeFacts& entry : kDTypes) {
    if (entry.name == name && entry.block_elements == 1) return entry.dtype;
  }
  return std::nullopt;
}

float bf16_to_float(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

float f16_to_float(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1Fu;
  const std::uint32_t mantissa = bits & 0x3FFu;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000u | (mantissa << 13));  // infinity or NaN
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 127 - 15) << 23) | (mantissa << 13));
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;  // subnormal or zero
  return sign == 0 ? magnitude : -magnitude;
}

std::uint16_t float_to_bf16(float value) {
  const auto wide = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(wide >> 16 | 0x40u);
  return static_cast<std::uint16_t>((wide + 0x7FFFu + (wide >> 16 & 1u)) >> 16);
}

std::uint16_t float_to_f16(float value) {
  const std::uint32_t sign = std::signbit(value) ? 0x8000u : 0u;
  const float magnitude = std::fabs(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7E00u);
  if (magnitude >= 65520.0f) return static_cast<std::uint16_t>(sign | 0x7C00u);
  if (magnitude < 0x1p-14f) {
    // Subnormals are multiples of 2^-24; 1024 of them carry into the smallest normal, whose code is 1024.
    return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(std::nearbyint(magnitude * 0x1p24f)));
  }
  const auto wide = std::bit_cast<std::uint32_t>(magnitude);
  const std::uint32_t rounded = (wide + 0xFFFu + (wide >> 13 & 1u)) >> 13;
  return static_cast<std::uint16_t>(sign | (rounded - ((127u - 15u) << 10)));
}

float e4m3_to_float(std::uint8_t bits) {
  const std::uint32_t sign = std::uint32_t{bits & 0x80u} << 24;
  const std::uint32_t exponent = (bits >> 3) & 0xFu;
  const std::uint32_t mantissa = bits & 7u;
  if (exponent == 0xF && mantissa == 7) return std::bit_cast<float>(sign | 0x7FC00000u);
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 127 - 7) << 23) | (mantissa << 20));
  const float magnitude = static_cast<float>(mantissa) * 0x1p-9f;  // subnormal or zero
  return sign == 0 ? magnitude : -magnitude;
}

std::uint8_t float_to_e4m3(float value) {
  constexpr std::uint8_t kLargest = 0x7E;
  if (std::isnan(value)) return 0x7F;
  const std::uint8_t sign = std::signbit(value) ? 0x80 : 0;
  const float magnitude = std::fabs(value);
  if (magnitude >= 448.0f) return sign | kLargest;
  if (magnitude < 0x1p-6f) {
    // Subnormals are multiples of 2^-9; eight of them carry into the smallest normal, whose code is 8.
    return static_cast<std::uint8_t>(sign | static_cast<std::uint8_t>(std::nearbyint(magnitude * 0x1p9f)));
  }
  // Keep three of the 23 mantissa bits: add just under half of the last place, and one more if that place is odd.
  const std::uint32_t wide = std::bit_cast<std::uint32_t>(magnitude);
  const std::uint32_t rounded = (wide + 0x7FFFFu + ((wide >> 20) & 1u)) >> 20;
  const std::uint32_t code = rounded - ((127u - 7u) << 3);
  return static_cast<std::uint8_t>(sign | code);  // below 448 nothing rounds past 0x7E
}

}  // namespace assay::runners

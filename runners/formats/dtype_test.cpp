#include "runners/formats/dtype.h"

#include <bit>
#include <cmath>
#include <limits>
#include <set>

#include "tests/support/catch.h"

using namespace assay::runners;

namespace {

/// The OCP 8-bit specification's formula for E4M3, in double: another way than the bit patterns of the code.
double e4m3_by_formula(int byte) {
  const int exponent = (byte >> 3) & 15;
  const int mantissa = byte & 7;
  if (exponent == 15 && mantissa == 7) return std::numeric_limits<double>::quiet_NaN();
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa / 8.0, -6) : std::ldexp(1 + mantissa / 8.0, exponent - 7);
  return (byte & 0x80) != 0 ? -magnitude : magnitude;
}

/// The nearest code by looking at all of them; of two that are equally near, the even one.
int nearest_e4m3(double value) {
  int best = 0;
  for (int code = 1; code <= 0x7E; ++code) {
    const double distance = std::fabs(e4m3_by_formula(code) - std::fabs(value));
    const double best_distance = std::fabs(e4m3_by_formula(best) - std::fabs(value));
    if (distance < best_distance || (distance == best_distance && code % 2 == 0)) best = code;
  }
  return std::signbit(value) ? best | 0x80 : best;
}

}  // namespace

TEST_CASE("e4m3: all 256 bytes decode as the formula says", "[dtype]") {
  for (int byte = 0; byte < 256; ++byte) {
    const float value = e4m3_to_float(static_cast<std::uint8_t>(byte));
    CAPTURE(byte);
    if (std::isnan(e4m3_by_formula(byte))) {
      CHECK(std::isnan(value));
      continue;
    }
    CHECK(static_cast<double>(value) == e4m3_by_formula(byte));
    CHECK(std::signbit(value) == (byte >= 0x80));
  }
}

// Values of the OCP 8-bit Floating Point Specification, table 2, and powers of two by hand.
TEST_CASE("e4m3: known bytes", "[dtype]") {
  const auto [byte, value] = GENERATE(table<int, float>({{0x01, 0.001953125f},
                                                         {0x07, 0.013671875f},
                                                         {0x08, 0.015625f},
                                                         {0x38, 1.0f},
                                                         {0x40, 2.0f},
                                                         {0x77, 240.0f},
                                                         {0x7E, 448.0f},
                                                         {0xFE, -448.0f}}));
  CHECK(e4m3_to_float(static_cast<std::uint8_t>(byte)) == value);
}

TEST_CASE("e4m3: encoding a decoded byte gives the byte", "[dtype]") {
  for (int byte = 0; byte < 256; ++byte) {
    if ((byte & 0x7F) == 0x7F) continue;
    CHECK(int{float_to_e4m3(e4m3_to_float(static_cast<std::uint8_t>(byte)))} == byte);
  }
}

// The list was computed with another implementation (ml_dtypes' float8_e4m3fn, saturated) when the format was
// described.
TEST_CASE("e4m3: rounding to nearest even, saturation, NaN", "[dtype]") {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto [value, code] = GENERATE_COPY(table<float, int>({{1.0f, 0x38},
                                                              {0.1f, 0x1D},
                                                              {-0.3f, 0xAA},
                                                              {3.14159f, 0x45},
                                                              {17.5f, 0x59},
                                                              {18.5f, 0x59},
                                                              {17.0f, 0x58},
                                                              {19.0f, 0x5A},
                                                              {447.0f, 0x7E},
                                                              {464.0f, 0x7E},
                                                              {1000.0f, 0x7E},
                                                              {0.001f, 0x01},
                                                              {0x1p-10f, 0x00},
                                                              {1.5f * 0x1p-9f, 0x02},
                                                              {-0.0f, 0x80},
                                                              {infinity, 0x7E},
                                                              {-infinity, 0xFE}}));
  CAPTURE(value);
  CHECK(int{float_to_e4m3(value)} == code);
  CHECK(int{float_to_e4m3(std::numeric_limits<float>::quiet_NaN())} == 0x7F);
}

TEST_CASE("e4m3: every midpoint and its neighbours round as a search over all codes does", "[dtype]") {
  for (int code = 0; code < 0x7E; ++code) {
    const auto midpoint = static_cast<float>((e4m3_by_formula(code) + e4m3_by_formula(code + 1)) / 2);
    for (const float magnitude : {midpoint, std::nextafter(midpoint, 0.0f), std::nextafter(midpoint, 1e9f)}) {
      for (const float value : {magnitude, -magnitude}) {
        CAPTURE(code, value);
        CHECK(int{float_to_e4m3(value)} == nearest_e4m3(value));
      }
    }
  }
}

#ifdef __FLT16_MAX__
// The compiler's own half-precision type is the other implementation.
TEST_CASE("f16: all 65536 patterns decode as the compiler's type does", "[dtype]") {
  int n_wrong = 0;
  for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
    const auto bits16 = static_cast<std::uint16_t>(pattern);
    const auto expected = static_cast<float>(std::bit_cast<_Float16>(bits16));
    const float value = f16_to_float(bits16);
    const bool same = std::isnan(expected)
                          ? std::isnan(value)
                          : std::bit_cast<std::uint32_t>(value) == std::bit_cast<std::uint32_t>(expected);
    n_wrong += same ? 0 : 1;
  }
  CHECK(n_wrong == 0);
}

TEST_CASE("f16: rounding is the compiler's, at every midpoint between two patterns and beside it", "[dtype]") {
  int n_wrong = 0;
  for (std::uint32_t pattern = 0; pattern < 0x7C00; ++pattern) {
    const float low = f16_to_float(static_cast<std::uint16_t>(pattern));
    const float high = pattern == 0x7BFF ? 65536.0f : f16_to_float(static_cast<std::uint16_t>(pattern + 1));
    const float midpoint = (low + high) / 2;
    for (const float magnitude : {low, midpoint, std::nextafter(midpoint, 0.0f), std::nextafter(midpoint, 1e9f)}) {
      for (const float value : {magnitude, -magnitude}) {
        n_wrong += float_to_f16(value) == std::bit_cast<std::uint16_t>(static_cast<_Float16>(value)) ? 0 : 1;
      }
    }
  }
  CHECK(n_wrong == 0);
  CHECK(std::isnan(f16_to_float(float_to_f16(std::numeric_limits<float>::quiet_NaN()))));
  CHECK(f16_to_float(float_to_f16(-1e9f)) == -std::numeric_limits<float>::infinity());
}
#endif

// IEEE 754 binary32's upper half, by hand.
TEST_CASE("bf16: known patterns", "[dtype]") {
  CHECK(bf16_to_float(0x3F80) == 1.0f);
  CHECK(bf16_to_float(0xC049) == -3.140625f);
  CHECK(bf16_to_float(0x0001) == 0x1p-133f);
  CHECK(bf16_to_float(0xFF80) == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(bf16_to_float(0x7FC0)));
  CHECK(std::signbit(bf16_to_float(0x8000)));
}

// By hand: 1 + 2^-8 lies halfway between 0x3F80 and 0x3F81, 1 + 3·2^-8 between 0x3F81 and 0x3F82.
TEST_CASE("bf16: rounding to nearest even, overflow, NaN", "[dtype]") {
  const auto [value, code] = GENERATE(table<float, int>({{1.0f, 0x3F80},
                                                         {1.00390625f, 0x3F80},
                                                         {1.01171875f, 0x3F82},
                                                         {1.00390637f, 0x3F81},
                                                         {-3.140625f, 0xC049},
                                                         {3.4028235e38f, 0x7F80},
                                                         {-0.0f, 0x8000}}));
  CAPTURE(value);
  CHECK(int{float_to_bf16(value)} == code);
  CHECK(std::isnan(bf16_to_float(float_to_bf16(std::numeric_limits<float>::signaling_NaN()))));
}

// Names and widths as in huggingface/safetensors, tensor.rs.
TEST_CASE("dtype: names, widths and what can be loaded", "[dtype]") {
  const auto [text, width] = GENERATE(table<std::string, int>(
      {{"BOOL", 8}, {"U8", 8},   {"I8", 8},    {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"I16", 16},
       {"U16", 16}, {"F16", 16}, {"BF16", 16}, {"I32", 32},    {"U32", 32},    {"F32", 32},    {"I64", 64},
       {"U64", 64}, {"F64", 64}, {"C64", 64},  {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}}));
  const auto dtype = parse_dtype(text);
  REQUIRE(dtype);
  CHECK(name(*dtype) == text);
  CHECK(bits(*dtype) == width);
  const std::set<std::string> loadable = {"F32", "F16", "BF16", "F8_E4M3", "I64", "I32"};
  CHECK(is_loadable(*dtype) == loadable.contains(text));
  CHECK_FALSE(parse_dtype("f32"));
  CHECK_FALSE(parse_dtype(""));
}

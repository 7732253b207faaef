#include "runners/formats/gguf/dequantize.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include "runners/formats/gguf/test_gguf.h"
#include "runners/formats/tensor_view.h"
#include "tests/support/catch.h"

using namespace assay::runners;

namespace {

const std::string kD = raw(std::uint16_t{0x2C00});    // 0.0625
const std::string kMin = raw(std::uint16_t{0x2800});  // 0.03125

/// n bytes: byte i is (a i + b) mod 256.
std::string g(int n, int a, int b) {
  std::string bytes;
  for (int i = 0; i < n; ++i) bytes += static_cast<char>(static_cast<unsigned char>(a * i + b));
  return bytes;
}

std::vector<float> values_of(DType dtype, const std::string& blocks) {
  const std::size_t n_blocks = blocks.size() * 8 / static_cast<std::size_t>(bits(dtype));
  std::vector<float> values(n_blocks * static_cast<std::size_t>(block_elements(dtype)));
  dequantize(dtype, std::as_bytes(std::span(blocks)), values);
  return values;
}

using Values = std::map<std::size_t, float>;

void check(const std::vector<float>& values, const Values& expected) {
  for (const auto& [index, value] : expected) {
    CAPTURE(index);
    CHECK(values[index] == value);
  }
}

std::string block(DType dtype) {
  const std::string scales = g(12, 37, 11);
  switch (dtype) {
    case DType::q4_0:
      return kD + g(16, 73, 5);
    case DType::q4_1:
      return kD + kMin + g(16, 73, 5);
    case DType::q5_0:
      return kD + g(4, 91, 17) + g(16, 73, 5);
    case DType::q5_1:
      return kD + kMin + g(4, 91, 17) + g(16, 73, 5);
    case DType::q8_0:
      return kD + g(32, 73, 5);
    case DType::q4_k:
      return kD + kMin + scales + g(128, 73, 5);
    case DType::q5_k:
      return kD + kMin + scales + g(32, 91, 17) + g(128, 73, 5);
    default:
      return g(128, 73, 5) + g(64, 91, 17) + g(16, 29, 3) + kD;
  }
}

}  // namespace

// The expected values were computed apart from this code, from the layouts of ggml-common.h and ggml-quants.c.
TEST_CASE("dequantize: blocks of 32", "[gguf]") {
  check(
      values_of(DType::q4_0, block(DType::q4_0)),
      {{0, -0.1875f}, {1, 0.375f}, {2, -0.0625f}, {3, -0.5f}, {16, -0.5f}, {17, -0.25f}, {18, 0.0625f}, {19, 0.375f}});
  check(values_of(DType::q4_1, block(DType::q4_1)), {{0, 0.34375f},
                                                     {1, 0.90625f},
                                                     {2, 0.46875f},
                                                     {3, 0.03125f},
                                                     {16, 0.03125f},
                                                     {17, 0.28125f},
                                                     {18, 0.59375f},
                                                     {19, 0.90625f}});
  check(values_of(DType::q5_0, block(DType::q5_0)),
        {{0, 0.3125f}, {1, -0.125f}, {2, -0.5625f}, {3, -1.0f}, {16, 0.0f}, {17, 0.25f}, {18, 0.5625f}, {19, -0.125f}});
  // By hand. Q5_1 is Q5_0's (q - 16) d with 16 d = 1 and m = 0.03125 added. Q8_0: bytes 5, 78, 151, 224 as signed.
  check(values_of(DType::q5_1, block(DType::q5_1)),
        {{0, 1.34375f}, {1, 0.90625f}, {2, 0.46875f}, {3, 0.03125f}, {16, 1.03125f}, {19, 0.90625f}});
  check(values_of(DType::q8_0, block(DType::q8_0)), {{0, 0.3125f}, {1, 4.875f}, {2, -6.5625f}, {3, -2.0f}});
}

TEST_CASE("dequantize: blocks of 256", "[gguf]") {
  check(values_of(DType::q4_k, block(DType::q4_k)), {{0, 2.46875f},
                                                     {1, 8.65625f},
                                                     {31, 7.28125f},
                                                     {32, -0.125f},
                                                     {33, 11.875f},
                                                     {64, 5.28125f},
                                                     {100, 14.0625f},
                                                     {128, -0.15625f},
                                                     {200, 21.84375f},
                                                     {255, 3.0625f}});
  check(values_of(DType::q5_k, block(DType::q5_k)), {{0, 13.46875f},
                                                     {1, 8.65625f},
                                                     {31, 7.28125f},
                                                     {32, -0.125f},
                                                     {33, 11.875f},
                                                     {64, 5.28125f},
                                                     {100, 72.0625f},
                                                     {128, 2.84375f},
                                                     {200, 50.84375f},
                                                     {255, 3.0625f}});
  check(values_of(DType::q6_k, block(DType::q6_k)), {{0, -2.0625f},
                                                     {1, -3.375f},
                                                     {16, -22.0f},
                                                     {32, -102.9375f},
                                                     {64, -119.0f},
                                                     {96, 148.125f},
                                                     {127, 53.125f},
                                                     {128, 14.4375f},
                                                     {200, -142.5f},
                                                     {255, 60.125f}});
}

TEST_CASE("dequantize: blocks one behind the other are each their own", "[gguf]") {
  const DType dtype =
      GENERATE(DType::q4_0, DType::q4_1, DType::q5_0, DType::q5_1, DType::q8_0, DType::q4_k, DType::q5_k, DType::q6_k);
  CAPTURE(name(dtype));
  const std::string one = block(dtype);
  REQUIRE(one.size() * 8 == static_cast<std::size_t>(bits(dtype)));
  std::string other = one;
  other[other.size() / 2] ^= '\x55';
  std::vector<float> expected = values_of(dtype, one);
  const std::vector<float> last = values_of(dtype, other);
  expected.insert(expected.end(), last.begin(), last.end());
  CHECK(values_of(dtype, one + other) == expected);
  CHECK(values_of(dtype, "").empty());

  const std::string both = one + other;
  const TensorView tensor{"t", dtype, {2, block_elements(dtype)}, std::as_bytes(std::span(both))};
  const auto read = read_floats(tensor);
  REQUIRE(read);
  CHECK(*read == expected);
}

#include "kernels/matmul/matmul.h"

#include <cstring>

#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/support/simd_levels.h"

using namespace assay::kernels;
using namespace assay::tests;

namespace {

/// A weight of any stored type with its own memory.
struct StoredWeight {
  std::vector<std::uint8_t> bytes;
  std::vector<float> scales;
  WeightMatrix matrix;
};

StoredWeight random_weight(std::mt19937& generator, WeightType type, int n_out, int n_in) {
  StoredWeight w;
  const std::size_t n = static_cast<std::size_t>(n_out) * static_cast<std::size_t>(n_in);
  if (type == WeightType::f8_e4m3) {
    w.bytes.resize(n);
    for (auto& b : w.bytes) {
      do b = static_cast<std::uint8_t>(generator());
      while ((b & 0x7F) == 0x7F);  // not a number
    }
    const int blocks = ((n_out + 127) / 128) * ((n_in + 127) / 128);
    std::uniform_real_distribution<float> spread(0.001f, 0.1f);
    for (int i = 0; i < blocks; ++i) w.scales.push_back(spread(generator));
  } else if (type == WeightType::f32) {
    const auto values = normal_floats(generator, n);
    w.bytes.resize(n * 4);
    std::memcpy(w.bytes.data(), values.data(), w.bytes.size());
  } else {
    w.bytes.resize(n * 2);
    for (std::size_t i = 0; i < n; ++i) {
      auto bits = static_cast<std::uint16_t>(generator());
      // Exponents near 1, so that sums stay finite: bf16 has 8 exponent bits, f16 has 5; subnormals come in below.
      bits = type == WeightType::bf16 ? static_cast<std::uint16_t>((bits & 0x81FF) | 0x3C00)
                                      : static_cast<std::uint16_t>(bits & 0xBFFF);
      std::memcpy(w.bytes.data() + 2 * i, &bits, 2);
    }
  }
  w.matrix = {w.bytes.data(), type, n_out, n_in, w.scales.empty() ? nullptr : w.scales.data()};
  return w;
}

std::vector<float> product(SimdLevel level, int n_threads, const std::vector<float>& x, int m, const WeightMatrix& w) {
  ThreadPool pool(n_threads);
  std::vector<float> y(static_cast<std::size_t>(m) * static_cast<std::size_t>(w.n_out));
  matmul(cpu_ops(level), pool, {x.data(), w.n_in, m, w, y.data(), w.n_out});
  return y;
}

}  // namespace

// The reference sums in float64; 16 lanes in float32 err by at most about (n_in / 16 + 5) · 2^-24 of Σ|x·w|.
TEST_CASE("matmul: agrees with float64 for every stored form and odd shape", "[kernels]") {
  const auto type = GENERATE(WeightType::f32, WeightType::f16, WeightType::bf16, WeightType::f8_e4m3);
  struct Shape {
    int m, n_out, n_in;
  };
  const auto [m, n_out, n_in] = GENERATE(values<Shape>(
      {{1, 1, 1}, {1, 5, 16}, {3, 17, 15}, {4, 16, 128}, {7, 130, 130}, {33, 64, 257}, {2, 576, 256}, {5, 3, 1000}}));
  std::mt19937 generator(1234);
  const StoredWeight w = random_weight(generator, type, n_out, n_in);
  const auto x = normal_floats(generator, static_cast<std::size_t>(m * n_in));
  std::vector<float> expected(static_cast<std::size_t>(m * n_out));
  matmul_ref({x.data(), n_in, m, w.matrix, expected.data(), n_out});
  CHECK(relative_error(product(best_simd_level(), 2, x, m, w.matrix), expected) < 3e-7);
}

TEST_CASE("matmul: the same bits at every level, thread count and number of rows", "[kernels][invariance]") {
  const auto type = GENERATE(WeightType::f32, WeightType::f16, WeightType::bf16, WeightType::f8_e4m3);
  const int m = 21, n_out = 190, n_in = GENERATE(128, 203);
  std::mt19937 generator(99);
  const StoredWeight w = random_weight(generator, type, n_out, n_in);
  const auto x = normal_floats(generator, static_cast<std::size_t>(m * n_in));
  const auto expected = product(SimdLevel::scalar, 1, x, m, w.matrix);
  for (const SimdLevel level : available_levels()) {
    CHECK(product(level, 1, x, m, w.matrix) == expected);
    CHECK(product(level, 3, x, m, w.matrix) == expected);
    for (int row = 0; row < m; row += 4) {
      const std::vector<float> one(x.begin() + row * n_in, x.begin() + (row + 1) * n_in);
      const auto alone = product(level, 1, one, 1, w.matrix);
      CHECK(std::equal(alone.begin(), alone.end(), expected.begin() + row * n_out));
    }
  }
}

// The order of additions that the contract promises, spelled out by hand for 40 = 2·16 + 8 terms.
TEST_CASE("matmul: sums in 16 lanes and then as a tree", "[kernels][invariance]") {
  std::mt19937 generator(7);
  const auto x = normal_floats(generator, 40), w = normal_floats(generator, 40);
  float lane[16] = {};
  for (int k = 0; k < 48; ++k) lane[k % 16] = std::fma(k < 40 ? x[k] : 0.0f, k < 40 ? w[k] : 0.0f, lane[k % 16]);
  for (int width = 8; width > 0; width /= 2) {
    for (int l = 0; l < width; ++l) lane[l] += lane[l + width];
  }
  for (const SimdLevel level : available_levels()) {
    CHECK(product(level, 1, x, 1, {w.data(), WeightType::f32, 1, 40}) == std::vector<float>{lane[0]});
  }
}

// spec/fp8.md section 2 gives these bytes and values.
TEST_CASE("matmul: E4M3 bytes widen to their values", "[kernels]") {
  const auto [byte, value] = GENERATE(table<int, float>({{0x01, 0.001953125f},
                                                         {0x07, 0.013671875f},
                                                         {0x08, 0.015625f},
                                                         {0x38, 1.0f},
                                                         {0x40, 2.0f},
                                                         {0x77, 240.0f},
                                                         {0x7E, 448.0f},
                                                         {0xFE, -448.0f},
                                                         {0x80, -0.0f},
                                                         {0xAA, -0.3125f}}));
  const std::vector<std::uint8_t> bytes(16, static_cast<std::uint8_t>(byte));
  const float scale = 1;
  const WeightMatrix w{bytes.data(), WeightType::f8_e4m3, 1, 16, &scale};
  CHECK(weight_at(w, 0, 3) == value);
  std::vector<float> x(16, 0.0f);
  x[5] = 1;
  for (const SimdLevel level : available_levels()) CHECK(product(level, 1, x, 1, w)[0] == value);
}

TEST_CASE("matmul: a ragged E4M3 weight takes the scale of its own block", "[kernels]") {
  // spec/fp8.md section 6 d: N = K = 130 has 2 x 2 scales; (129,129) uses S[1][1], (127,128) uses S[0][1].
  std::vector<std::uint8_t> bytes(130 * 130, 0x38);
  const float scales[] = {1, 2, 3, 4};
  const WeightMatrix w{bytes.data(), WeightType::f8_e4m3, 130, 130, scales};
  CHECK(weight_at(w, 129, 129) == 4);
  CHECK(weight_at(w, 127, 128) == 2);
  std::vector<float> x(130, 0.0f);
  x[129] = 1;
  const auto y = product(best_simd_level(), 1, x, 1, w);
  CHECK(y[127] == 2);
  CHECK(y[128] == 4);
}

TEST_CASE("matmul: a range of columns is those columns of the whole, and touches no others", "[kernels][invariance]") {
  std::mt19937 generator(17);
  constexpr int n_in = 96, n_out = 200, m = 5;
  const std::vector<float> x = normal_floats(generator, m * n_in);
  for (const WeightType type : {WeightType::f32, WeightType::bf16, WeightType::f8_e4m3}) {
    const StoredWeight w = random_weight(generator, type, n_out, n_in);
    const std::vector<float> whole = product(best_simd_level(), 1, x, m, w.matrix);
    for (const ColumnRange& columns : {ColumnRange{0, 96}, {96, 112}, {112, 1000}, {64, 64}, {208, 300}}) {
      ThreadPool pool(2);
      std::vector<float> y(static_cast<std::size_t>(m) * n_out, -7.0f);
      matmul(cpu_ops(best_simd_level()), pool, {x.data(), n_in, m, w.matrix, y.data(), n_out, columns});
      for (std::size_t i = 0; i < y.size(); ++i) {
        const int column = static_cast<int>(i % n_out);
        CHECK(y[i] == (column >= columns.begin && column < columns.end ? whole[i] : -7.0f));
      }
    }
  }
}

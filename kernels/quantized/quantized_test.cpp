#include "kernels/quantized/quantized.h"

#include <cmath>
#include <cstring>

#include "kernels/quantized/test_quantized_files.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"

using namespace assay::kernels;
using namespace assay::tests;

namespace {

using Bytes = std::vector<std::uint8_t>;

int block_inputs(WeightType type) { return type >= WeightType::q4_k ? 256 : 32; }

std::size_t size(int a, int b = 1) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

/// The blocks of a row as the file has them, and its values in the words of the format: integer · scale + addend.
struct Block32 {
  int integers[32];
  float scales[2];  ///< of the first and of the last 16 inputs
  float addend;
};

float half(const std::uint8_t* p) {
  std::uint16_t bits;
  std::memcpy(&bits, p, 2);
  return widen_half(bits);
}

/// Block `b` of 32 inputs of a row, read as spec/formats.md section 2.1 lays it out.
Block32 read_block(WeightType type, const std::uint8_t* row, int b) {
  Block32 out{};
  const auto nibble = [](const std::uint8_t* qs, int j) { return j < 16 ? qs[j] & 15 : qs[j - 16] >> 4; };
  const auto bit = [](const std::uint8_t* qh, int j) { return qh[j / 8] >> (j % 8) & 1; };
  switch (type) {
    case WeightType::q8_0:
    case WeightType::q4_0:
    case WeightType::q5_0: {
      const std::uint8_t* p = row + b * (type == WeightType::q8_0 ? 34 : type == WeightType::q4_0 ? 18 : 22);
      out.scales[0] = out.scales[1] = half(p);
      for (int j = 0; j < 32; ++j) {
        out.integers[j] = type == WeightType::q8_0   ? static_cast<std::int8_t>(p[2 + j])
                          : type == WeightType::q4_0 ? nibble(p + 2, j) - 8
                                                     : (nibble(p + 6, j) | bit(p + 2, j) << 4) - 16;
      }
      return out;
    }
    case WeightType::q4_1:
    case WeightType::q5_1: {
      const std::uint8_t* p = row + b * (type == WeightType::q4_1 ? 20 : 24);
      out.scales[0] = out.scales[1] = half(p);
      out.addend = half(p + 2);
      for (int j = 0; j < 32; ++j) {
        out.integers[j] = type == WeightType::q4_1 ? nibble(p + 4, j) : nibble(p + 8, j) | bit(p + 4, j) << 4;
      }
      return out;
    }
    case WeightType::q4_k:
    case WeightType::q5_k: {
      const std::uint8_t* p = row + b / 8 * (type == WeightType::q4_k ? 144 : 176);
      const int s = b % 8;
      const std::uint8_t* packed = p + 4;
      const int sc = s < 4 ? packed[s] & 63 : (packed[s + 4] & 15) | (packed[s - 4] >> 6) << 4;
      const int mn = s < 4 ? packed[s + 4] & 63 : packed[s + 4] >> 4 | (packed[s] >> 6) << 4;
      out.scales[0] = out.scales[1] = half(p) * static_cast<float>(sc);
      out.addend = -half(p + 2) * static_cast<float>(mn);
      const std::uint8_t* qs = p + (type == WeightType::q4_k ? 16 : 48) + 32 * (s / 2);
      for (int l = 0; l < 32; ++l) {
        out.integers[l] = s % 2 == 0 ? qs[l] & 15 : qs[l] >> 4;
        if (type == WeightType::q5_k) out.integers[l] += 16 * (p[16 + l] >> s & 1);
      }
      return out;
    }
    default: {  // Q6_K
      const std::uint8_t* p = row + b / 8 * 210;
      const int h = b % 8 / 4, quarter = b % 4;
      const std::uint8_t *low = p + 64 * h + (quarter % 2 == 0 ? 0 : 32), *high = p + 128 + 32 * h;
      for (int l = 0; l < 32; ++l) {
        const int four = quarter < 2 ? low[l] & 15 : low[l] >> 4;
        out.integers[l] = (four | (high[l] >> (2 * quarter) & 3) << 4) - 32;
      }
      for (int i = 0; i < 2; ++i) {
        out.scales[i] = half(p + 208) * static_cast<float>(static_cast<std::int8_t>(p[192 + 8 * h + 2 * quarter + i]));
      }
      return out;
    }
  }
}

/// Every build of the quantised products that this machine runs, in the place of the scalar level's.
std::vector<CpuOps> available_ops() {
  std::vector<CpuOps> all;
  for (const auto build : {QuantizedBuild::scalar, QuantizedBuild::neon, QuantizedBuild::neon_dotprod,
                           QuantizedBuild::avx2, QuantizedBuild::avx512_vnni, QuantizedBuild::avx512_amx}) {
    if (!quantized_build_available(build)) continue;
    all.push_back(cpu_ops(SimdLevel::scalar));
    all.back().quantized = quantized_ops(build);
  }
  return all;
}

std::vector<float> product(const CpuOps& ops, int n_threads, const std::vector<float>& x, int m,
                           const WeightMatrix& w) {
  ThreadPool pool(n_threads);
  std::vector<float> y(size(m, w.n_out));
  matmul(ops, pool, {x.data(), w.n_in, m, w, y.data(), w.n_out});
  return y;
}

/// One element of y, step by step as the contract of quantized.h says.
float element_by_contract(const FileWeight& w, int n, const float* x) {
  float acc = 0;
  bool fits = true;  // integers in 8 bits
  for (int b = 0; b < w.n_in / 32; ++b, x += 32) {
    float amax = 0;
    for (int k = 0; k < 32; ++k) amax = std::max(amax, std::fabs(x[k]));
    const float d = amax / 127.0f, inverse = 127.0f / amax;
    const Block32 block = read_block(w.type, w.row(n), b);
    float part[32], scale[2] = {d, d / 254.0f}, to_integer[2] = {inverse, 254.0f * inverse}, scaled_sum[2];
    std::copy(x, x + 32, part);
    for (int p = 0; p < 2; ++p) {
      int sums[2] = {}, q_sum = 0;
      for (int k = 0; k < 32; ++k) {
        const int q =
            static_cast<int>(std::nearbyint(static_cast<double>(part[k]) * static_cast<double>(to_integer[p])));
        part[k] = std::fma(-scale[p], static_cast<float>(q), part[k]);
        sums[k / 16] += block.integers[k] * q;
        q_sum += q;
        fits = fits && std::abs(q) <= 127;
      }
      if (w.type == WeightType::q6_k) {
        for (int i = 0; i < 2; ++i) acc = std::fma(static_cast<float>(sums[i]), block.scales[i] * scale[p], acc);
      } else {
        acc = std::fma(static_cast<float>(sums[0] + sums[1]), block.scales[0] * scale[p], acc);
      }
      scaled_sum[p] = scale[p] * static_cast<float>(q_sum);
    }
    const bool has_addend = w.type == WeightType::q4_1 || w.type == WeightType::q5_1 || w.type == WeightType::q4_k ||
                            w.type == WeightType::q5_k;
    if (has_addend) acc = std::fma(block.addend, scaled_sum[0] + scaled_sum[1], acc);
  }
  REQUIRE(fits);
  return acc;
}

/// g(n, a, b) of spec/formats.md.
void put_sequence(Bytes& bytes, int n, int a, int b) {
  for (int i = 0; i < n; ++i) bytes.push_back(static_cast<std::uint8_t>(a * i + b));
}
void put_half(Bytes& bytes, int bits) {
  bytes.push_back(static_cast<std::uint8_t>(bits));
  bytes.push_back(static_cast<std::uint8_t>(bits >> 8));
}

}  // namespace

// The blocks and values of spec/formats.md section 2.1.
TEST_CASE("quantized: the format's test blocks have the values that it gives", "[kernels]") {
  constexpr int kD = 0x2C00, kMin = 0x2800;
  struct Value {
    int k;
    float value;
  };
  struct Example {
    WeightType type;
    Bytes block;
    std::vector<Value> values;
  };
  std::vector<Example> examples = {
      {WeightType::q4_0,
       {},
       {{0, -0.1875f}, {1, 0.375f}, {2, -0.0625f}, {3, -0.5f}, {16, -0.5f}, {17, -0.25f}, {18, 0.0625f}, {19, 0.375f}}},
      {WeightType::q4_1,
       {},
       {{0, 0.34375f},
        {1, 0.90625f},
        {2, 0.46875f},
        {3, 0.03125f},
        {16, 0.03125f},
        {17, 0.28125f},
        {18, 0.59375f},
        {19, 0.90625f}}},
      {WeightType::q5_0,
       {},
       {{0, 0.3125f}, {1, -0.125f}, {2, -0.5625f}, {3, -1.0f}, {16, 0.0f}, {17, 0.25f}, {18, 0.5625f}, {19, -0.125f}}},
      {WeightType::q4_k,
       {},
       {{0, 2.46875f},
        {1, 8.65625f},
        {31, 7.28125f},
        {32, -0.125f},
        {33, 11.875f},
        {64, 5.28125f},
        {100, 14.0625f},
        {128, -0.15625f},
        {200, 21.84375f},
        {255, 3.0625f}}},
      {WeightType::q5_k,
       {},
       {{0, 13.46875f},
        {1, 8.65625f},
        {31, 7.28125f},
        {32, -0.125f},
        {33, 11.875f},
        {64, 5.28125f},
        {100, 72.0625f},
        {128, 2.84375f},
        {200, 50.84375f},
        {255, 3.0625f}}},
      {WeightType::q6_k,
       {},
       {{0, -2.0625f},
        {1, -3.375f},
        {16, -22.0f},
        {32, -102.9375f},
        {64, -119.0f},
        {96, 148.125f},
        {127, 53.125f},
        {128, 14.4375f},
        {200, -142.5f},
        {255, 60.125f}}}};
  for (Example& e : examples) {
    if (e.type == WeightType::q6_k) {
      put_sequence(e.block, 128, 73, 5);
      put_sequence(e.block, 64, 91, 17);
      put_sequence(e.block, 16, 29, 3);
      put_half(e.block, kD);
    } else {
      const bool super = e.type == WeightType::q4_k || e.type == WeightType::q5_k;
      put_half(e.block, kD);
      if (super || e.type == WeightType::q4_1) put_half(e.block, kMin);
      if (super) put_sequence(e.block, 12, 37, 11);
      if (e.type == WeightType::q5_0) put_sequence(e.block, 4, 91, 17);
      if (e.type == WeightType::q5_k) put_sequence(e.block, 32, 91, 17);
      put_sequence(e.block, super ? 128 : 16, 73, 5);
    }
    const FileWeight file{e.type, 1, block_inputs(e.type), e.block};
    const RepackedWeight w = file.repacked();
    for (const Value& v : e.values) {
      CHECK(weight_at(w.matrix(), 0, v.k) == v.value);
      // An input of 127 at k quantises without an error.
      std::vector<float> x(size(file.n_in), 0.0f);
      x[size(v.k)] = 127;
      for (const CpuOps& ops : available_ops()) CHECK(product(ops, 1, x, 1, w.matrix())[0] == 127 * v.value);
    }
  }
}

TEST_CASE("quantized: a repacked row has the values of the file's row, in any order of rows", "[kernels]") {
  const auto type = GENERATE(from_range(std::begin(kQuantizedTypes), std::end(kQuantizedTypes)));
  std::mt19937 generator(11);
  const int n_out = 37, n_in = 3 * block_inputs(type);
  const FileWeight file = random_file(generator, type, n_out, n_in);
  ThreadPool pool(3);
  std::vector<const std::byte*> reversed;
  for (int n = n_out - 1; n >= 0; --n) reversed.push_back(reinterpret_cast<const std::byte*>(file.row(n)));
  const RepackedWeight w = repack(pool, type, n_in, reversed);
  CHECK(w.matrix().n_out == n_out);
  CHECK(reinterpret_cast<std::uintptr_t>(w.matrix().data) % 64 == 0);
  std::vector<float> row(size(n_in));
  for (int n = 0; n < n_out; ++n) {
    weight_row(w.matrix(), n, row.data());
    for (int k = 0; k < n_in; ++k) {
      const Block32 block = read_block(type, file.row(n_out - 1 - n), k / 32);
      const float expected =
          std::fma(static_cast<float>(block.integers[k % 32]), block.scales[k % 32 / 16], block.addend);
      REQUIRE(row[size(k)] == expected);
    }
  }
}

TEST_CASE("quantized: every build computes the contract's bits, whatever the rows and threads",
          "[kernels][invariance]") {
  const auto type = GENERATE(from_range(std::begin(kQuantizedTypes), std::end(kQuantizedTypes)));
  const int n_out = GENERATE(1, 16, 190), m = GENERATE(1, 2, 3, 7, 40);
  std::mt19937 generator(static_cast<unsigned>(100 * n_out + m));
  const int n_in = block_inputs(type) * GENERATE(1, 5);
  const FileWeight file = random_file(generator, type, n_out, n_in);
  const RepackedWeight w = file.repacked();
  const auto x = normal_floats(generator, size(m, n_in));
  std::vector<float> expected(size(m, n_out));
  for (int row = 0; row < m; ++row) {
    for (int n = 0; n < n_out; ++n) {
      expected[size(row, n_out) + size(n)] = element_by_contract(file, n, x.data() + size(row, n_in));
    }
  }
  for (const CpuOps& ops : available_ops()) {
    for (const int n_threads : {1, 2, 3}) CHECK(product(ops, n_threads, x, m, w.matrix()) == expected);
    for (int row = 0; row < m; row += 3) {
      const std::vector<float> one(x.begin() + row * n_in, x.begin() + (row + 1) * n_in);
      const auto alone = product(ops, 1, one, 1, w.matrix());
      CHECK(std::equal(alone.begin(), alone.end(), expected.begin() + row * n_out));
    }
  }
}

// Sums of n_in / 32 float32 terms err by n_in / 32 · 2^-23 at most. x is off by 2^-16 of its block's greatest value at
// most, by 2^-16/sqrt(3) in the mean square; the greatest of 32 normal values is near 2.1.
TEST_CASE("quantized: agrees with float64, and with x as it was within its quantisation", "[kernels]") {
  const auto type = GENERATE(from_range(std::begin(kQuantizedTypes), std::end(kQuantizedTypes)));
  std::mt19937 generator(5);
  const int m = 5, n_out = 100, n_in = 1024;
  const FileWeight file = random_file(generator, type, n_out, n_in);
  const RepackedWeight w = file.repacked();
  const auto x = normal_floats(generator, size(m, n_in));
  std::vector<float> same_x(size(m, n_out)), exact_x(size(m, n_out));
  const MatmulArgs args{x.data(), n_in, m, w.matrix(), same_x.data(), n_out};
  quantized_matmul_ref(args);
  MatmulArgs exact = args;
  exact.y = exact_x.data();
  matmul_ref(exact);
  const auto y = product(cpu_ops(best_simd_level()), 2, x, m, w.matrix());
  CHECK(relative_error(y, same_x) < 2e-6);
  CHECK(relative_error(y, exact_x) < 4e-5);
}

TEST_CASE("quantized: the largest integers neither saturate nor overflow", "[kernels]") {
  const auto type = GENERATE(from_range(std::begin(kQuantizedTypes), std::end(kQuantizedTypes)));
  const std::uint8_t fill = GENERATE(0x00, 0x7F, 0x80, 0xFF);
  std::mt19937 generator(3);
  FileWeight file = random_file(generator, type, 16, 512);
  const FileWeight scales = file;
  const QuantizedForm form = quantized_form(type);
  for (std::size_t i = 0; i < file.bytes.size(); ++i) {
    const auto at = i % static_cast<std::size_t>(form.file_bytes);
    const bool in_scales =
        form.scales == ScaleForm::super_of_sixteen ? at >= 192 : at < (form.file_inputs == 256 ? 16 : 2);
    if (!in_scales) file.bytes[i] = fill;
  }
  if (form.scales == ScaleForm::with_addend) {
    for (std::size_t i = 2; i < file.bytes.size(); i += static_cast<std::size_t>(form.file_bytes)) {
      std::memcpy(file.bytes.data() + i, scales.bytes.data() + i, 2);
    }
  }
  std::vector<float> x(512);
  for (std::size_t k = 0; k < x.size(); ++k) x[k] = k < 256 ? 3.0f : (k / 2 % 2 == 0 ? 1.0f : -1.0f);
  const int m = GENERATE(1, 16);
  std::vector<float> expected, all_x;
  for (int row = 0; row < m; ++row) {
    for (int n = 0; n < 16; ++n) expected.push_back(element_by_contract(file, n, x.data()));
    all_x.insert(all_x.end(), x.begin(), x.end());
  }
  const RepackedWeight w = file.repacked();
  for (const CpuOps& ops : available_ops()) CHECK(product(ops, 1, all_x, m, w.matrix()) == expected);
}

TEST_CASE("quantized: blocks of zeros, tiny, infinite and undefined inputs", "[kernels]") {
  const auto type = GENERATE(from_range(std::begin(kQuantizedTypes), std::end(kQuantizedTypes)));
  std::mt19937 generator(17);
  const int n_in = 512;
  const FileWeight file = random_file(generator, type, 20, n_in);
  const RepackedWeight w = file.repacked();
  for (const CpuOps& ops : available_ops()) {
    for (const float tiny : {0.0f, 0x1p-101f, 1e-45f}) {
      CHECK(product(ops, 1, std::vector<float>(size(n_in), tiny), 1, w.matrix()) == std::vector<float>(20, 0.0f));
    }
    for (const float bad : {INFINITY, -INFINITY, NAN}) {
      auto x = normal_floats(generator, size(n_in));
      x[77] = bad;
      for (const float value : product(ops, 1, x, 1, w.matrix())) CHECK(std::isnan(value));
    }
  }
}

TEST_CASE("quantized: a list mixes types and stored forms and shares its inputs", "[kernels]") {
  std::mt19937 generator(23);
  const int m = 11, n_in = 512;
  const auto x = normal_floats(generator, size(m, n_in)), other_x = normal_floats(generator, size(m, n_in));
  const RepackedWeight a = random_file(generator, WeightType::q4_k, 70, n_in).repacked(),
                       b = random_file(generator, WeightType::q8_0, 33, n_in).repacked();
  const auto plain = normal_floats(generator, size(50, n_in));
  const WeightMatrix c{plain.data(), WeightType::f32, 50, n_in};
  struct Product {
    const std::vector<float>& x;
    WeightMatrix w;
    std::vector<float> y;
  };
  std::vector<Product> list;
  for (const auto* input : {&x, &other_x}) {
    for (const WeightMatrix& w : {c, a.matrix(), b.matrix(), c})
      list.push_back({*input, w, std::vector<float>(size(m, w.n_out))});
  }
  std::vector<MatmulArgs> products;
  for (Product& p : list) products.push_back({p.x.data(), n_in, m, p.w, p.y.data(), p.w.n_out});
  ThreadPool pool(3);
  matmul(cpu_ops(best_simd_level()), pool, products.data(), static_cast<int>(products.size()));
  for (const Product& p : list) CHECK(p.y == product(cpu_ops(SimdLevel::scalar), 1, p.x, m, p.w));
}

TEST_CASE("quantized: a range of columns is those columns of the whole, and touches no others",
          "[kernels][invariance]") {
  const auto type = GENERATE(from_range(std::begin(kQuantizedTypes), std::end(kQuantizedTypes)));
  std::mt19937 generator(31);
  const int n_out = 190, n_in = 2 * block_inputs(type), m = 9;
  const RepackedWeight w = random_file(generator, type, n_out, n_in).repacked();
  const auto x = normal_floats(generator, size(m, n_in));
  for (const CpuOps& ops : available_ops()) {
    const auto whole = product(ops, 1, x, m, w.matrix());
    for (const ColumnRange& columns : {ColumnRange{0, 96}, {96, 112}, {112, 1000}, {176, 190}}) {
      ThreadPool pool(2);
      std::vector<float> y(size(m, n_out), -7.0f);
      matmul(ops, pool, {x.data(), n_in, m, w.matrix(), y.data(), n_out, columns});
      bool is_right = true;
      for (std::size_t i = 0; i < y.size(); ++i) {
        const int column = static_cast<int>(i % n_out);
        is_right = is_right && y[i] == (column >= columns.begin && column < columns.end ? whole[i] : -7.0f);
      }
      CHECK(is_right);
    }
  }
}

#include "kernels/matmul/matmul_fp8.cuh"

#include <cmath>
#include <cstring>

#include "kernels/device/recorded_bits.cuh"
#include "kernels/matmul/fp8_test.cuh"
#include "kernels/router/expert_rows_test.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

struct Shape {
  int m, n, k, n_experts = 1;
};

std::size_t product(std::int64_t a, std::int64_t b) { return static_cast<std::size_t>(a * b); }
std::size_t blocks(int n) { return static_cast<std::size_t>((n + kFp8Group - 1) / kFp8Group); }

std::vector<float> random_scales(std::mt19937& generator, std::size_t n) {
  std::vector<float> scales;
  for (std::size_t i = 0; i < n; ++i) scales.push_back(1e-3f * (0.5f + static_cast<float>(generator() % 1000) * 1e-3f));
  return scales;
}

/// Random operands on both sides. As a gated weight its rows are read as gates and ups in turns of eight.
struct Problem {
  Shape shape;
  std::int64_t x_scale_stride;
  std::vector<std::uint8_t> x, w;
  std::vector<float> x_scales, w_scales, gate_scales, up_scales;
  DeviceBuffer<std::uint8_t> device_x, device_w;
  DeviceBuffer<float> device_x_scales, device_w_scales, device_gate_scales, device_up_scales;

  Problem(Shape s, unsigned seed) : shape(s), x_scale_stride(s.m + 5) {
    std::mt19937 generator(seed);
    x = random_e4m3(generator, product(s.m, s.k));
    w = random_e4m3(generator, product(std::int64_t{s.n_experts} * s.n, s.k));
    x_scales = random_scales(generator, blocks(s.k) * static_cast<std::size_t>(x_scale_stride));
    const auto experts = static_cast<std::size_t>(s.n_experts);
    w_scales = random_scales(generator, experts * blocks(s.n) * blocks(s.k));
    gate_scales = random_scales(generator, experts * blocks(s.n / 2) * blocks(s.k));
    up_scales = random_scales(generator, gate_scales.size());
    device_x = on_device(x);
    device_w = on_device(w);
    device_x_scales = on_device(x_scales);
    device_w_scales = on_device(w_scales);
    device_gate_scales = on_device(gate_scales);
    device_up_scales = on_device(up_scales);
  }

  /// The scale of a row of the weight in a block of k.
  double w_scale(int row, std::size_t block, bool is_gated) const {
    if (!is_gated)
      return static_cast<double>(w_scales[static_cast<std::size_t>(row / kFp8Group) * blocks(shape.k) + block]);
    const int column = row / 16 * 8 + row % 8;
    const auto at = static_cast<std::size_t>(column / kFp8Group) * blocks(shape.k) + block;
    return static_cast<double>(row % 16 < 8 ? gate_scales[at] : up_scales[at]);
  }

  /// The dequantised product in float64, [m, n]; of the first expert.
  std::vector<double> sums(bool is_gated) const {
    std::vector<double> wide_x, wide_w, out;
    for (const std::uint8_t byte : x) wide_x.push_back(from_e4m3(byte));
    for (const std::uint8_t byte : w) wide_w.push_back(from_e4m3(byte));
    for (int m = 0; m < shape.m; ++m) {
      for (int n = 0; n < shape.n; ++n) {
        double sum = 0;
        for (std::size_t b = 0; b < blocks(shape.k); ++b) {
          double block = 0;
          const std::size_t first = b * kFp8Group;
          for (std::size_t k = first; k < first + kFp8Group; ++k) {
            block += wide_x[product(m, shape.k) + k] * wide_w[product(n, shape.k) + k];
          }
          sum += block *
                 static_cast<double>(
                     x_scales[b * static_cast<std::size_t>(x_scale_stride) + static_cast<std::size_t>(m)]) *
                 w_scale(n, b, is_gated);
        }
        out.push_back(sum);
      }
    }
    return out;
  }

  MatmulFp8Args args(int first_row, int n_rows, Epilogue epilogue, void* y, std::int64_t y_stride) const {
    const bool is_gated = epilogue == Epilogue::swiglu_bf16;
    MatmulFp8Args a;
    a.x = device_x.data() + product(first_row, shape.k);
    a.x_scales = device_x_scales.data() + first_row;
    a.x_scale_stride = x_scale_stride;
    a.m_rows = n_rows;
    a.w = device_w.data();
    a.w_scales = is_gated ? device_gate_scales.data() : device_w_scales.data();
    a.up_scales = is_gated ? device_up_scales.data() : nullptr;
    a.n_out = shape.n;
    a.n_in = shape.k;
    a.epilogue = epilogue;
    a.y = y;
    a.y_stride = y_stride;
    return a;
  }

  /// The sums of some rows in float32, by a plan or by the wrapper's choice.
  std::vector<float> run(int first_row, int n_rows, const MatmulFp8Plan* plan) const {
    const auto y = poisoned<float>(product(n_rows, shape.n));
    const MatmulFp8Args a = args(first_row, n_rows, Epilogue::store_f32, y.data(), shape.n);
    must(plan != nullptr ? matmul_fp8(a, *plan, nullptr) : matmul_fp8(a, nullptr));
    return from_device(y);
  }
};

double silu(double z) { return z / (1 + std::exp(-z)); }

}  // namespace

TEST_CASE("E4M3: the specification's examples", "[gpu]") {
  const std::pair<double, int> encoded[] = {{1.0, 0x38},  {0.1, 0x1D},   {-0.3, 0xAA},    {3.14159, 0x45}, {17.5, 0x59},
                                            {18.5, 0x59}, {17, 0x58},    {19, 0x5A},      {447, 0x7E},     {464, 0x7E},
                                            {1000, 0x7E}, {0.001, 0x01}, {0x1p-10, 0x00}, {0x1.8p-9, 0x02}};
  for (const auto& [value, byte] : encoded) CHECK(static_cast<int>(to_e4m3(value)) == byte);
  CHECK(from_e4m3(0x07) == 0.013671875);
  CHECK(from_e4m3(0xFE) == -448);
}

// Hopper's tensor cores add e4m3 products with about 13 bits after the largest one's leading bit, so a block of 128 is
// off by up to a few 2^-13 of its largest product: far below bfloat16's 2^-9, far above float32.
TEST_CASE("matmul_fp8: agrees with float64 for odd shapes, and writes nothing else", "[gpu][hopper]") {
  const auto shape = GENERATE(values<Shape>({{1, 8, 128},
                                             {2, 64, 128},
                                             {3, 72, 256},
                                             {9, 200, 384},
                                             {40, 264, 1536},
                                             {65, 576, 512},
                                             {130, 392, 384},
                                             {257, 136, 1024},
                                             {600, 264, 256}}));
  const Problem problem(shape, 107);
  const auto expected = problem.sums(false);
  const int padding = 6;
  const std::int64_t stride = shape.n + padding;
  const auto y = poisoned<float>(product(shape.m + 1, stride));
  must(matmul_fp8(problem.args(0, shape.m, Epilogue::store_f32, y.data(), stride), nullptr));
  const auto padded = from_device(y);
  std::vector<float> out;
  bool padding_kept = true;
  for (int m = 0; m <= shape.m; ++m) {
    const auto row = padded.begin() + m * stride;
    if (m < shape.m) out.insert(out.end(), row, row + shape.n);
    for (int i = m < shape.m ? shape.n : 0; i < stride; ++i) padding_kept = padding_kept && std::isnan(row[i]);
  }
  const double error = relative_error_of(out, expected);
  UNSCOPED_INFO("relative error " << error);
  CHECK(error < 0x1p-11);
  CHECK(padding_kept);
}

// The promise of the contract: tile, number of rows and place in the batch change no bit.
TEST_CASE("matmul_fp8: the same bits in every tile of a small product", "[gpu][hopper][invariance]") {
  const Problem problem({70, 136, 384}, 101);
  const auto expected = problem.run(0, problem.shape.m, nullptr);
  for (const MatmulFp8Plan& plan : matmul_fp8_plans()) {
    CAPTURE(plan.tokens, plan.rows);
    CHECK(same_bits(problem.run(0, problem.shape.m, &plan).data(), expected.data(), expected.size()));
  }
}

TEST_CASE("matmul_fp8: the same bits in every tile, batch and slot", "[gpu][hopper][invariance][heavy]") {
  const auto shape = GENERATE(values<Shape>({{300, 408, 768}, {520, 192, 4096}, {258, 64, 7168}, {1100, 4232, 640}}));
  const Problem problem(shape, 109);
  const auto expected = problem.run(0, shape.m, nullptr);
  const auto row = [&](int m) { return expected.data() + product(m, shape.n); };
  for (const MatmulFp8Plan& plan : matmul_fp8_plans()) {
    CAPTURE(plan.tokens, plan.rows);
    CHECK(same_bits(problem.run(0, shape.m, &plan).data(), row(0), expected.size()));
    for (const auto& [first, count] : {std::pair{0, 1}, {shape.m - 1, 1}, {5, 3}, {64, 100}}) {
      const auto part = problem.run(first, count, &plan);
      CHECK(same_bits(part.data(), row(first), part.size()));
    }
  }
}

TEST_CASE("matmul_fp8: rounds and finishes as each epilogue says", "[gpu][hopper]") {
  const auto shape = GENERATE(values<Shape>({{1, 16, 128}, {5, 96, 256}, {70, 304, 384}, {300, 560, 512}}));
  const Problem problem(shape, 113);
  std::mt19937 generator(5);

  SECTION("bfloat16: no worse than 1.5 times rounding float64 sums to bfloat16") {
    const auto expected = problem.sums(false);
    const std::vector<float> plain(expected.begin(), expected.end());
    const auto y = poisoned<Bf16>(expected.size());
    must(matmul_fp8(problem.args(0, shape.m, Epilogue::store_bf16, y.data(), shape.n), nullptr));
    CHECK(relative_error_of(from_device(y), expected) <= 1.5 * relative_error_of(to_bf16(plain), expected));
  }
  SECTION("residual: added to what is there, in float32") {
    const auto residual = normal_floats(generator, product(shape.m, shape.n));
    const auto y = on_device(residual);
    must(matmul_fp8(problem.args(0, shape.m, Epilogue::add_f32, y.data(), shape.n), nullptr));
    std::vector<float> expected = problem.run(0, shape.m, nullptr);
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = residual[i] + expected[i];
    CHECK(from_device(y) == expected);
  }
  SECTION("SwiGLU of interleaved gates and ups, each with its own scales") {
    const auto sums = problem.sums(true);
    std::vector<double> expected;
    std::vector<float> plain;
    for (int m = 0; m < shape.m; ++m) {
      for (int i = 0; i < shape.n / 2; ++i) {
        const std::size_t gate = product(m, shape.n) + static_cast<std::size_t>(i / 8 * 16 + i % 8);
        expected.push_back(silu(sums[gate]) * sums[gate + 8]);
        plain.push_back(static_cast<float>(expected.back()));
      }
    }
    for (const MatmulFp8Plan& plan : matmul_fp8_plans()) {
      CAPTURE(plan.tokens, plan.rows);
      const auto y = poisoned<Bf16>(expected.size());
      must(matmul_fp8(problem.args(0, shape.m, Epilogue::swiglu_bf16, y.data(), shape.n / 2), plan, nullptr));
      CHECK(relative_error_of(from_device(y), expected) <= 1.5 * relative_error_of(to_bf16(plain), expected));
    }
  }
}

TEST_CASE("matmul_fp8: grouped by expert it gives the dense product's bits", "[gpu][hopper][invariance]") {
  struct Grouped {
    int tokens, per_token, n_used;
    Shape shape;
  };
  const auto grouped = GENERATE(values<Grouped>(
      {{1, 8, 16, {8, 272, 256, 16}}, {40, 6, 12, {240, 144, 384, 16}}, {500, 2, 3, {1000, 528, 256, 4}}}));
  const auto epilogue = GENERATE(Epilogue::store_f32, Epilogue::swiglu_bf16);
  const Shape& shape = grouped.shape;
  const Problem problem(shape, 127);
  const bool is_gated = epilogue == Epilogue::swiglu_bf16;
  const int width = is_gated ? shape.n / 2 : shape.n, element = is_gated ? 2 : 4;
  std::mt19937 generator(131);
  const auto slots = random_slots(generator, grouped.tokens, grouped.per_token, grouped.n_used, 1);
  std::vector<char> expected;
  for (const MatmulFp8Plan& plan : matmul_fp8_plans()) {
    CAPTURE(plan.tokens, plan.rows);
    const ExpertRowsOnDevice rows(slots, grouped.per_token, shape.n_experts, plan.tokens);
    if (expected.empty()) {
      const auto y = poisoned<char>(product(shape.m, width * element));
      const auto first_place = from_device(rows.first_place);
      for (int e = 0; e < shape.n_experts; ++e) {
        const int first = first_place[static_cast<std::size_t>(e)], end = first_place[static_cast<std::size_t>(e) + 1];
        MatmulFp8Args args =
            problem.args(first, end - first, epilogue, y.data() + product(first, width * element), width);
        args.w += product(e, std::int64_t{shape.n} * shape.k);
        args.w_scales += static_cast<std::size_t>(e) * blocks(is_gated ? shape.n / 2 : shape.n) * blocks(shape.k);
        if (is_gated) args.up_scales += static_cast<std::size_t>(e) * blocks(shape.n / 2) * blocks(shape.k);
        must(matmul_fp8(args, nullptr));
      }
      expected = from_device(y);
    }
    const auto y = poisoned<char>(expected.size() + 64);
    MatmulFp8Args args = problem.args(0, shape.m, epilogue, y.data(), width);
    args.n_experts = shape.n_experts;
    args.tiles = rows.args.rows.tiles;
    args.n_tiles = rows.args.rows.n_tiles;
    args.tile_rows = plan.tokens;
    must(matmul_fp8(args, plan, nullptr));
    const auto out = from_device(y);
    CHECK(same_bits(out.data(), expected.data(), expected.size()));
    CHECK(std::all_of(out.end() - 64, out.end(), [](char c) { return c == '\xFF'; }));
  }
}

// Digests recorded on an H100: another Hopper card, driver or tile must give the same bits.
TEST_CASE("matmul_fp8: the bits recorded on an H100", "[gpu][hopper][invariance]") {
  std::mt19937 generator(6);
  const int m = 40, n = 272, k = 2048;
  const auto x = on_device(even_bf16(generator, product(m, k)));
  const auto w = on_device(random_e4m3(generator, product(n, k)));
  const auto w_scales = on_device(random_scales(generator, 2 * blocks(n) * blocks(k)));
  const auto q = poisoned<std::uint8_t>(product(m, k));
  const auto x_scales = poisoned<float>(static_cast<std::size_t>(m) * blocks(k));
  must(quantize_fp8({x.data(), nullptr, m, k, q.data(), x_scales.data(), m}, nullptr));
  CHECK(digest(from_device(q)) == 0x56888106188233e1ull);
  MatmulFp8Args args;
  args.x = q.data();
  args.x_scales = x_scales.data();
  args.x_scale_stride = args.m_rows = m;
  args.w = w.data();
  args.w_scales = w_scales.data();
  args.n_out = n;
  args.n_in = k;
  const auto sums = poisoned<float>(product(m, n));
  args.epilogue = Epilogue::store_f32;
  args.y = sums.data();
  args.y_stride = n;
  must(matmul_fp8(args, nullptr));
  CHECK(digest(from_device(sums)) == 0xb941edd8f7e46a7bull);
  const auto gated = poisoned<Bf16>(product(m, n / 2));
  args.epilogue = Epilogue::swiglu_bf16;
  args.up_scales = w_scales.data() + blocks(n) * blocks(k);
  args.y = gated.data();
  args.y_stride = n / 2;
  must(matmul_fp8(args, nullptr));
  CHECK(digest(from_device(gated)) == 0x738490a90457bb3dull);
}

TEST_CASE("matmul_fp8: a row of NaN stays alone", "[gpu][hopper][invariance]") {
  Problem problem({70, 72, 256}, 137);
  const auto expected = problem.run(0, 70, nullptr);
  for (std::size_t k = 0; k < 256; ++k) problem.x[7 * 256 + k] = 0x7F;
  problem.device_x = on_device(problem.x);
  const auto out = problem.run(0, 70, nullptr);
  CHECK(same_bits(out.data(), expected.data(), 7 * 72));
  CHECK(same_bits(out.data() + 8 * 72, expected.data() + 8 * 72, 62 * 72));
  CHECK(std::isnan(out[7 * 72]));
}

TEST_CASE("matmul_fp8: no rows is no work, and shapes it can't have are refused", "[gpu][hopper]") {
  const Problem problem({4, 16, 128}, 3);
  const auto y = poisoned<float>(64);
  CHECK(matmul_fp8(problem.args(0, 0, Epilogue::store_f32, y.data(), 16), nullptr).has_value());
  MatmulFp8Args args = problem.args(0, 4, Epilogue::store_f32, y.data(), 16);
  args.n_in = 64;
  CHECK_FALSE(matmul_fp8(args, nullptr).has_value());
  args = problem.args(0, 4, Epilogue::swiglu_bf16, y.data(), 8);
  args.up_scales = nullptr;
  CHECK_FALSE(matmul_fp8(args, nullptr).has_value());
  args = problem.args(0, 4, Epilogue::store_f32, y.data(), 16);
  args.x_scale_stride = 3;
  CHECK_FALSE(matmul_fp8(args, nullptr).has_value());
  args = problem.args(0, 4, Epilogue::store_f32, y.data(), 16);
  args.n_experts = 2;
  CHECK_FALSE(matmul_fp8(args, nullptr).has_value());
  CHECK_FALSE(matmul_fp8(problem.args(0, 4, Epilogue::store_f32, y.data(), 16), {24, 64}, nullptr).has_value());
}

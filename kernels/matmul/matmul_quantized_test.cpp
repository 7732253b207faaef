#include "kernels/matmul/matmul_quantized.cuh"

#include <cmath>

#include "kernels/device/gpu_test.cuh"
#include "kernels/device/handles.cuh"
#include "kernels/quantized/test_device_weights.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

struct Shape {
  int m, n, k;
};

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

/// Random operands on both sides; rows of x have some NaN behind them that no product may touch.
struct Problem {
  static constexpr int kPadding = 8;
  Shape shape;
  WeightType type;
  std::vector<Bf16> x;  // [m, k + padding]
  RepackedWeight weight;
  DeviceBuffer<Bf16> device_x;
  DeviceBuffer<std::byte> device_w;

  Problem(WeightType t, Shape s, unsigned seed) : shape(s), type(t) {
    std::mt19937 generator(seed);
    const std::vector<Bf16> values = normal_bf16(generator, product(s.m, s.k));
    for (int m = 0; m < s.m; ++m) {
      const auto row = values.begin() + static_cast<std::ptrdiff_t>(product(m, s.k));
      x.insert(x.end(), row, row + s.k);
      x.insert(x.end(), kPadding, __float2bfloat16(NAN));
    }
    weight = random_file(generator, t, s.n, s.k).repacked();
    device_x = on_device(x);
    device_w = laid_down(weight.matrix());
  }

  std::int64_t x_stride() const { return shape.k + kPadding; }

  /// Σ_k x·w in float64, [m, n], with the file's exact weights.
  std::vector<double> sums() const {
    std::vector<double> out(product(shape.m, shape.n));
    std::vector<float> row(static_cast<std::size_t>(shape.k));
    for (int n = 0; n < shape.n; ++n) {
      weight_row(weight.matrix(), n, row.data());
      for (int m = 0; m < shape.m; ++m) {
        const Bf16* x_row = x.data() + m * x_stride();
        double sum = 0;
        for (int k = 0; k < shape.k; ++k) {
          sum += static_cast<double>(as_float(x_row[k])) * static_cast<double>(row[static_cast<std::size_t>(k)]);
        }
        out[product(m, shape.n) + static_cast<std::size_t>(n)] = sum;
      }
    }
    return out;
  }

  MatmulQuantizedArgs args(int first_row, int n_rows, Epilogue epilogue, void* y, std::int64_t y_stride) const {
    MatmulQuantizedArgs a;
    a.x = device_x.data() + first_row * x_stride();
    a.x_stride = x_stride();
    a.m_rows = n_rows;
    a.w = device_w.data();
    a.type = type;
    a.n_out = shape.n;
    a.n_in = shape.k;
    a.epilogue = epilogue;
    a.y = y;
    a.y_stride = y_stride;
    return a;
  }

  /// The sums of some rows in float32, by a plan or by the wrapper's choice.
  std::vector<float> run(int first_row, int n_rows, const QuantizedPlan* plan) const {
    const auto y = poisoned<float>(product(n_rows, shape.n));
    const MatmulQuantizedArgs a = args(first_row, n_rows, Epilogue::store_f32, y.data(), shape.n);
    must(plan != nullptr ? matmul_quantized(a, *plan, nullptr) : matmul_quantized(a, nullptr));
    return from_device(y);
  }
};

double silu(double z) { return z / (1 + std::exp(-z)); }

}  // namespace

// Exact weights, float32 sums: each block's tensor-core sum loses at most about 2^-23 of its largest partial sum, and
// eight accumulators of n_in / 256 terms round n_in / 128 times in all.
TEST_CASE("matmul_quantized: agrees with float64 for odd shapes, and writes nothing else", "[gpu][hopper]") {
  const auto type = GENERATE(from_range(std::begin(kQuantizedTypes), std::end(kQuantizedTypes)));
  auto shape = GENERATE(values<Shape>({{1, 8, 64},
                                       {1, 64, 576},
                                       {2, 16, 128},
                                       {3, 72, 1536},
                                       {8, 136, 320},
                                       {9, 200, 4096},
                                       {17, 48, 1024},
                                       {40, 264, 512},
                                       {130, 392, 256},
                                       {257, 136, 1024}}));
  shape.k = whole_blocks(type, shape.k);
  CAPTURE(static_cast<int>(type), shape.m, shape.n, shape.k);
  const Problem problem(type, shape, 17);
  const auto expected = problem.sums();
  const int padding = 6;
  const std::int64_t stride = shape.n + padding;
  const auto y = poisoned<float>(product(shape.m, static_cast<int>(stride)));
  must(matmul_quantized(problem.args(0, shape.m, Epilogue::store_f32, y.data(), stride), nullptr));
  const auto padded = from_device(y);
  std::vector<float> out;
  bool padding_kept = true;
  for (int m = 0; m < shape.m; ++m) {
    const auto row = padded.begin() + m * stride;
    out.insert(out.end(), row, row + shape.n);
    for (int i = shape.n; i < stride; ++i) padding_kept = padding_kept && std::isnan(row[i]);
  }
  CHECK(relative_error_of(out, expected) < 0x1p-18);
  CHECK(padding_kept);
}

TEST_CASE("matmul_quantized: no rows is no work, and shapes it can't have are refused", "[gpu][hopper]") {
  const Problem problem(WeightType::q8_0, {4, 16, 64}, 3);
  const auto y = poisoned<float>(64);
  CHECK(matmul_quantized(problem.args(0, 0, Epilogue::store_f32, y.data(), 16), nullptr).has_value());
  MatmulQuantizedArgs args = problem.args(0, 4, Epilogue::store_f32, y.data(), 16);
  args.n_in = 32;
  CHECK_FALSE(matmul_quantized(args, nullptr).has_value());
  args = problem.args(0, 4, Epilogue::swiglu_bf16, y.data(), 16);
  args.n_out = 8;
  CHECK_FALSE(matmul_quantized(args, nullptr).has_value());
  args = problem.args(0, 4, Epilogue::store_f32, y.data(), 15);
  CHECK_FALSE(matmul_quantized(args, nullptr).has_value());
  args = problem.args(0, 4, Epilogue::store_f32, y.data(), 16);
  args.type = WeightType::bf16;
  CHECK_FALSE(matmul_quantized(args, nullptr).has_value());
  CHECK_FALSE(matmul_quantized(problem.args(0, 4, Epilogue::store_f32, y.data(), 16), {24, 8}, nullptr).has_value());
}

// The promise of the contract: tile, number of rows and place in the batch change no bit. Long weights fill the slots
// of their ring again.
TEST_CASE("matmul_quantized: the same bits in every tile of a small product", "[gpu][hopper][invariance]") {
  const auto type = GENERATE(from_range(std::begin(kQuantizedTypes), std::end(kQuantizedTypes)));
  auto shape = GENERATE(values<Shape>({{20, 72, 256}, {20, 40, 14336}}));
  shape.k = whole_blocks(type, shape.k);
  const Problem problem(type, shape, 23);
  const auto expected = problem.run(0, problem.shape.m, nullptr);
  for (const QuantizedPlan& plan : quantized_plans()) {
    CAPTURE(static_cast<int>(type), plan.rows, plan.tokens);
    CHECK(same_bits(problem.run(0, problem.shape.m, &plan).data(), expected.data(), expected.size()));
  }
}

TEST_CASE("matmul_quantized: the same bits in every tile, batch and slot", "[gpu][hopper][invariance][heavy]") {
  const auto type = GENERATE(from_range(std::begin(kQuantizedTypes), std::end(kQuantizedTypes)));
  auto shape = GENERATE(values<Shape>({{300, 408, 768}, {70, 72, 4096}, {34, 4240, 320}}));
  shape.k = whole_blocks(type, shape.k);
  const Problem problem(type, shape, 29);
  const auto expected = problem.run(0, shape.m, nullptr);
  const auto row = [&](int m) { return expected.data() + product(m, shape.n); };
  for (const QuantizedPlan& plan : quantized_plans()) {
    CAPTURE(static_cast<int>(type), plan.rows, plan.tokens);
    CHECK(same_bits(problem.run(0, shape.m, &plan).data(), row(0), expected.size()));
    for (const auto& [first, count] : {std::pair{0, 1}, {shape.m - 1, 1}, {5, 3}, {20, 14}}) {
      const auto part = problem.run(first, count, &plan);
      CHECK(same_bits(part.data(), row(first), part.size()));
    }
  }
}

TEST_CASE("matmul_quantized: rounds and finishes as each epilogue says", "[gpu][hopper]") {
  const auto type = GENERATE(WeightType::q4_k, WeightType::q8_0, WeightType::q6_k);
  const auto shape = GENERATE(values<Shape>({{1, 16, 256}, {5, 96, 512}, {70, 208, 256}, {300, 272, 512}}));
  const Problem problem(type, shape, 41);
  const auto sums = problem.sums();
  std::mt19937 generator(5);
  const auto bias = normal_floats(generator, static_cast<std::size_t>(shape.n));
  const auto device_bias = on_device(bias);

  SECTION("bias and bfloat16: no worse than 1.5 times rounding float64 sums to bfloat16") {
    std::vector<double> expected = sums;
    std::vector<float> plain(sums.size());
    for (std::size_t i = 0; i < sums.size(); ++i) {
      expected[i] += static_cast<double>(bias[i % static_cast<std::size_t>(shape.n)]);
      plain[i] = static_cast<float>(expected[i]);
    }
    const auto y = poisoned<Bf16>(sums.size());
    MatmulQuantizedArgs args = problem.args(0, shape.m, Epilogue::store_bf16, y.data(), shape.n);
    args.bias = device_bias.data();
    must(matmul_quantized(args, nullptr));
    CHECK(relative_error_of(from_device(y), expected) <= 1.5 * relative_error_of(to_bf16(plain), expected));
  }
  SECTION("bias and float32") {
    std::vector<double> expected = sums;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      expected[i] += static_cast<double>(bias[i % static_cast<std::size_t>(shape.n)]);
    }
    const auto y = poisoned<float>(sums.size());
    MatmulQuantizedArgs args = problem.args(0, shape.m, Epilogue::store_f32, y.data(), shape.n);
    args.bias = device_bias.data();
    must(matmul_quantized(args, nullptr));
    CHECK(relative_error_of(from_device(y), expected) < 0x1p-18);
  }
  SECTION("residual: added to what is there, in float32") {
    const auto residual = normal_floats(generator, sums.size());
    const auto y = on_device(residual);
    must(matmul_quantized(problem.args(0, shape.m, Epilogue::add_f32, y.data(), shape.n), nullptr));
    std::vector<float> expected = problem.run(0, shape.m, nullptr);
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = residual[i] + expected[i];
    CHECK(from_device(y) == expected);
  }
  SECTION("SwiGLU of interleaved gates and ups") {
    const auto y = poisoned<Bf16>(sums.size() / 2);
    must(matmul_quantized(problem.args(0, shape.m, Epilogue::swiglu_bf16, y.data(), shape.n / 2), nullptr));
    std::vector<double> expected;
    std::vector<float> plain;
    for (int m = 0; m < shape.m; ++m) {
      for (int i = 0; i < shape.n / 2; ++i) {
        const std::size_t gate = product(m, shape.n) + static_cast<std::size_t>(i / 8 * 16 + i % 8);
        expected.push_back(silu(sums[gate]) * sums[gate + 8]);
        plain.push_back(static_cast<float>(expected.back()));
      }
    }
    CHECK(relative_error_of(from_device(y), expected) <= 1.5 * relative_error_of(to_bf16(plain), expected));
  }
}

// What another sequence's rows hold must not matter, not even if it is not a number.
TEST_CASE("matmul_quantized: a row of NaN stays alone", "[gpu][hopper][invariance]") {
  const auto type = GENERATE(WeightType::q4_k, WeightType::q8_0, WeightType::q6_k, WeightType::q5_1);
  Problem problem(type, {40, 72, 512}, 53);
  const auto expected = problem.run(0, 40, nullptr);
  for (int k = 0; k < 512; ++k) problem.x[static_cast<std::size_t>(7 * problem.x_stride() + k)] = __float2bfloat16(NAN);
  problem.device_x = on_device(problem.x);
  const auto out = problem.run(0, 40, nullptr);
  CHECK(same_bits(out.data(), expected.data(), 7 * 72));
  CHECK(same_bits(out.data() + 8 * 72, expected.data() + 8 * 72, 32 * 72));
  CHECK(std::isnan(out[7 * 72]));
}

TEST_CASE("matmul_quantized: in a graph, behind itself, with parts of a row of y each", "[gpu][hopper]") {
  const Problem problem(WeightType::q4_k, {3, 96, 512}, 61);
  const auto expected = problem.run(0, 3, nullptr);
  const Stream stream = must(create_stream());
  const auto y = poisoned<float>(3 * 192);
  const GraphExec graph = must(capture_graph(stream, [&]() -> Result<> {
    for (const int part : {1, 0}) {
      ASSAY_TRY(matmul_quantized(problem.args(0, 3, Epilogue::store_f32, y.data() + part * 96, 192), stream.get()));
    }
    return {};
  }));
  must(check(cudaGraphLaunch(graph.get(), stream.get()), "graph"));
  const auto out = from_device(y);
  for (int m = 0; m < 3; ++m) {
    for (int part = 0; part < 2; ++part) {
      CHECK(same_bits(out.data() + m * 192 + part * 96, expected.data() + m * 96, 96));
    }
  }
}

#include "kernels/matmul/matmul_bf16.cuh"

#include <cmath>
#include <cstring>

#include "kernels/device/gpu_test.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

struct Shape {
  int m, n, k;
};

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

/// Random operands on both sides.
struct Problem {
  Shape shape;
  std::vector<Bf16> x, w;
  DeviceBuffer<Bf16> device_x, device_w;

  Problem(Shape s, unsigned seed) : shape(s) {
    std::mt19937 generator(seed);
    x = normal_bf16(generator, product(s.m, s.k));
    w = normal_bf16(generator, product(s.n, s.k), 0.1f);
    device_x = on_device(x);
    device_w = on_device(w);
  }

  /// Σ_k x·w in float64, [m, n].
  std::vector<double> sums() const {
    std::vector<double> out(product(shape.m, shape.n));
    for (int m = 0; m < shape.m; ++m) {
      for (int n = 0; n < shape.n; ++n) {
        double sum = 0;
        for (int k = 0; k < shape.k; ++k) {
          sum += static_cast<double>(as_float(x[product(m, shape.k) + static_cast<std::size_t>(k)])) *
                 static_cast<double>(as_float(w[product(n, shape.k) + static_cast<std::size_t>(k)]));
        }
        out[product(m, shape.n) + static_cast<std::size_t>(n)] = sum;
      }
    }
    return out;
  }

  MatmulBf16Args args(int first_row, int n_rows, Epilogue epilogue, void* y, std::int64_t y_stride) const {
    MatmulBf16Args a;
    a.x = device_x.data() + product(first_row, shape.k);
    a.x_stride = shape.k;
    a.m_rows = n_rows;
    a.w = device_w.data();
    a.n_out = shape.n;
    a.n_in = shape.k;
    a.epilogue = epilogue;
    a.y = y;
    a.y_stride = y_stride;
    return a;
  }

  /// The sums of some rows in float32, by a plan or by the wrapper's choice.
  std::vector<float> run(int first_row, int n_rows, const MatmulPlan* plan) const {
    const auto y = poisoned<float>(product(n_rows, shape.n));
    const MatmulBf16Args a = args(first_row, n_rows, Epilogue::store_f32, y.data(), shape.n);
    must(plan != nullptr ? matmul_bf16(a, *plan, nullptr) : matmul_bf16(a, nullptr));
    return from_device(y);
  }
};

double silu(double z) { return z / (1 + std::exp(-z)); }

}  // namespace

// float32 sums of exact products, as the tensor cores round them: they keep the sum's exponent and cut, so a step loses
// at most about 2^-23 of the largest partial sum; over n_in / 16 steps that stays far below 2^-16 in norm.
TEST_CASE("matmul_bf16: agrees with float64 for odd shapes, and writes nothing else", "[gpu]") {
  const auto shape = GENERATE(values<Shape>({{1, 8, 8},
                                             {1, 64, 64},
                                             {2, 16, 136},
                                             {3, 72, 200},
                                             {8, 136, 128},
                                             {9, 200, 264},
                                             {17, 48, 1032},
                                             {40, 264, 520},
                                             {65, 128, 72},
                                             {130, 392, 328},
                                             {257, 136, 1000},
                                             {600, 264, 256}}));
  const Problem problem(shape, 17);
  const auto expected = problem.sums();
  const int padding = 6;
  const std::int64_t stride = shape.n + padding;
  const auto y = poisoned<float>(product(shape.m, static_cast<int>(stride)));
  must(matmul_bf16(problem.args(0, shape.m, Epilogue::store_f32, y.data(), stride), nullptr));
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

  const std::int64_t wide = shape.n + 8;
  const auto rounded = poisoned<Bf16>(product(shape.m, static_cast<int>(wide)));
  must(matmul_bf16(problem.args(0, shape.m, Epilogue::store_bf16, rounded.data(), wide), nullptr));
  const std::vector<Bf16> stored = from_device(rounded), exact = to_bf16(out);
  bool same = true;
  padding_kept = true;
  for (int m = 0; m < shape.m; ++m) {
    const auto row = stored.begin() + m * wide;
    same = same && std::memcmp(&*row, exact.data() + product(m, shape.n), product(shape.n, sizeof(Bf16))) == 0;
    for (int i = shape.n; i < wide; ++i) padding_kept = padding_kept && std::isnan(as_float(row[i]));
  }
  CHECK(same);
  CHECK(padding_kept);
}

TEST_CASE("matmul_bf16: no rows is no work, and shapes it can't have are refused", "[gpu]") {
  const Problem problem({4, 16, 16}, 3);
  const auto y = poisoned<float>(64);
  CHECK(matmul_bf16(problem.args(0, 0, Epilogue::store_f32, y.data(), 16), nullptr).has_value());
  MatmulBf16Args args = problem.args(0, 4, Epilogue::store_f32, y.data(), 16);
  args.n_in = 12;
  CHECK_FALSE(matmul_bf16(args, nullptr).has_value());
  args = problem.args(0, 4, Epilogue::swiglu_bf16, y.data(), 16);
  args.n_out = 8;
  CHECK_FALSE(matmul_bf16(args, nullptr).has_value());
  args = problem.args(0, 4, Epilogue::store_f32, y.data(), 15);
  CHECK_FALSE(matmul_bf16(args, nullptr).has_value());
  const Result<> unaligned = matmul_bf16(problem.args(0, 4, Epilogue::store_bf16, y.data(), 20), nullptr);
  REQUIRE_FALSE(unaligned.has_value());
  CHECK(unaligned.error().message == "matmul_bf16: y_stride is 20, must be a multiple of 8");
  CHECK_FALSE(matmul_bf16(problem.args(0, 4, Epilogue::store_f32, y.data(), 16), {24, 1, 64}, nullptr).has_value());
}

// The promise of the contract: tile, number of rows and place in the batch change no bit. Short weights end in their
// ring's first round, long ones fill its slots again; in wide ones a block has several tiles in the first round.
TEST_CASE("matmul_bf16: the same bits in every tile of a small product", "[gpu][invariance]") {
  const auto shape = GENERATE(values<Shape>({{70, 136, 200}, {34, 72, 1736}}));
  const Problem problem(shape, 23);
  const auto expected = problem.run(0, problem.shape.m, nullptr);
  for (const MatmulPlan& plan : matmul_plans()) {
    CAPTURE(plan.tokens, plan.groups, plan.rows, plan.paired);
    CHECK(same_bits(problem.run(0, problem.shape.m, &plan).data(), expected.data(), expected.size()));
  }
}

TEST_CASE("matmul_bf16: the same bits in every tile, batch and slot", "[gpu][invariance][heavy]") {
  const auto shape = GENERATE(
      values<Shape>({{300, 408, 712}, {520, 192, 4096}, {258, 64, 14336}, {170, 6400, 192}, {170, 6400, 200}}));
  const Problem problem(shape, 29);
  const auto expected = problem.run(0, shape.m, nullptr);
  const auto row = [&](int m) { return expected.data() + product(m, shape.n); };
  for (const MatmulPlan& plan : matmul_plans()) {
    CAPTURE(plan.tokens, plan.groups, plan.rows, plan.paired);
    CHECK(same_bits(problem.run(0, shape.m, &plan).data(), row(0), expected.size()));
    for (const auto& [first, count] : {std::pair{0, 1}, {shape.m - 1, 1}, {7, 2}, {5, 3}, {16, 8}, {64, 100}}) {
      const auto part = problem.run(first, count, &plan);
      CHECK(same_bits(part.data(), row(first), part.size()));
    }
  }
}

TEST_CASE("matmul_bf16: rounds and finishes as each epilogue says", "[gpu]") {
  const auto shape = GENERATE(values<Shape>({{1, 16, 64}, {5, 96, 136}, {70, 208, 256}, {300, 272, 512}}));
  const Problem problem(shape, 41);
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
    MatmulBf16Args args = problem.args(0, shape.m, Epilogue::store_bf16, y.data(), shape.n);
    args.bias = device_bias.data();
    must(matmul_bf16(args, nullptr));
    CHECK(relative_error_of(from_device(y), expected) <= 1.5 * relative_error_of(to_bf16(plain), expected));
  }
  SECTION("bias and float32") {
    std::vector<double> expected = sums;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      expected[i] += static_cast<double>(bias[i % static_cast<std::size_t>(shape.n)]);
    }
    const auto y = poisoned<float>(sums.size());
    MatmulBf16Args args = problem.args(0, shape.m, Epilogue::store_f32, y.data(), shape.n);
    args.bias = device_bias.data();
    must(matmul_bf16(args, nullptr));
    CHECK(relative_error_of(from_device(y), expected) < 0x1p-18);
  }
  SECTION("residual: added to what is there, in float32") {
    const auto residual = normal_floats(generator, sums.size());
    const auto y = on_device(residual);
    must(matmul_bf16(problem.args(0, shape.m, Epilogue::add_f32, y.data(), shape.n), nullptr));
    std::vector<float> expected = problem.run(0, shape.m, nullptr);
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = residual[i] + expected[i];
    CHECK(from_device(y) == expected);
  }
  SECTION("SwiGLU of interleaved gates and ups") {
    const auto y = poisoned<Bf16>(sums.size() / 2);
    must(matmul_bf16(problem.args(0, shape.m, Epilogue::swiglu_bf16, y.data(), shape.n / 2), nullptr));
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

TEST_CASE("matmul_bf16: pairs store the same bits with every epilogue", "[gpu][invariance][heavy]") {
  const Problem problem({200, 208, 456}, 43);  // neither tokens nor weight rows fill their tiles
  std::mt19937 generator(7);
  const std::size_t size = product(problem.shape.m, problem.shape.n);
  const auto residual = normal_floats(generator, size);
  const auto bias = on_device(normal_floats(generator, static_cast<std::size_t>(problem.shape.n)));
  const auto epilogue = GENERATE(Epilogue::store_bf16, Epilogue::store_f32, Epilogue::add_f32, Epilogue::swiglu_bf16);
  const auto stored = [&](const MatmulPlan& plan) {
    const auto y = on_device(residual);
    MatmulBf16Args args = problem.args(0, problem.shape.m, epilogue, y.data(), problem.shape.n);
    if (epilogue == Epilogue::store_bf16 || epilogue == Epilogue::store_f32) args.bias = bias.data();
    must(matmul_bf16(args, plan, nullptr));
    return from_device(y);
  };
  const std::vector<MatmulPlan> plans = matmul_plans();
  const auto expected = stored(plans.front());
  for (const MatmulPlan& plan : plans) {
    if (!plan.paired) continue;
    CAPTURE(plan.tokens, plan.rows);
    CHECK(same_bits(stored(plan).data(), expected.data(), size));
  }
}

// What another sequence's rows hold must not matter, not even if it is not a number.
TEST_CASE("matmul_bf16: a row of NaN stays alone", "[gpu][invariance]") {
  Problem problem({40, 72, 264}, 53);
  const auto expected = problem.run(0, 40, nullptr);
  for (int k = 0; k < 264; ++k) problem.x[product(7, 264) + static_cast<std::size_t>(k)] = __float2bfloat16(NAN);
  problem.device_x = on_device(problem.x);
  const auto out = problem.run(0, 40, nullptr);
  CHECK(same_bits(out.data(), expected.data(), 7 * 72));
  CHECK(same_bits(out.data() + 8 * 72, expected.data() + 8 * 72, 32 * 72));
  CHECK(std::isnan(out[7 * 72]));
}

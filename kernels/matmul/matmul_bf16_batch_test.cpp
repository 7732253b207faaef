// Several products in one launch: the weights of latent attention, one for each head.

#include <cmath>
#include <cstring>

#include "kernels/device/gpu_test.cuh"
#include "kernels/matmul/matmul_bf16.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

/// x [rows, heads, n_in] times w [heads, n_out, n_in], to y [rows, heads, n_out + padding].
struct Problem {
  int rows, heads, n_out, n_in, padding;
  DeviceBuffer<Bf16> x, w;

  Problem(int m, int h, int n, int k, int pad) : rows(m), heads(h), n_out(n), n_in(k), padding(pad) {
    std::mt19937 generator(31);
    x = on_device(normal_bf16(generator, static_cast<std::size_t>(m * h * k)));
    w = on_device(normal_bf16(generator, static_cast<std::size_t>(h * n * k), 0.1f));
  }
  int y_width() const { return n_out + padding; }

  MatmulBf16Args one_head(int head, int first_row, int n_rows, Bf16* y) const {
    MatmulBf16Args a;
    a.x = x.data() + (first_row * heads + head) * n_in;
    a.x_stride = heads * n_in;
    a.m_rows = n_rows;
    a.w = w.data() + static_cast<std::ptrdiff_t>(head) * n_out * n_in;
    a.n_out = n_out;
    a.n_in = n_in;
    a.y = y + head * y_width();
    a.y_stride = heads * y_width();
    return a;
  }
  MatmulBf16Args all_heads(int first_row, int n_rows, Bf16* y) const {
    MatmulBf16Args a = one_head(0, first_row, n_rows, y);
    a.n_batches = heads;
    a.x_batch_stride = n_in;
    a.w_batch_stride = n_out * n_in;
    a.y_batch_stride = y_width();
    return a;
  }
  DeviceBuffer<Bf16> result() const { return poisoned<Bf16>(static_cast<std::size_t>(rows * heads * y_width())); }
};

}  // namespace

TEST_CASE("matmul_bf16: several products in one launch give the bits of one at a time", "[gpu][invariance]") {
  const auto [m, h, n, k] =
      GENERATE(table<int, int, int, int>({{1, 1, 512, 128}, {3, 2, 512, 128}, {17, 16, 128, 512}, {300, 5, 136, 264}}));
  const Problem problem(m, h, n, k, 64);
  const auto separate = problem.result();
  for (int head = 0; head < h; ++head) must(matmul_bf16(problem.one_head(head, 0, m, separate.data()), nullptr));
  const auto expected = from_device(separate);
  for (const MatmulPlan& plan : matmul_plans()) {
    CAPTURE(plan.tokens, plan.groups, plan.rows, plan.paired);
    const auto together = problem.result();
    if (plan.paired && h > 1) {  // pairs of blocks take one product
      CHECK_FALSE(matmul_bf16(problem.all_heads(0, m, together.data()), plan, nullptr));
      continue;
    }
    must(matmul_bf16(problem.all_heads(0, m, together.data()), plan, nullptr));
    CHECK(same_bits(from_device(together).data(), expected.data(), expected.size()));
  }
  const auto together = problem.result();
  must(matmul_bf16(problem.all_heads(0, m, together.data()), nullptr));
  CHECK(same_bits(from_device(together).data(), expected.data(), expected.size()));
  const auto last = problem.result();
  must(matmul_bf16(problem.all_heads(m - 1, 1, last.data()), nullptr));
  const std::size_t row = static_cast<std::size_t>(h * problem.y_width());
  CHECK(same_bits(from_device(last).data(), expected.data() + static_cast<std::size_t>(m - 1) * row, row));
}

TEST_CASE("matmul_bf16: several products agree with float64", "[gpu]") {
  const int m = 5, h = 3, n = 72, k = 136;
  const Problem problem(m, h, n, k, 0);
  const auto x = from_device(problem.x), w = from_device(problem.w);
  std::vector<double> expected;
  for (int r = 0; r < m; ++r) {
    for (int head = 0; head < h; ++head) {
      for (int i = 0; i < n; ++i) {
        double sum = 0;
        for (int j = 0; j < k; ++j) {
          sum += static_cast<double>(as_float(x[static_cast<std::size_t>((r * h + head) * k + j)])) *
                 static_cast<double>(as_float(w[static_cast<std::size_t>((head * n + i) * k + j)]));
        }
        expected.push_back(sum);
      }
    }
  }
  const auto y = problem.result();
  must(matmul_bf16(problem.all_heads(0, m, y.data()), nullptr));
  const std::vector<float> plain(expected.begin(), expected.end());
  CHECK(relative_error_of(from_device(y), expected) <= 1.5 * relative_error_of(to_bf16(plain), expected));
}

TEST_CASE("matmul_bf16: several products that it can't have are refused", "[gpu]") {
  const Problem problem(1, 2, 16, 16, 0);
  const auto y = problem.result();
  MatmulBf16Args args = problem.all_heads(0, 1, y.data());
  args.n_batches = 0;
  CHECK_FALSE(matmul_bf16(args, nullptr).has_value());
  args = problem.all_heads(0, 1, y.data());
  args.w_batch_stride = 4;
  CHECK_FALSE(matmul_bf16(args, nullptr).has_value());
  args = problem.all_heads(0, 1, y.data());
  const float bias = 0;
  args.bias = &bias;
  CHECK_FALSE(matmul_bf16(args, nullptr).has_value());
}

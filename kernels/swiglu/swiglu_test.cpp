#include "kernels/swiglu/swiglu.h"

#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/support/simd_levels.h"

using namespace assay::kernels;
using namespace assay::tests;

TEST_CASE("swiglu: agrees with float64, and the same bits at every level", "[kernels][invariance]") {
  const int n = GENERATE(1, 15, 16, 1000);
  std::mt19937 generator(21);
  const auto gate = normal_floats(generator, static_cast<std::size_t>(n), 20),
             up = normal_floats(generator, static_cast<std::size_t>(n));
  std::vector<float> expected(gate.size()), first(gate.size()), y(gate.size());
  swiglu_ref(gate.data(), up.data(), n, expected.data());
  cpu_ops(SimdLevel::scalar).swiglu_row(gate.data(), up.data(), n, first.data());
  CHECK(relative_error(first, expected) < 3e-7);
  for (const SimdLevel level : available_levels()) {
    cpu_ops(level).swiglu_row(gate.data(), up.data(), n, y.data());
    CHECK(y == first);
  }
}

TEST_CASE("exp: within 1.5 units in the last place from -87 to 88, 0 below", "[kernels]") {
  for (const SimdLevel level : available_levels()) {
    const CpuOps& ops = cpu_ops(level);
    double worst = 0;
    for (float x = -87; x < 88; x += 0.00137f) {
      float y = 0;
      ops.exp_row(&x, 1, &y);
      const double exact = std::exp(static_cast<double>(x));
      const double unit = static_cast<double>(std::nextafter(static_cast<float>(exact), INFINITY)) -
                          static_cast<double>(static_cast<float>(exact));
      worst = std::max(worst, std::abs(static_cast<double>(y) - exact) / unit);
    }
    CHECK(worst < 1.5);
    const float inputs[] = {-88, -1000, -INFINITY, 0};
    float outputs[4];
    ops.exp_row(inputs, 4, outputs);
    CHECK(std::vector<float>(outputs, outputs + 4) == std::vector<float>{0, 0, 0, 1});
  }
}

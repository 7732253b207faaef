#include "kernels/rmsnorm/rmsnorm.h"

#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/support/simd_levels.h"

using namespace assay::kernels;
using namespace assay::tests;

TEST_CASE("rmsnorm: agrees with float64, and the same bits at every level", "[kernels][invariance]") {
  const int hidden = GENERATE(1, 3, 16, 257, 7168), tokens = 3;
  std::mt19937 generator(11);
  const auto x = normal_floats(generator, static_cast<std::size_t>(tokens * hidden), 3);
  const auto weight = normal_floats(generator, static_cast<std::size_t>(hidden));
  std::vector<float> expected(x.size()), first(x.size());
  rmsnorm_ref({x.data(), hidden, weight.data(), 1e-6f, tokens, hidden, expected.data(), hidden});
  rmsnorm(cpu_ops(SimdLevel::scalar), {x.data(), hidden, weight.data(), 1e-6f, tokens, hidden, first.data(), hidden});
  CHECK(relative_error(first, expected) < 3e-7);
  for (const SimdLevel level : available_levels()) {
    std::vector<float> y = x;  // in place
    rmsnorm(cpu_ops(level), {y.data(), hidden, weight.data(), 1e-6f, tokens, hidden, y.data(), hidden});
    CHECK(y == first);
  }
}

// The order of a sum over ranks, by hand.

#include <vector>

#include "kernels/collective/collective.h"
#include "tests/support/catch.h"

using assay::kernels::add_in_rank_order;

TEST_CASE("add_in_rank_order: ranks ascend, and x is added last", "[collective]") {
  // In float32 1e8 + 1 = 1e8: (1e8 - 1e8) + 1 = 1, while 1e8 + (-1e8 + 1) would be 0.
  const std::vector<float> first{1e8f, 1}, second{-1e8f, 1e8f}, third{1, -1e8f};
  std::vector<float> x{2, 3};
  add_in_rank_order(std::vector<std::span<const float>>{first, second, third}, x);
  CHECK(x == std::vector<float>{3, 3});  // (1 + 1e8) - 1e8 = 0

  std::vector<float> alone{1e8f};
  const std::vector<float> small{4}, other{3};
  add_in_rank_order(std::vector<std::span<const float>>{small, other}, alone);
  CHECK(alone == std::vector<float>{100000008});  // (1e8 + 4) + 3 would be 1e8: floats are 8 apart there
}

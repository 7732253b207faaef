// The order of a sum over ranks, by hand.

#include <vector>

#include "kernels/collective/collective.h"
#include "tests/support/catch.h"

using namespace assay::kernels;

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

// The factors of NVIDIA's nccl-tests, doc/PERFORMANCE.md: all-reduce 2(n-1)/n of the buffer, reduce-scatter and
// all-to-all (n-1)/n of it, all-gather (n-1)/n of what comes out, which is n parts.
TEST_CASE("link_bytes: what a rank's link carries one way", "[collective]") {
  using enum CollectiveOperation;
  CHECK(link_bytes(all_reduce, 2, 1024) == 1024);
  CHECK(link_bytes(all_reduce, 8, 1024) == 1792);
  CHECK(link_bytes(all_gather, 8, 128) == 896);
  CHECK(link_bytes(reduce_scatter, 4, 1024) == 768);
  CHECK(link_bytes(all_to_all, 4, 1024) == 768);
  CHECK(link_bytes(peer_copy, 2, 1024) == 1024);
  CHECK(link_bytes(peer_exchange, 8, 1024) == 1024);
}

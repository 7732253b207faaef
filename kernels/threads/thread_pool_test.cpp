#include "kernels/threads/thread_pool.h"

#include <vector>

#include "tests/support/catch.h"

using assay::kernels::ThreadPool;

TEST_CASE("thread_pool: every task runs once, loop after loop", "[kernels]") {
  const int n_threads = GENERATE(1, 2, 5);
  ThreadPool pool(n_threads);
  CHECK(pool.n_threads() == n_threads);
  pool.reserve_scratch(8);
  for (int loop = 0; loop < 2000; ++loop) {
    const int n_tasks = loop % 17;
    std::vector<int> done(static_cast<std::size_t>(n_tasks), 0);
    pool.for_each(n_tasks, [&](int task, float* scratch) {
      scratch[0] = 1;
      ++done[static_cast<std::size_t>(task)];
    });
    REQUIRE(done == std::vector<int>(static_cast<std::size_t>(n_tasks), 1));
  }
}

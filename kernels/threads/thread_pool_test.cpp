#include "kernels/threads/thread_pool.h"

#include <atomic>
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

// A worker that sleeps through the end of a loop wakes in the middle of the next one's beginning.
TEST_CASE("thread_pool: short loops of changing length by more threads than processors", "[kernels]") {
  ThreadPool pool(8);
  std::vector<std::atomic<int>> done(64);
  int wrong = 0;
  for (int loop = 0; loop < 60000; ++loop) {
    const int n_tasks = 2 + loop * 7 % 13, first = loop % 48;
    pool.for_each(n_tasks, [&done, first](int task, float*) {
      done[static_cast<std::size_t>(first + task)].fetch_add(1, std::memory_order_relaxed);
    });
    for (int i = 0; i < 64; ++i) {
      const int expected = i >= first && i < first + n_tasks ? 1 : 0;
      wrong += done[static_cast<std::size_t>(i)].exchange(0, std::memory_order_relaxed) != expected;
    }
  }
  CHECK(wrong == 0);
}

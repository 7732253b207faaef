#pragma once
// A fixed team of threads that shares out loops of tasks.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace assay::kernels {

/// n_threads - 1 workers and the caller. One for_each() at a time, from one thread; tasks are handed out one by one, so
/// which thread does which is open: a task must not depend on it. A loop ends when its tasks are done: a worker that
/// the system has not let run meanwhile isn't waited for.
class ThreadPool {
 public:
  explicit ThreadPool(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int n_threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Makes each thread's scratch at least this large. Call between loops; the contents are not kept.
  void reserve_scratch(std::size_t n_floats);

  /// Memory of at least this size, aligned to 64 bytes, that the caller fills for the tasks of its next loops. Valid
  /// until the next call; the contents are not kept.
  std::byte* shared_scratch(std::size_t n_bytes);

  /// Runs body(task, scratch) for every task in [0, n_tasks); returns when all are done.
  template <class Body>
  void for_each(int n_tasks, const Body& body) {
    run(
        n_tasks,
        [](const void* context, int task, float* scratch) { (*static_cast<const Body*>(context))(task, scratch); },
        &body);
  }

 private:
  using Function = void (*)(const void* context, int task, float* scratch);
  void run(int n_tasks, Function function, const void* context);
  void work(int thread);
  void take_tasks(int thread);

  struct AlignedFree {
    void operator()(float* p) const;
  };
  std::vector<std::unique_ptr<float[], AlignedFree>> scratch_;  // one per thread
  std::size_t scratch_floats_ = 0;
  std::unique_ptr<float[], AlignedFree> shared_;
  std::size_t shared_bytes_ = 0;

  // The loop at hand. A worker may read it while the next one is written; it acts on what it read only after it has
  // claimed a task, and while a loop has an unclaimed task the next one is not begun.
  std::atomic<Function> function_{nullptr};
  std::atomic<const void*> context_{nullptr};
  std::atomic<std::uint32_t> n_tasks_{0};
  alignas(64) std::atomic<std::uint64_t> claim_{0};  // generation in the upper half, unclaimed tasks in the lower
  alignas(64) std::atomic<std::uint32_t> generation_{0};
  alignas(64) std::atomic<std::uint32_t> n_left_{0};  // tasks that are not done
  std::atomic<bool> stopping_{false};
  std::vector<std::jthread> workers_;
};

}  // namespace assay::kernels

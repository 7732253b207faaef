#include "kernels/threads/thread_pool.h"

#include <cstdlib>
#include <new>

#include "harness/base/assert.h"

namespace assay::kernels {

namespace {

/// Steps of a decode pass follow each other within microseconds: spin that long before sleeping.
constexpr int kSpins = 4000;

float* allocate(std::size_t n_bytes) {
  auto* memory = static_cast<float*>(std::aligned_alloc(64, (n_bytes + 63) / 64 * 64));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

void ThreadPool::AlignedFree::operator()(float* p) const { std::free(p); }

ThreadPool::ThreadPool(int n_threads) : scratch_(static_cast<std::size_t>(n_threads)) {
  ASSAY_ASSERT(n_threads >= 1, "the caller is one of the threads");
  for (int thread = 1; thread < n_threads; ++thread) workers_.emplace_back([this, thread] { work(thread); });
}

ThreadPool::~ThreadPool() {
  stopping_ = true;
  generation_.fetch_add(1);
  generation_.notify_all();
}

void ThreadPool::reserve_scratch(std::size_t n_floats) {
  if (n_floats <= scratch_floats_) return;
  for (auto& buffer : scratch_) buffer.reset(allocate(n_floats * sizeof(float)));
  scratch_floats_ = n_floats;
}

std::byte* ThreadPool::shared_scratch(std::size_t n_bytes) {
  if (n_bytes > shared_bytes_) {
    shared_.reset(allocate(n_bytes));
    shared_bytes_ = n_bytes;
  }
  return reinterpret_cast<std::byte*>(shared_.get());
}

void ThreadPool::run(int n_tasks, Function function, const void* context) {
  if (n_tasks <= 0) return;
  function_ = function;
  context_ = context;
  n_tasks_ = n_tasks;
  next_task_.store(0, std::memory_order_relaxed);
  if (n_tasks == 1 || workers_.empty()) return take_tasks(0);
  n_busy_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  take_tasks(0);
  for (int spins = 0;; ++spins) {
    const int busy = n_busy_.load(std::memory_order_acquire);
    if (busy == 0) return;
    if (spins < kSpins) {
      relax();
    } else {
      n_busy_.wait(busy, std::memory_order_acquire);
    }
  }
}

void ThreadPool::work(int thread) {
  std::uint32_t seen = 0;
  for (;;) {
    for (int spins = 0; generation_.load(std::memory_order_acquire) == seen; ++spins) {
      if (spins < kSpins) {
        relax();
      } else {
        generation_.wait(seen, std::memory_order_acquire);
      }
    }
    seen = generation_.load(std::memory_order_acquire);
    if (stopping_) return;
    take_tasks(thread);
    if (n_busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) n_busy_.notify_one();
  }
}

void ThreadPool::take_tasks(int thread) {
  float* scratch = scratch_[static_cast<std::size_t>(thread)].get();
  for (;;) {
    const int task = next_task_.fetch_add(1, std::memory_order_relaxed);
    if (task >= n_tasks_) return;
    function_(context_, task, scratch);
  }
}

}  // namespace assay::kernels

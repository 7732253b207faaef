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
  if (n_tasks == 1 || workers_.empty()) {
    for (int task = 0; task < n_tasks; ++task) function(context, task, scratch_[0].get());
    return;
  }
  function_.store(function, std::memory_order_relaxed);
  context_.store(context, std::memory_order_relaxed);
  n_tasks_.store(static_cast<std::uint32_t>(n_tasks), std::memory_order_relaxed);
  n_left_.store(static_cast<std::uint32_t>(n_tasks), std::memory_order_relaxed);
  const std::uint32_t generation = generation_.load(std::memory_order_relaxed) + 1;
  claim_.store(std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(n_tasks), std::memory_order_release);
  generation_.store(generation, std::memory_order_release);
  generation_.notify_all();
  take_tasks(0);
  for (int spins = 0;; ++spins) {
    const std::uint32_t left = n_left_.load(std::memory_order_acquire);
    if (left == 0) return;
    if (spins < kSpins) {
      relax();
    } else {
      n_left_.wait(left, std::memory_order_acquire);
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
  }
}

void ThreadPool::take_tasks(int thread) {
  std::uint32_t n_done = 0;
  for (std::uint64_t claim = claim_.load(std::memory_order_acquire);;) {
    const auto n_unclaimed = static_cast<std::uint32_t>(claim);
    if (n_unclaimed == 0) break;
    const Function function = function_.load(std::memory_order_relaxed);
    const void* context = context_.load(std::memory_order_relaxed);
    const std::uint32_t task = n_tasks_.load(std::memory_order_relaxed) - n_unclaimed;
    if (!claim_.compare_exchange_weak(claim, claim - 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    function(context, static_cast<int>(task), scratch_[static_cast<std::size_t>(thread)].get());
    ++n_done;
    claim = claim_.load(std::memory_order_acquire);
  }
  if (n_done > 0 && n_left_.fetch_sub(n_done, std::memory_order_acq_rel) == n_done) n_left_.notify_one();
}

}  // namespace assay::kernels

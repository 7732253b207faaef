#pragma once
// Time for the generator of load: the machine's, or one that a test moves on itself.

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace assay::bench {

class LoadTime {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  virtual ~LoadTime() = default;
  virtual Moment now() = 0;
  /// Returns at `until`, or soon after wake() was called since the last return.
  virtual void wait_until(Moment until) = 0;
  virtual void wake() = 0;  ///< from any thread
};

class MachineTime final : public LoadTime {
 public:
  Moment now() override { return std::chrono::steady_clock::now(); }
  void wait_until(Moment until) override {
    std::unique_lock lock(mutex_);
    woken_.wait_until(lock, until, [this] { return is_woken_; });
    is_woken_ = false;
  }
  void wake() override {
    {
      const std::lock_guard lock(mutex_);
      is_woken_ = true;
    }
    woken_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable woken_;
  bool is_woken_ = false;
};

}  // namespace assay::bench

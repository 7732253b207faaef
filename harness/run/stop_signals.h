#pragma once
// SIGINT and SIGTERM as a stop token.

#include <signal.h>

#include <stop_token>
#include <thread>

namespace assay::run {

/// While it lives, the first SIGINT or SIGTERM requests a stop, and the second ends the process at once as it would by
/// default. One at a time in a process; create it before other threads start, since they must inherit the blocked mask.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  std::stop_token token() const { return stop_.get_token(); }

 private:
  void wait_for_signals(std::stop_token ended);

  std::stop_source stop_;
  sigset_t previous_mask_{};
  struct sigaction previous_interrupt_ {};
  struct sigaction previous_terminate_ {};
  std::jthread waiter_;  ///< takes the signals synchronously, so that no code runs in a signal handler
};

}  // namespace assay::run

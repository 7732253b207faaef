#include "harness/run/stop_signals.h"

#include <ctime>

#include "harness/base/log.h"

namespace assay::run {

namespace {

sigset_t stop_signal_set() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

constexpr timespec kPeriod{.tv_sec = 0, .tv_nsec = 100'000'000};  // how long the waiter outlives its owner at most

}  // namespace

StopSignals::StopSignals() {
  const sigset_t signals = stop_signal_set();
  pthread_sigmask(SIG_BLOCK, &signals, &previous_mask_);
  // A script's background jobs start with SIGINT ignored, and an ignored signal never becomes pending.
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  sigaction(SIGINT, &by_default, &previous_interrupt_);
  sigaction(SIGTERM, &by_default, &previous_terminate_);
  waiter_ = std::jthread([this](std::stop_token ended) { wait_for_signals(ended); });
}

StopSignals::~StopSignals() {
  waiter_.request_stop();
  waiter_.join();
  sigaction(SIGINT, &previous_interrupt_, nullptr);
  sigaction(SIGTERM, &previous_terminate_, nullptr);
  pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr);
}

void StopSignals::wait_for_signals(std::stop_token ended) {
  const sigset_t signals = stop_signal_set();
  while (!ended.stop_requested()) {
    const int signal_number = sigtimedwait(&signals, nullptr, &kPeriod);
    if (signal_number < 0) continue;  // nothing within the period, or another signal's handler ran
    if (!stop_.stop_requested()) {
      log_note("stopping: saving what has finished; a second signal ends at once");
      stop_.request_stop();
      continue;
    }
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    raise(signal_number);
  }
}

}  // namespace assay::run

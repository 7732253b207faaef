#pragma once
// Progress of loading a model's weights on standard error.

#include <chrono>
#include <optional>
#include <string>

#include "harness/run/progress.h"
#include "runners/engine/load_options.h"

namespace assay::run {

/// Draws each step of a load as ProgressView does, in megabytes; steps that are over within half a second are not
/// drawn at all.
class LoadView {
 public:
  explicit LoadView(ProgressStyle style) : style_(style) {}
  void show(const runners::LoadState& state);

 private:
  using Clock = std::chrono::steady_clock;
  const ProgressStyle style_;
  std::string step_;
  Clock::time_point step_started_;
  std::optional<ProgressView> view_;
};

}  // namespace assay::run

#include "harness/run/load_view.h"

namespace assay::run {

namespace {

using namespace std::chrono_literals;
constexpr auto kNotWorthDrawing = 500ms;

std::int64_t megabytes(std::uint64_t bytes) { return static_cast<std::int64_t>(bytes / 1'000'000); }

}  // namespace

void LoadView::show(const runners::LoadState& state) {
  const auto now = Clock::now();
  if (state.step != step_) {
    view_.reset();
    step_ = state.step;
    step_started_ = now;
  }
  if (!view_) {
    if (now - step_started_ < kNotWorthDrawing) return;
    view_.emplace(style_, step_ + " (MB)");
    view_->start(megabytes(state.total_bytes), megabytes(state.done_bytes));
  }
  view_->set_done(megabytes(state.done_bytes));
}

}  // namespace assay::run

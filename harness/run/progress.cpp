#include "harness/run/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/base/log.h"
#include "harness/base/text.h"

namespace assay::run {

namespace {

using namespace std::chrono_literals;
constexpr auto kBarPeriod = 100ms;
constexpr auto kLinePeriod = 30s;  // INTERFACE.md, Programs
constexpr int kBarWidth = 24;

double done_ratio(const ProgressState& state) {
  return state.n_total <= 0 ? 1.0 : std::clamp(double(state.n_done) / double(state.n_total), 0.0, 1.0);
}

std::string two_digits(std::int64_t n) {
  std::string text = std::to_string(n);
  if (n < 10) text.insert(text.begin(), '0');
  return text;
}

/// "0:07", "12:30", "3:04:05".
std::string duration_text(double seconds) {
  const auto total_s = static_cast<std::int64_t>(std::ceil(seconds));
  const std::int64_t minutes = total_s / 60 % 60;
  std::string text = total_s < 3600 ? std::to_string(minutes) : std::to_string(total_s / 3600);
  if (total_s >= 3600) text.append(":").append(two_digits(minutes));
  return text.append(":").append(two_digits(total_s % 60));
}

}  // namespace

std::string progress_text(const ProgressState& state) {
  std::string text = std::to_string(state.n_done) + "/" + std::to_string(state.n_total) + "  " +
                     to_fixed(100 * done_ratio(state), 1) + "%";
  const std::int64_t n_here = state.n_done - state.n_before;
  if (n_here <= 0 || state.elapsed_s <= 0) return text;
  const double per_s = double(n_here) / state.elapsed_s;
  text += "  " + to_fixed(per_s, 1) + "/s";
  if (state.n_done < state.n_total) text += "  ETA " + duration_text(double(state.n_total - state.n_done) / per_s);
  if (state.n_output_tokens > 0) {
    text += "  " + to_fixed(double(state.n_output_tokens) / state.elapsed_s, 0) + " tokens/s";
  }
  return text;
}

std::string progress_bar(const ProgressState& state, int width) {
  const auto n_places = static_cast<std::size_t>(width);
  const auto n_filled = static_cast<std::size_t>(std::floor(done_ratio(state) * width));
  std::string bar(n_places + 2, '-');
  bar.front() = '[';
  bar.back() = ']';
  std::fill_n(bar.begin() + 1, n_filled, '#');
  return bar;
}

ProgressStyle progress_style(bool quiet) {
  if (quiet) return ProgressStyle::none;
  return ::isatty(STDERR_FILENO) ? ProgressStyle::bar : ProgressStyle::lines;
}

ProgressView::ProgressView(ProgressStyle style, std::string label) : style_(style), label_(std::move(label)) {}

ProgressView::~ProgressView() {
  const std::lock_guard held(mutex_);
  if (bar_is_open_) {
    draw_if_due(held, /*last=*/true);
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, "\n", 1);
  }
}

void ProgressView::start(std::int64_t n_total, std::int64_t n_before) {
  const std::lock_guard held(mutex_);
  state_ = {.n_total = n_total, .n_before = n_before, .n_done = n_before, .n_output_tokens = 0, .elapsed_s = 0};
  started_ = drawn_ = Clock::now();
}

void ProgressView::set_done(std::int64_t n_done) {
  const std::lock_guard held(mutex_);
  state_.n_done = n_done;
  draw_if_due(held, /*last=*/n_done == state_.n_total);
}

void ProgressView::set_output_tokens(std::int64_t n_output_tokens) {
  const std::lock_guard held(mutex_);
  state_.n_output_tokens = n_output_tokens;
  draw_if_due(held, /*last=*/false);
}

void ProgressView::draw_if_due(const std::lock_guard<std::mutex>&, bool last) {
  const auto now = Clock::now();
  state_.elapsed_s = std::chrono::duration<double>(now - started_).count();
  if (style_ == ProgressStyle::lines && now - drawn_ >= kLinePeriod) {
    log_note(label_, ": ", progress_text(state_));
    drawn_ = now;
  }
  if (style_ == ProgressStyle::bar && (last || now - drawn_ >= kBarPeriod)) {
    // \r and "erase to the end of the line": the bar stays on one line as long as the terminal is wide enough.
    const std::string line =
        "\r" + label_ + " " + progress_bar(state_, kBarWidth) + " " + progress_text(state_) + "\x1b[K";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    bar_is_open_ = true;
    drawn_ = now;
  }
}

}  // namespace assay::run

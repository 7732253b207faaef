#pragma once
// What the scheduler's two sides, prompts and sequences, have in common: the samples they pass on, the executor, the
// pages.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runners/engine/admission.h"
#include "runners/engine/executor.h"
#include "runners/engine/model.h"
#include "runners/engine/page_pool.h"
#include "runners/engine/scheduler.h"

namespace assay::runners {

/// What of a request matters once its prompt is known.
struct Sample {
  std::uint64_t id = 0;
  kernels::SamplingArgs sampling;
  kernels::NoiseKey key;
  std::int64_t max_output_tokens = 0;
  int n_logprobs = 0;
  bool scores_prompt = false;
  int max_total = 0;        ///< tokens, the prompt's included, at which it ends
  double submitted_ms = 0;  ///< by SchedulerState::now_ms()
  bool cancelled = false;   ///< it must not start any more
  // Of an earlier start, where it lost its place in the cache and begins again, with the same tokens:
  std::int64_t n_told = 0;                  ///< output tokens that were handed out
  std::optional<TokenOutput> earlier = {};  ///< what it had

  Draw draw(int row, int position) const {
    return {row, sampling, key, static_cast<std::uint32_t>(position), n_logprobs};
  }
};

/// Where a sequence's keys and values are.
enum class Place { cache, leaving, host };

/// A sample that is being generated.
struct Sequence {
  Sample sample;
  std::vector<std::int32_t> tokens;  ///< prompt and output, as far as they are known
  int n_prompt = 0;
  std::vector<std::int32_t> pages;
  int n_shared_pages = 0;  ///< of those, the first ones: the prompt's own
  Place place = Place::cache;
  SavedPages saved;   ///< on the host
  int n_pending = 0;  ///< its passes under way
  int last_draw = 0;  ///< in the pass submitted last that it was in
  std::optional<std::int32_t> draft;
  std::int64_t n_told = 0;  ///< output tokens that were handed out while it runs, the end token counted
  TokenOutput output;
  bool finished = false;
  bool handed_over = false;

  bool in_cache() const { return place == Place::cache && !finished; }
  int size() const { return static_cast<int>(tokens.size()); }
  /// Tokens, those counted that are being drawn.
  int n_total() const { return size() + n_pending; }
};

/// Owned by the scheduler, used by both sides; one thread.
struct SchedulerState {
  using Clock = std::chrono::steady_clock;

  SchedulerState(const Model& model, std::unique_ptr<Executor> made, SchedulerOptions given)
      : config(model.config),
        executor(std::move(made)),
        options(std::move(given)),
        limits(options.limits),
        pages(executor->n_pages()) {}

  const ModelConfig& config;
  std::unique_ptr<Executor> executor;
  SchedulerOptions options;
  const ExecutorOptions& limits;
  PagePool pages;
  LengthEstimate lengths;
  Progress progress;
  Clock::time_point start = Clock::now();

  double ms_at(Clock::time_point time) const { return std::chrono::duration<double, std::milli>(time - start).count(); }
  double now_ms() const { return ms_at(Clock::now()); }
  /// The time before a run's first pass is nobody's.
  void add_idle(double idle_ms) {
    if (progress.prefill_device_ms > 0) progress.device_idle_ms += idle_ms;
  }
  /// Pages that a sequence is taken to need in the end.
  int expected_pages(const Sample& sample, int n_prompt, std::int64_t n_output) const {
    return pages_for(n_prompt + lengths.expected(n_output, sample.max_total - n_prompt));
  }
  bool is_end(std::int32_t token) const {
    return std::find(options.end_tokens.begin(), options.end_tokens.end(), token) != options.end_tokens.end();
  }
};

}  // namespace assay::runners

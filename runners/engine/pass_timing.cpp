#include "runners/engine/pass_timing.h"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace assay::runners {

namespace {

using Clock = std::chrono::steady_clock;

/// Takes the oldest pass's result and notes when it was there. What it has drawn is returned.
Result<std::vector<DrawnToken>> collect_into(Executor& executor, PassTimes& times, Clock::time_point& last) {
  ASSAY_ASSIGN(PassResult result, executor.collect());
  const Clock::time_point now = Clock::now();
  if (!times.wall_ms.empty()) times.idle_ms += result.idle_ms;  // the time before the first pass is nobody's
  times.wall_ms.push_back(std::chrono::duration<double, std::milli>(now - last).count());
  last = now;
  times.device_ms += result.device_ms;
  for (const DrawnToken& drawn : result.drawn) {
    if (drawn.token < 0) return bad_input("the model's logits are no numbers");
  }
  return std::move(result.drawn);
}

}  // namespace

Result<std::vector<std::vector<std::int32_t>>> pages_of_sequences(const Executor& executor, int n_sequences,
                                                                  std::int64_t n_tokens) {
  const std::int64_t n_each = pages_for(n_tokens);
  if (n_sequences * n_each > executor.n_pages()) {
    return environment_error("the cache has ", executor.n_pages(), " pages, and ", n_sequences, " sequences of ",
                             n_tokens, " tokens take ", n_sequences * n_each, "; give it more by --kv-memory");
  }
  std::vector<std::vector<std::int32_t>> pages;
  for (int i = 0; i < n_sequences; ++i) {
    auto& own = pages.emplace_back(static_cast<std::size_t>(n_each));
    std::iota(own.begin(), own.end(), static_cast<std::int32_t>(i * n_each));
  }
  return pages;
}

Result<PassTimes> time_prefill(Executor& executor, int n_prompts, int n_tokens, int chunk_tokens, int first_token,
                               std::int64_t vocab_size, const std::vector<std::vector<std::int32_t>>& pages,
                               const AfterPass& after_pass) {
  const std::int64_t n_ids = std::min<std::int64_t>(vocab_size, 1000);
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(n_tokens));
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = static_cast<std::int32_t>((static_cast<std::int64_t>(i) * 31 + first_token) % n_ids);
  }
  PassTimes times;
  Clock::time_point last = Clock::now();
  for (int first = 0; first < n_prompts * n_tokens; first += chunk_tokens) {
    std::vector<TokenSpan> spans;
    std::vector<Draw> draws;
    for (int at = first; at < std::min(first + chunk_tokens, n_prompts * n_tokens);) {
      const int sequence = at / n_tokens, position = at % n_tokens;
      const int rows = std::min(n_tokens - position, first + chunk_tokens - at);
      spans.push_back({pages[static_cast<std::size_t>(sequence)], position,
                       std::span(tokens).subspan(static_cast<std::size_t>(position), static_cast<std::size_t>(rows))});
      at += rows;
      if (at % n_tokens == 0) draws.push_back({at - first - 1, {}, {}, static_cast<std::uint32_t>(n_tokens), 0});
    }
    const Pass pass{.role = PositionRole::prompt, .spans = spans, .draws = draws};
    ASSAY_TRY(executor.submit(pass));
    ASSAY_TRY(collect_into(executor, times, last));
    if (after_pass) ASSAY_TRY(after_pass(pass));
  }
  return times;
}

Result<PassTimes> time_decode(Executor& executor, int batch, int context, int n_steps, double temperature,
                              const std::vector<std::vector<std::int32_t>>& pages, const AfterPass& after_pass) {
  const int n_ahead = after_pass ? 0 : std::min(2, executor.max_in_flight()) - 1;
  PassTimes times;
  Clock::time_point last = Clock::now();
  std::vector<DrawnToken> drawn;  // of the step before, where one pass is under way at a time
  for (int step = 0; step < n_steps; ++step) {
    std::vector<std::int32_t> tokens(static_cast<std::size_t>(batch), 7);
    std::vector<TokenSpan> spans;
    std::vector<Draw> draws;
    for (int i = 0; i < batch; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (step > 0) tokens[at] = n_ahead > 0 ? drawn_before(i) : drawn[at].token;
      spans.push_back({pages[at], context + step, std::span(tokens).subspan(at, 1)});
      draws.push_back({i,
                       {temperature, temperature > 0 ? 0.95 : 1.0, 0, 0},
                       {1, static_cast<std::uint32_t>(i)},
                       static_cast<std::uint32_t>(context + step + 1),
                       0});
    }
    const Pass pass{.role = PositionRole::generated, .spans = spans, .draws = draws};
    ASSAY_TRY(executor.submit(pass));
    if (step >= n_ahead) {
      ASSAY_ASSIGN(drawn, collect_into(executor, times, last));
    }
    if (after_pass) ASSAY_TRY(after_pass(pass));
  }
  for (int i = 0; i < std::min(n_ahead, n_steps); ++i) ASSAY_TRY(collect_into(executor, times, last));
  return times;
}

}  // namespace assay::runners

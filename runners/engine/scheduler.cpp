#include "runners/engine/scheduler.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "harness/base/log.h"
#include "harness/base/text.h"
#include "runners/engine/prompt_side.h"
#include "runners/engine/scheduler_parts.h"
#include "runners/engine/sequence_side.h"

namespace assay::runners {

namespace {

/// A pass under way: of prompts or of sequences.
struct PassUnderWay {
  std::vector<PromptPart> parts;
  std::vector<Step> steps;
};

}  // namespace

class Scheduler::Work {
 public:
  Work(const Model& model, std::unique_ptr<Executor> executor, SchedulerOptions options)
      : state_(model, std::move(executor), std::move(options)),
        max_in_flight_(state_.limits.speculate ? 1 : static_cast<std::size_t>(state_.executor->max_in_flight())),
        prompts_(state_, is_live()),
        sequences_(state_) {}

  Result<> check(const TokenRequest& request) const;
  Result<> run(std::span<const TokenRequest> requests, const std::function<Result<>(TokenOutput)>& on_output,
               const ProgressSink& on_progress, std::stop_token stop);
  void add(std::uint64_t id, const TokenRequest& request, double submitted_ms);
  void submit(std::uint64_t id, const TokenRequest& request, SchedulerState::Clock::time_point submitted) {
    add(id, request, state_.ms_at(submitted));
  }
  Result<> cancel(std::uint64_t id, const OutputSink& sink);
  bool has_work() const { return prompts_.has_work() || sequences_.has_work() || !in_flight_.empty(); }
  Result<> step(const OutputSink& sink);
  void forget_everything();
  Result<std::optional<LinkReport>> link_report() const { return state_.executor->link_report(); }

 private:
  bool is_live() const { return state_.options.workload == Workload::live; }
  int max_total(const TokenRequest& request) const;
  Result<> bring_back();
  Result<> start_samples();
  bool prompts_have_turn();
  Result<> submit_prefill();
  Result<bool> submit_decode();
  Result<> collect();

  SchedulerState state_;
  std::size_t max_in_flight_;
  PromptSide prompts_;
  SequenceSide sequences_;
  std::deque<PassUnderWay> in_flight_;
  bool last_was_prefill_ = false;  // the pass submitted last
};

int Scheduler::Work::max_total(const TokenRequest& request) const {
  const std::int64_t context = state_.config.max_position_embeddings;
  const auto n_prompt = static_cast<std::int64_t>(request.prompt.size());
  const std::int64_t wanted = request.max_output_tokens > 0 ? request.max_output_tokens : context;
  return static_cast<int>(std::min(context, n_prompt + std::min(wanted, context)));
}

Result<> Scheduler::Work::check(const TokenRequest& request) const {
  if (request.prompt.empty()) return bad_input("the prompt has no tokens");
  for (const std::int32_t token : request.prompt) {
    if (token < 0 || token >= state_.config.vocab_size) {
      return bad_input("the prompt has token ", token, "; the model's ids are 0 to ", state_.config.vocab_size - 1);
    }
  }
  if (static_cast<std::int64_t>(request.prompt.size()) >= state_.config.max_position_embeddings) {
    return bad_input("the prompt has ", request.prompt.size(), " tokens, the model's context ",
                     state_.config.max_position_embeddings);
  }
  // The page with the prompt's last position is there twice: other samples may still start from it.
  const int n_pages = pages_for(max_total(request)) + 1;
  if (n_pages > state_.pages.n_pages()) {
    return environment_error("a sample of up to ", max_total(request), " tokens needs ", n_pages,
                             " pages of KV cache, there are ", state_.pages.n_pages(),
                             "; give a larger --kv-memory or a smaller --max-output-tokens");
  }
  return {};
}

Result<> Scheduler::Work::run(std::span<const TokenRequest> requests,
                              const std::function<Result<>(TokenOutput)>& on_output, const ProgressSink& on_progress,
                              std::stop_token stop) {
  for (const TokenRequest& request : requests) ASSAY_TRY(check(request));
  forget_everything();
  for (std::size_t i = 0; i < requests.size(); ++i) add(i, requests[i], 0);
  prompts_.put_longest_first();
  while (has_work()) {
    if (stop.stop_requested())
      return interrupted("stopped with ", state_.progress.n_finished, " of ", requests.size(), " samples");
    ASSAY_TRY(step({.on_tokens = {}, .on_finished = on_output}));
    if (on_progress) on_progress(state_.progress);
  }
  const Progress& progress = state_.progress;
  if (progress.n_moved_out > 0) {
    log_note("samples made room in the KV cache ", progress.n_moved_out, " times; ", progress.moved_bytes >> 20,
             " MiB were copied to the host and back in ", to_fixed(progress.moving_ms / 1000, 1), " s");
  }
  return {};
}

void Scheduler::Work::add(std::uint64_t id, const TokenRequest& request, double submitted_ms) {
  prompts_.add(request.prompt, {.id = id,
                                .sampling = request.sampling,
                                .key = request.key,
                                .max_output_tokens = request.max_output_tokens,
                                .n_logprobs = request.n_logprobs,
                                .scores_prompt = request.scores_prompt,
                                .max_total = max_total(request),
                                .submitted_ms = submitted_ms});
}

Result<> Scheduler::Work::cancel(std::uint64_t id, const OutputSink& sink) {
  std::optional<Sample> waiting = prompts_.cancel(id);
  if (!waiting) {
    sequences_.cancel(id);
    return {};
  }
  TokenOutput output;
  if (waiting->earlier) output = std::move(*waiting->earlier);
  output.request = id;
  output.finish_reason = FinishReason::cancelled;
  output.timings = {};
  output.timings.queued_ms = 0;
  return sink.on_finished(std::move(output));
}

Result<> Scheduler::Work::step(const OutputSink& sink) {
  ASSAY_TRY(bring_back());
  ASSAY_TRY(start_samples());
  bool submitted = true;
  if (prompts_have_turn()) {
    ASSAY_TRY(submit_prefill());
  } else {
    ASSAY_ASSIGN(submitted, submit_decode());
  }
  if (in_flight_.size() >= max_in_flight_ || (!submitted && !in_flight_.empty())) ASSAY_TRY(collect());
  if (is_live()) ASSAY_TRY(start_samples());  // a first token is told at once, not with the second
  return sequences_.hand_over(sink);
}

/// Sequences that had to leave the cache come back, oldest first, as soon as there is room for what they will need.
Result<> Scheduler::Work::bring_back() {
  while (Sequence* sequence = sequences_.next_to_return()) {
    const int n_pages = sequences_.pages_to_return(*sequence);
    std::vector<PageNeed> needs = sequences_.needs();
    if (static_cast<int>(needs.size()) >= state_.limits.max_batch) break;
    needs.push_back({0, std::max(n_pages, state_.expected_pages(sequence->sample, sequence->n_prompt,
                                                                sequence->output.n_output_tokens))});
    if (!prompts_.make_room(needs, n_pages, nullptr)) break;
    ASSAY_TRY(sequences_.bring_back(*sequence));
  }
  return {};
}

/// Starts samples of prefilled prompts while there is room for them in batch and cache.
Result<> Scheduler::Work::start_samples() {
  if (!sequences_.any_away()) {
    while (Prompt* prompt = prompts_.next_ready(sequences_.needs())) sequences_.start(*prompt);
  }
  ASSAY_TRY(sequences_.settle_started());
  prompts_.retire();
  return {};
}

/// Filling the batch comes first: decoding costs little more for many sequences than for few. Live, somebody watches
/// the sequences that run.
bool Scheduler::Work::prompts_have_turn() {
  if (is_live() && last_was_prefill_ && sequences_.can_step()) return false;
  return sequences_.n_live() < state_.limits.max_batch && !sequences_.any_away() && prompts_.admit(sequences_.needs());
}

Result<> Scheduler::Work::submit_prefill() {
  int max_rows = state_.limits.prefill_chunk_tokens;
  if (is_live() && sequences_.can_step()) max_rows = std::min(max_rows, kPromptRowsBesideSequences);
  ASSAY_ASSIGN(std::vector<PromptPart> parts, prompts_.submit(max_rows));
  in_flight_.push_back({.parts = std::move(parts), .steps = {}});
  last_was_prefill_ = true;
  return {};
}

/// False if no sequence can take a step.
Result<bool> Scheduler::Work::submit_decode() {
  while (sequences_.n_missing_pages() > 0 && prompts_.give_up_pages()) {
  }
  ASSAY_ASSIGN(std::vector<Restart> restarts, sequences_.give_way());
  for (Restart& restart : restarts) prompts_.add(restart.prompt, std::move(restart.sample));
  ASSAY_ASSIGN(std::vector<Step> steps, sequences_.submit());
  if (steps.empty()) return false;
  in_flight_.push_back({.parts = {}, .steps = std::move(steps)});
  last_was_prefill_ = false;
  return true;
}

/// Takes in what the oldest pass under way has drawn.
Result<> Scheduler::Work::collect() {
  const PassUnderWay pass = std::move(in_flight_.front());
  in_flight_.pop_front();
  ASSAY_ASSIGN(PassResult result, state_.executor->collect());
  state_.add_idle(result.idle_ms);
  if (pass.steps.empty()) {
    state_.progress.prefill_device_ms += result.device_ms;
    return prompts_.finish(pass.parts, result);
  }
  state_.progress.decode_device_ms += result.device_ms;
  return sequences_.finish(pass.steps, result);
}

/// Forgets what an interrupted run left behind.
void Scheduler::Work::forget_everything() {
  for (; !in_flight_.empty(); in_flight_.pop_front()) static_cast<void>(state_.executor->collect());
  sequences_.forget();
  prompts_.forget();
  state_.pages = PagePool(state_.executor->n_pages());
  state_.lengths = {};
  state_.progress = {};
  state_.start = SchedulerState::Clock::now();
  last_was_prefill_ = false;
}

Scheduler::Scheduler(std::unique_ptr<Work> work) : work_(std::move(work)) {}
Scheduler::Scheduler(Scheduler&&) noexcept = default;
Scheduler::~Scheduler() = default;

Result<Scheduler> Scheduler::create(const Model& model, std::unique_ptr<Executor> executor,
                                    const SchedulerOptions& options) {
  if (options.limits.speculate && !model.mtp)
    return bad_input("speculation needs a model with an MTP module; this one has none");
  return Scheduler(std::make_unique<Work>(model, std::move(executor), options));
}

Result<> Scheduler::check(const TokenRequest& request) const { return work_->check(request); }

Result<> Scheduler::run(std::span<const TokenRequest> requests, const std::function<Result<>(TokenOutput)>& on_output,
                        const ProgressSink& on_progress, std::stop_token stop) {
  return work_->run(requests, on_output, on_progress, stop);
}

void Scheduler::submit(std::uint64_t id, const TokenRequest& request, std::chrono::steady_clock::time_point submitted) {
  work_->submit(id, request, submitted);
}
Result<> Scheduler::cancel(std::uint64_t id, const OutputSink& sink) { return work_->cancel(id, sink); }
bool Scheduler::has_work() const { return work_->has_work(); }
Result<> Scheduler::step(const OutputSink& sink) { return work_->step(sink); }
void Scheduler::forget_everything() { work_->forget_everything(); }
Result<std::optional<LinkReport>> Scheduler::link_report() const { return work_->link_report(); }

}  // namespace assay::runners

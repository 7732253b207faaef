#include "runners/engine/scheduler.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "runners/engine/page_pool.h"

namespace assay::runners {

namespace {

using Clock = std::chrono::steady_clock;

/// A prompt and the samples that wait to start from it.
struct Prompt {
  std::vector<std::int32_t> tokens;
  std::deque<std::size_t> waiting;      // requests
  std::deque<DrawnToken> first_tokens;  // theirs, once the prompt's last pass has been collected
  std::vector<std::int32_t> pages;
  int n_submitted = 0;   // positions whose pass has been submitted
  int hidden_slot = -1;  // where the hidden state of its last position is kept, for the MTP module
  double started_ms = 0;
  double prefill_ms = 0;
  bool used = false;  // a sample has started: later ones find the prompt in the cache

  int size() const { return static_cast<int>(tokens.size()); }
  bool ready() const { return !first_tokens.empty(); }
};

/// A sample that is being generated.
struct Sequence {
  std::size_t request = 0;
  std::vector<std::int32_t> tokens;  // prompt and output, as far as they are known
  int n_prompt = 0;
  int max_total = 0;  // tokens at which it ends
  std::vector<std::int32_t> pages;
  int n_promised_pages = 0;
  int n_pending = 0;  // its passes under way
  int last_draw = 0;  // in the pass submitted last that it was in
  std::optional<std::int32_t> draft;
  TokenOutput output;
  bool finished = false;

  int size() const { return static_cast<int>(tokens.size()); }
  /// Tokens, those counted that are being drawn.
  int n_total() const { return size() + n_pending; }
};

/// Some positions of a prompt in a pass.
struct PromptPart {
  Prompt* prompt;
  int first_row, first_position, n_rows;
  int first_draw;  // negative: it does not end here
};

/// A sequence's rows in a pass: its last token, and its draft if it has one. Row and draw have the same number.
struct Step {
  Sequence* sequence;
  int first_row;
  std::optional<std::int32_t> draft;
};

/// A pass under way: of prompts or of sequences.
struct PassUnderWay {
  std::vector<PromptPart> parts;
  std::vector<Step> steps;
};

/// Positions that the MTP module drafts a sequence's next token from.
struct DraftRows {
  Sequence* sequence;
  MtpSpan::Source source;
  int first_hidden, n_rows;  // the last n_rows tokens are those behind the hidden states
};

}  // namespace

class Scheduler::Work {
 public:
  Work(const Model& model, std::unique_ptr<Executor> executor, SchedulerOptions options)
      : config_(model.config),
        executor_(std::move(executor)),
        options_(std::move(options)),
        limits_(options_.limits),
        max_in_flight_(limits_.speculate ? 1 : static_cast<std::size_t>(executor_->max_in_flight())),
        pages_(executor_->n_pages()) {}

  Result<> check(const TokenRequest& request) const;
  Result<> run(std::span<const TokenRequest> requests, const std::function<Result<>(TokenOutput)>& on_output,
               const ProgressSink& on_progress, std::stop_token stop);

 private:
  // Every step of run(), in this order.
  void plan(std::span<const TokenRequest> requests);
  Result<> start_samples();
  bool admit_prompts();
  Result<> submit_prefill();
  Result<bool> submit_decode();
  Result<> collect();
  Result<> hand_over_finished(const std::function<Result<>(TokenOutput)>& on_output);

  bool has_work() const { return !queued_.empty() || !active_.empty() || !running_.empty() || !in_flight_.empty(); }
  int max_total(const TokenRequest& request) const;
  void start_sample(Prompt& prompt, std::vector<std::pair<std::int32_t, std::int32_t>>& copies);
  Result<> finish_prompts(const std::vector<PromptPart>& parts, PassResult& result);
  Result<> finish_steps(const std::vector<Step>& steps, PassResult& result);
  void commit(Sequence& sequence, DrawnToken drawn);
  Result<> draft(const std::vector<DraftRows>& work);
  void ensure_pages(Sequence& sequence, int n_tokens);
  bool is_end(std::int32_t token) const;
  void add_idle(double idle_ms);
  double now_ms() const { return std::chrono::duration<double, std::milli>(Clock::now() - start_).count(); }
  void forget_everything();

  const ModelConfig& config_;
  std::unique_ptr<Executor> executor_;
  SchedulerOptions options_;
  const ExecutorOptions& limits_;
  std::size_t max_in_flight_;
  PagePool pages_;

  std::span<const TokenRequest> requests_;
  std::list<Prompt> queued_;  // not begun
  std::list<Prompt> active_;  // in prefill, or with samples that wait to start
  std::vector<std::unique_ptr<Sequence>> running_;
  std::deque<PassUnderWay> in_flight_;
  std::vector<int> free_hidden_slots_;
  int n_live_ = 0;  // running sequences that have not ended
  int n_promised_pages_ = 0;
  std::int64_t n_finished_output_tokens_ = 0;
  Progress progress_;
  Clock::time_point start_;
};

int Scheduler::Work::max_total(const TokenRequest& request) const {
  const std::int64_t context = config_.max_position_embeddings;
  const auto n_prompt = static_cast<std::int64_t>(request.prompt.size());
  const std::int64_t wanted = request.max_output_tokens > 0 ? request.max_output_tokens : context;
  return static_cast<int>(std::min(context, n_prompt + std::min(wanted, context)));
}

Result<> Scheduler::Work::check(const TokenRequest& request) const {
  if (request.prompt.empty()) return bad_input("the prompt has no tokens");
  for (const std::int32_t token : request.prompt) {
    if (token < 0 || token >= config_.vocab_size) {
      return bad_input("the prompt has token ", token, "; the model's ids are 0 to ", config_.vocab_size - 1);
    }
  }
  if (static_cast<std::int64_t>(request.prompt.size()) >= config_.max_position_embeddings) {
    return bad_input("the prompt has ", request.prompt.size(), " tokens, the model's context ",
                     config_.max_position_embeddings);
  }
  const int n_pages = pages_for(static_cast<std::int64_t>(request.prompt.size())) + pages_for(max_total(request));
  if (n_pages > pages_.n_pages()) {
    return environment_error("a sample of up to ", max_total(request), " tokens needs ", n_pages,
                             " pages of KV cache, there are ", pages_.n_pages(),
                             "; give a larger --kv-memory or a smaller --max-output-tokens");
  }
  return {};
}

Result<> Scheduler::Work::run(std::span<const TokenRequest> requests,
                              const std::function<Result<>(TokenOutput)>& on_output, const ProgressSink& on_progress,
                              std::stop_token stop) {
  for (const TokenRequest& request : requests) ASSAY_TRY(check(request));
  forget_everything();
  plan(requests);
  while (has_work()) {
    if (stop.stop_requested())
      return interrupted("stopped with ", progress_.n_finished, " of ", requests.size(), " samples");
    ASSAY_TRY(start_samples());
    // Filling the batch comes first: decoding costs little more for many sequences than for few.
    bool submitted = true;
    if (n_live_ < limits_.max_batch && admit_prompts()) {
      ASSAY_TRY(submit_prefill());
    } else {
      ASSAY_ASSIGN(submitted, submit_decode());
    }
    if (in_flight_.size() >= max_in_flight_ || (!submitted && !in_flight_.empty())) ASSAY_TRY(collect());
    ASSAY_TRY(hand_over_finished(on_output));
    progress_.n_running = n_live_;
    if (on_progress) on_progress(progress_);
  }
  return {};
}

/// Groups the requests by prompt, longest prompts first.
void Scheduler::Work::plan(std::span<const TokenRequest> requests) {
  requests_ = requests;
  progress_ = {};
  start_ = Clock::now();
  std::map<std::span<const std::int32_t>, Prompt*, decltype([](auto a, auto b) {
             return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
           })>
      place;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto [found, fresh] = place.try_emplace(requests[i].prompt, nullptr);
    if (fresh) {
      found->second = &queued_.emplace_back();
      found->second->tokens = requests[i].prompt;
    }
    found->second->waiting.push_back(i);
  }
  queued_.sort([](const Prompt& a, const Prompt& b) { return a.size() > b.size(); });
}

/// Starts samples of prefilled prompts while there is room for them in batch and cache.
Result<> Scheduler::Work::start_samples() {
  std::vector<std::pair<std::int32_t, std::int32_t>> copies;
  std::vector<DraftRows> drafts;
  const auto room_for_one = [&](const Prompt& prompt) {
    return n_live_ < limits_.max_batch &&
           n_promised_pages_ + pages_for(max_total(requests_[prompt.waiting.front()])) <= pages_.n_pages();
  };
  for (Prompt& prompt : active_) {
    while (prompt.ready() && room_for_one(prompt)) {
      start_sample(prompt, copies);
      Sequence& s = *running_.back();
      if (limits_.speculate && !s.finished) drafts.push_back({&s, MtpSpan::Source::kept, prompt.hidden_slot, 1});
    }
    if (prompt.ready()) break;  // longest first: no shorter one takes its place
  }
  if (!copies.empty()) ASSAY_TRY(executor_->copy_pages(copies));
  ASSAY_TRY(draft(drafts));
  std::erase_if(active_, [&](const Prompt& prompt) {
    if (!prompt.waiting.empty()) return false;
    for (const std::int32_t page : prompt.pages) pages_.release(page);
    n_promised_pages_ -= static_cast<int>(prompt.pages.size());
    if (prompt.hidden_slot >= 0) free_hidden_slots_.push_back(prompt.hidden_slot);
    return true;
  });
  return {};
}

/// A sample shares the prompt's pages up to the one that holds its last position; that one is written to (the MTP
/// module's row of the last prompt position is the sample's own), so it is copied.
void Scheduler::Work::start_sample(Prompt& prompt, std::vector<std::pair<std::int32_t, std::int32_t>>& copies) {
  const std::size_t request = prompt.waiting.front();
  prompt.waiting.pop_front();
  Sequence& s = *running_.emplace_back(std::make_unique<Sequence>());
  ++n_live_;
  s.request = request;
  s.tokens = prompt.tokens;
  s.n_prompt = prompt.size();
  s.max_total = max_total(requests_[request]);
  s.n_promised_pages = pages_for(s.max_total);
  n_promised_pages_ += s.n_promised_pages;
  const std::size_t n_shared = static_cast<std::size_t>((prompt.size() - 1) / kPageTokens);
  for (std::size_t i = 0; i < prompt.pages.size(); ++i) {
    if (i < n_shared) {
      pages_.share(prompt.pages[i]);
      s.pages.push_back(prompt.pages[i]);
    } else {
      s.pages.push_back(pages_.allocate());
      copies.emplace_back(prompt.pages[i], s.pages.back());
    }
  }
  s.output.request = request;
  s.output.n_cached_prompt_tokens = prompt.used ? prompt.size() : 0;
  s.output.timings.queued_ms = 0;
  s.output.timings.started_ms = prompt.used ? now_ms() : prompt.started_ms;
  s.output.timings.prefill_device_ms = prompt.used ? 0 : prompt.prefill_ms;
  s.output.timings.decode_device_ms = 0;
  prompt.used = true;
  commit(s, std::move(prompt.first_tokens.front()));
  prompt.first_tokens.pop_front();
}

/// Brings prompts into prefill while the cache has room for them and a sample of each, until there is work for a chunk
/// and the samples that wait would fill the batch and a part of the next. True if any position waits.
bool Scheduler::Work::admit_prompts() {
  int n_waiting = 0, n_samples = n_live_;
  for (const Prompt& prompt : active_) {
    n_waiting += prompt.size() - prompt.n_submitted;
    n_samples += static_cast<int>(prompt.waiting.size());
  }
  // A pass for one short prompt whenever one sequence ends would cost as much as one for many.
  const int n_wanted = limits_.max_batch + limits_.max_batch / 8;
  if (n_waiting == 0 && n_samples >= limits_.max_batch) return false;
  while (!queued_.empty() && n_waiting < limits_.prefill_chunk_tokens && n_samples < n_wanted &&
         (!limits_.speculate || !free_hidden_slots_.empty())) {
    Prompt& prompt = queued_.front();
    const int n_pages = pages_for(prompt.size());
    const int n_sample_pages = pages_for(max_total(requests_[prompt.waiting.front()]));
    // Each active prompt keeps room for its first sample; what is promised is never taken back.
    int n_kept = n_pages + n_sample_pages;
    for (const Prompt& other : active_) {
      if (!other.waiting.empty()) n_kept += pages_for(max_total(requests_[other.waiting.front()]));
    }
    if (n_promised_pages_ + n_kept > pages_.n_pages()) break;
    n_promised_pages_ += n_pages;
    for (int i = 0; i < n_pages; ++i) prompt.pages.push_back(pages_.allocate());
    if (limits_.speculate) {
      prompt.hidden_slot = free_hidden_slots_.back();
      free_hidden_slots_.pop_back();
    }
    n_waiting += prompt.size();
    n_samples += static_cast<int>(prompt.waiting.size());
    active_.splice(active_.end(), queued_, queued_.begin());
  }
  return n_waiting > 0;
}

/// One pass over the next prompt positions, of as many prompts as fit the chunk. Where a prompt ends, the first tokens
/// of all its samples are drawn.
Result<> Scheduler::Work::submit_prefill() {
  std::vector<TokenSpan> spans;
  std::vector<Draw> draws;
  PassUnderWay pass;
  int n_rows = 0;
  for (Prompt& prompt : active_) {
    const int n = std::min(limits_.prefill_chunk_tokens - n_rows, prompt.size() - prompt.n_submitted);
    if (n == 0) continue;
    if (prompt.n_submitted == 0) prompt.started_ms = now_ms();
    spans.push_back(
        {prompt.pages, prompt.n_submitted,
         std::span(prompt.tokens).subspan(static_cast<std::size_t>(prompt.n_submitted), static_cast<std::size_t>(n))});
    PromptPart& part = pass.parts.emplace_back(PromptPart{&prompt, n_rows, prompt.n_submitted, n, -1});
    n_rows += n;
    prompt.n_submitted += n;
    if (prompt.n_submitted < prompt.size()) continue;
    part.first_draw = static_cast<int>(draws.size());
    for (const std::size_t i : prompt.waiting) {
      const TokenRequest& request = requests_[i];
      draws.push_back(
          {n_rows - 1, request.sampling, request.key, static_cast<std::uint32_t>(prompt.size()), request.n_logprobs});
    }
  }
  ASSAY_TRY(executor_->submit({.role = PositionRole::prompt, .spans = spans, .draws = draws}));
  in_flight_.push_back(std::move(pass));
  return {};
}

/// One pass of the main model: every running sequence's last token, and its draft where it has one. The last token may
/// still be in the pass that is under way. False if no sequence can take a step.
Result<bool> Scheduler::Work::submit_decode() {
  PassUnderWay pass;
  std::vector<Draw> draws;
  std::vector<std::int32_t> tokens;
  for (const auto& running : running_) {
    Sequence& s = *running;
    if (s.finished || s.n_total() == s.max_total) continue;
    const TokenRequest& request = requests_[s.request];
    Step& step = pass.steps.emplace_back(Step{&s, static_cast<int>(draws.size()), {}});
    if (s.draft && s.size() + 1 < s.max_total) step.draft = s.draft;
    tokens.push_back(s.n_pending > 0 ? drawn_before(s.last_draw) : s.tokens.back());
    if (step.draft) tokens.push_back(*step.draft);
    for (int i = 0; i < (step.draft ? 2 : 1); ++i) {
      draws.push_back({step.first_row + i, request.sampling, request.key, static_cast<std::uint32_t>(s.n_total() + i),
                       request.n_logprobs});
    }
  }
  if (pass.steps.empty()) return false;
  std::vector<TokenSpan> spans;
  for (const Step& step : pass.steps) {
    Sequence& s = *step.sequence;
    const std::size_t n_rows = step.draft ? 2 : 1;
    ensure_pages(s, s.n_total() - 1 + static_cast<int>(n_rows));
    spans.push_back(
        {s.pages, s.n_total() - 1, std::span(tokens).subspan(static_cast<std::size_t>(step.first_row), n_rows)});
  }
  ASSAY_TRY(executor_->submit({.role = PositionRole::generated, .spans = spans, .draws = draws}));
  for (const Step& step : pass.steps) {
    ++step.sequence->n_pending;
    step.sequence->last_draw = step.first_row;
  }
  in_flight_.push_back(std::move(pass));
  return true;
}

/// Takes in what the oldest pass under way has drawn.
Result<> Scheduler::Work::collect() {
  const PassUnderWay pass = std::move(in_flight_.front());
  in_flight_.pop_front();
  ASSAY_ASSIGN(PassResult result, executor_->collect());
  add_idle(result.idle_ms);
  if (pass.steps.empty()) {
    progress_.prefill_device_ms += result.device_ms;
    return finish_prompts(pass.parts, result);
  }
  progress_.decode_device_ms += result.device_ms;
  return finish_steps(pass.steps, result);
}

/// The time before a run's first pass is nobody's.
void Scheduler::Work::add_idle(double idle_ms) {
  if (progress_.prefill_device_ms > 0) progress_.device_idle_ms += idle_ms;
}

Result<> Scheduler::Work::finish_prompts(const std::vector<PromptPart>& parts, PassResult& result) {
  const int n_rows = parts.back().first_row + parts.back().n_rows;
  std::vector<MtpSpan> pairs;  // positions whose next token is a prompt token too
  for (const PromptPart& part : parts) {
    Prompt& prompt = *part.prompt;
    prompt.prefill_ms += result.device_ms * part.n_rows / n_rows;
    progress_.n_prompt_tokens += part.n_rows;
    if (part.first_draw >= 0) {
      const auto first = result.drawn.begin() + part.first_draw;
      prompt.first_tokens.insert(prompt.first_tokens.end(), std::make_move_iterator(first),
                                 std::make_move_iterator(first + static_cast<std::ptrdiff_t>(prompt.waiting.size())));
    }
    if (!limits_.speculate) continue;
    if (part.first_draw >= 0) ASSAY_TRY(executor_->keep_hidden(part.first_row + part.n_rows - 1, prompt.hidden_slot));
    const int n_pairs = std::min(part.n_rows, prompt.size() - 1 - part.first_position);
    if (n_pairs == 0) continue;
    pairs.push_back(
        {{prompt.pages, part.first_position,
          std::span(prompt.tokens)
              .subspan(static_cast<std::size_t>(part.first_position) + 1, static_cast<std::size_t>(n_pairs))},
         MtpSpan::Source::pass,
         part.first_row});
  }
  if (pairs.empty()) return {};
  ASSAY_ASSIGN(const MtpResult mtp, executor_->run_mtp(PositionRole::prompt, pairs, MtpOutput::cache_rows));
  add_idle(mtp.idle_ms);
  progress_.prefill_device_ms += mtp.device_ms;
  for (const PromptPart& part : parts) part.prompt->prefill_ms += mtp.device_ms * part.n_rows / n_rows;
  return {};
}

Result<> Scheduler::Work::finish_steps(const std::vector<Step>& steps, PassResult& result) {
  std::vector<DraftRows> drafts;
  for (const Step& step : steps) {
    Sequence& s = *step.sequence;
    --s.n_pending;
    if (s.finished) continue;  // it ended in the pass before: this one ran a row too many
    *s.output.timings.decode_device_ms += result.device_ms / static_cast<double>(steps.size());
    s.draft.reset();
    int n_rows = 1;
    commit(s, std::move(result.drawn[static_cast<std::size_t>(step.first_row)]));
    // A draft's row counts only if the draft is the token that was drawn before it.
    if (step.draft && !s.finished) {
      ++s.output.n_drafted_tokens;
      if (*step.draft == s.tokens.back()) {
        ++s.output.n_accepted_tokens;
        ++n_rows;
        commit(s, std::move(result.drawn[static_cast<std::size_t>(step.first_row) + 1]));
      }
    }
    if (limits_.speculate && !s.finished) drafts.push_back({&s, MtpSpan::Source::pass, step.first_row, n_rows});
  }
  return draft(drafts);
}

/// Adds a drawn token to a sequence, and ends the sequence if it is time.
void Scheduler::Work::commit(Sequence& s, DrawnToken drawn) {
  const TokenRequest& request = requests_[s.request];
  Timings& timings = s.output.timings;
  timings.finished_ms = now_ms();
  if (!timings.first_token_ms) timings.first_token_ms = timings.finished_ms;
  if (drawn.token < 0) {
    s.output.failure = "nan_logits at position " + std::to_string(s.size());
    s.finished = true;
  } else {
    if (drawn.logprobs) s.output.logprobs.push_back(std::move(*drawn.logprobs));
    ++s.output.n_output_tokens;
    s.tokens.push_back(drawn.token);
    if (is_end(drawn.token)) {
      s.output.finish_reason = FinishReason::eos;
      s.finished = true;
    } else if (s.size() == s.max_total) {
      const bool asked = request.max_output_tokens > 0 && s.output.n_output_tokens == request.max_output_tokens;
      s.output.finish_reason = asked ? FinishReason::length : FinishReason::context;
      s.finished = true;
    }
  }
  if (s.finished) --n_live_;
}

/// Runs the MTP module on what the main model has just settled; a sequence's last row drafts its next token.
Result<> Scheduler::Work::draft(const std::vector<DraftRows>& work) {
  if (work.empty()) return {};
  std::vector<MtpSpan> spans;
  for (const DraftRows& rows : work) {
    const Sequence& s = *rows.sequence;
    const auto n = static_cast<std::size_t>(rows.n_rows);
    spans.push_back(
        {{s.pages, s.size() - 1 - rows.n_rows, std::span(s.tokens).last(n)}, rows.source, rows.first_hidden});
  }
  ASSAY_ASSIGN(const MtpResult mtp, executor_->run_mtp(PositionRole::generated, spans, MtpOutput::drafts));
  add_idle(mtp.idle_ms);
  progress_.decode_device_ms += mtp.device_ms;
  for (std::size_t i = 0; i < work.size(); ++i) {
    work[i].sequence->draft = mtp.drafts[i];
    *work[i].sequence->output.timings.decode_device_ms += mtp.device_ms / static_cast<double>(work.size());
  }
  return {};
}

Result<> Scheduler::Work::hand_over_finished(const std::function<Result<>(TokenOutput)>& on_output) {
  for (const auto& running : running_) {
    Sequence& s = *running;
    if (!s.finished || s.pages.empty()) continue;  // a sequence without pages has been handed over
    // A pass under way may still write its row; whatever takes the page next is submitted after that pass.
    for (const std::int32_t page : s.pages) pages_.release(page);
    s.pages.clear();
    n_promised_pages_ -= s.n_promised_pages;
    TokenOutput& out = s.output;
    out.tokens.assign(s.tokens.begin() + s.n_prompt, s.tokens.end());
    if (!out.tokens.empty() && out.finish_reason == FinishReason::eos && out.failure.empty()) out.tokens.pop_back();
    Timings& t = out.timings;
    // A sample whose prompt another one had brought into the cache has no prefill that its first token could follow.
    if (out.n_cached_prompt_tokens < s.n_prompt) t.ttft_ms = *t.first_token_ms - *t.started_ms;
    t.e2e_ms = *t.finished_ms - *t.started_ms;
    if (out.n_output_tokens > 1) {
      t.itl_ms_mean = (*t.finished_ms - *t.first_token_ms) / static_cast<double>(out.n_output_tokens - 1);
    }
    ++progress_.n_finished;
    n_finished_output_tokens_ += out.n_output_tokens;
    ASSAY_TRY(on_output(std::move(out)));
  }
  std::erase_if(running_, [](const auto& s) { return s->finished && s->n_pending == 0; });
  progress_.n_output_tokens = n_finished_output_tokens_;
  for (const auto& s : running_) {
    if (!s->finished) progress_.n_output_tokens += s->output.n_output_tokens;
  }
  return {};
}

void Scheduler::Work::ensure_pages(Sequence& s, int n_tokens) {
  while (static_cast<int>(s.pages.size()) < pages_for(n_tokens)) s.pages.push_back(pages_.allocate());
}

bool Scheduler::Work::is_end(std::int32_t token) const {
  return std::find(options_.end_tokens.begin(), options_.end_tokens.end(), token) != options_.end_tokens.end();
}

/// Forgets what an interrupted run left behind.
void Scheduler::Work::forget_everything() {
  for (; !in_flight_.empty(); in_flight_.pop_front()) static_cast<void>(executor_->collect());
  running_.clear();
  active_.clear();
  queued_.clear();
  pages_ = PagePool(executor_->n_pages());
  free_hidden_slots_.clear();
  for (int slot = limits_.max_batch; slot >= 0; --slot) free_hidden_slots_.push_back(slot);
  n_live_ = 0;
  n_promised_pages_ = 0;
  n_finished_output_tokens_ = 0;
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

}  // namespace assay::runners

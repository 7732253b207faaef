#include "runners/engine/sequence_side.h"

#include <algorithm>
#include <string>

#include "harness/base/log.h"

namespace assay::runners {

/// A sample shares the prompt's pages up to the one that holds its last position; that one is written to (the MTP
/// module's row of the last prompt position is the sample's own), so it is copied.
void SequenceSide::start(Prompt& prompt) {
  Sequence& s = *running_.emplace_back(std::make_unique<Sequence>());
  ++n_live_;
  s.sample = std::move(prompt.waiting.front());
  s.tokens = prompt.tokens;
  s.n_prompt = prompt.size();
  s.n_told = s.sample.n_told;
  s.n_shared_pages = prompt.n_shared_pages();
  for (std::size_t i = 0; i < prompt.pages.size(); ++i) {
    if (i < static_cast<std::size_t>(s.n_shared_pages)) {
      state_.pages.share(prompt.pages[i]);
      s.pages.push_back(prompt.pages[i]);
    } else {
      s.pages.push_back(state_.pages.allocate());
      copies_.emplace_back(prompt.pages[i], s.pages.back());
    }
  }
  s.output.request = s.sample.id;
  s.output.n_cached_prompt_tokens = prompt.used ? prompt.size() : 0;
  s.output.timings.queued_ms = 0;
  s.output.timings.started_ms = prompt.used ? state_.now_ms() : std::max(prompt.started_ms, s.sample.submitted_ms);
  s.output.timings.prefill_device_ms = prompt.used ? 0 : prompt.prefill_ms;
  s.output.timings.decode_device_ms = 0;
  s.output.prompt_logprobs = std::move(prompt.logprobs);  // a prompt that is scored has one sample
  if (s.sample.earlier) {
    s.output.timings = s.sample.earlier->timings;
    s.output.prompt_logprobs = std::move(s.sample.earlier->prompt_logprobs);
  }
  prompt.used = true;
  commit(s, std::move(prompt.first_tokens.front()));
  prompt.drop_first();
  if (state_.limits.speculate && !s.finished) {
    first_drafts_.push_back({&s, MtpSpan::Source::kept, prompt.hidden_slot, 1});
  }
}

Result<> SequenceSide::settle_started() {
  if (!copies_.empty()) ASSAY_TRY(state_.executor->copy_pages(std::exchange(copies_, {})));
  return draft(std::exchange(first_drafts_, {}));
}

bool SequenceSide::cancel(std::uint64_t id) {
  for (const auto& s : running_) {
    if (s->sample.id != id || s->finished) continue;
    take_earlier(*s);
    end(*s, FinishReason::cancelled);
    return true;
  }
  return false;
}

bool SequenceSide::can_step() const {
  return std::any_of(running_.begin(), running_.end(), [&](const auto& s) { return n_rows_next(*s) > 0; });
}

/// Rows that a sequence can have in the next pass.
int SequenceSide::n_rows_next(const Sequence& s) const {
  if (!s.in_cache() || s.n_total() == s.sample.max_total) return 0;
  return s.draft && s.size() + 1 < s.sample.max_total ? 2 : 1;
}

/// Pages that these rows need and that the sequence does not have yet.
int SequenceSide::n_pages_wanted(const Sequence& s) const {
  const int n_rows = n_rows_next(s);
  return n_rows == 0 ? 0 : pages_for(s.n_total() - 1 + n_rows) - static_cast<int>(s.pages.size());
}

std::vector<PageNeed> SequenceSide::needs() const {
  std::vector<PageNeed> needs;
  for (const auto& s : running_) {
    if (!s->in_cache()) continue;
    const int n_pages = static_cast<int>(s->pages.size());
    const int n_expected = state_.expected_pages(s->sample, s->n_prompt, s->output.n_output_tokens);
    needs.push_back({n_pages - s->n_shared_pages, std::max(0, n_expected - n_pages)});
  }
  return needs;
}

int SequenceSide::n_missing_pages() const {
  int n = -state_.pages.n_free();
  for (const auto& s : running_) {
    n += n_pages_wanted(*s);
    if (s->place == Place::leaving) n -= static_cast<int>(s->pages.size()) - s->n_shared_pages;
  }
  return std::max(0, n);
}

Result<std::vector<Restart>> SequenceSide::give_way() {
  std::vector<Restart> restarts;
  while (n_missing_pages() > 0) {
    const auto youngest = std::find_if(running_.rbegin(), running_.rend(), [](const auto& s) { return s->in_cache(); });
    if (youngest == running_.rend() || n_live_ == 1) break;
    (*youngest)->place = Place::leaving;
    --n_live_;
  }
  for (const auto& running : running_) {
    Sequence& s = *running;
    if (s.place != Place::leaving || s.n_pending > 0 || s.finished) continue;
    const std::int64_t n_bytes = static_cast<std::int64_t>(s.pages.size()) * state_.executor->page_bytes();
    if (n_saved_bytes_ + n_bytes <= state_.options.host_memory_bytes) {
      const double started_ms = state_.now_ms();
      ASSAY_ASSIGN(s.saved, state_.executor->save_pages(s.pages));
      count_move(started_ms, n_bytes);
      n_saved_bytes_ += n_bytes;
      s.place = Place::host;
    } else {
      Restart& restart = restarts.emplace_back();
      restart.prompt.assign(s.tokens.begin(), s.tokens.begin() + s.n_prompt);
      take_earlier(s);
      restart.sample = std::move(s.sample);
      restart.sample.n_told = s.n_told;
      restart.sample.scores_prompt = false;  // it has been
      s.output.tokens.assign(s.tokens.begin() + s.n_prompt, s.tokens.end());
      restart.sample.earlier = std::move(s.output);
      s.finished = s.handed_over = true;
    }
    release_pages(s);
    if (state_.progress.n_moved_out++ == 0) {
      log_note("the KV cache is full: the youngest samples make room for a while");
    }
  }
  return restarts;
}

/// A sample that began again and has not come as far yet has what it had before.
void SequenceSide::take_earlier(Sequence& s) {
  if (!s.sample.earlier || s.sample.earlier->n_output_tokens <= s.output.n_output_tokens) return;
  TokenOutput& earlier = *s.sample.earlier;
  s.tokens.resize(static_cast<std::size_t>(s.n_prompt));
  s.tokens.insert(s.tokens.end(), earlier.tokens.begin(), earlier.tokens.end());
  s.output.n_output_tokens = earlier.n_output_tokens;
  s.output.logprobs = std::move(earlier.logprobs);
}

bool SequenceSide::any_away() const {
  return std::any_of(running_.begin(), running_.end(),
                     [](const auto& s) { return s->place != Place::cache && !s->finished; });
}

Sequence* SequenceSide::next_to_return() {
  const auto oldest = std::find_if(running_.begin(), running_.end(),
                                   [](const auto& s) { return s->place == Place::host && !s->finished; });
  return oldest == running_.end() ? nullptr : oldest->get();
}

int SequenceSide::pages_to_return(const Sequence& s) const {
  return static_cast<int>(static_cast<std::int64_t>(s.saved.bytes().size()) / state_.executor->page_bytes());
}

Result<> SequenceSide::bring_back(Sequence& s) {
  for (int i = pages_to_return(s); i > 0; --i) s.pages.push_back(state_.pages.allocate());
  const double started_ms = state_.now_ms();
  ASSAY_TRY(state_.executor->load_pages(s.saved.bytes(), s.pages));
  count_move(started_ms, static_cast<std::int64_t>(s.saved.bytes().size()));
  forget_saved(s);
  s.place = Place::cache;
  ++n_live_;
  return {};
}

void SequenceSide::count_move(double started_ms, std::int64_t n_bytes) {
  state_.progress.moved_bytes += n_bytes;
  state_.progress.moving_ms += state_.now_ms() - started_ms;
}

/// A pass under way may still write its row; whatever takes the page next is submitted after that pass.
void SequenceSide::release_pages(Sequence& s) {
  for (const std::int32_t page : s.pages) state_.pages.release(page);
  s.pages.clear();
  s.n_shared_pages = 0;
}

void SequenceSide::forget_saved(Sequence& s) {
  n_saved_bytes_ -= static_cast<std::int64_t>(s.saved.bytes().size());
  s.saved = {};
}

Result<std::vector<Step>> SequenceSide::submit() {
  std::vector<Step> steps;
  std::vector<Draw> draws;
  std::vector<std::int32_t> tokens;
  for (const auto& running : running_) {
    Sequence& s = *running;
    const int n_rows = n_rows_next(s), n_pages = n_pages_wanted(s);
    if (n_rows == 0 || n_pages > state_.pages.n_free()) continue;
    for (int i = 0; i < n_pages; ++i) s.pages.push_back(state_.pages.allocate());
    Step& step = steps.emplace_back(Step{&s, static_cast<int>(draws.size()), {}});
    if (n_rows == 2) step.draft = s.draft;
    tokens.push_back(s.n_pending > 0 ? drawn_before(s.last_draw) : s.tokens.back());
    if (step.draft) tokens.push_back(*step.draft);
    for (int i = 0; i < n_rows; ++i) draws.push_back(s.sample.draw(step.first_row + i, s.n_total() + i));
  }
  if (steps.empty()) return steps;
  std::vector<TokenSpan> spans;
  for (const Step& step : steps) {
    Sequence& s = *step.sequence;
    const std::size_t n_rows = step.draft ? 2 : 1;
    spans.push_back(
        {s.pages, s.n_total() - 1, std::span(tokens).subspan(static_cast<std::size_t>(step.first_row), n_rows)});
  }
  ASSAY_TRY(state_.executor->submit({.role = PositionRole::generated, .spans = spans, .draws = draws}));
  for (const Step& step : steps) {
    ++step.sequence->n_pending;
    step.sequence->last_draw = step.first_row;
  }
  return steps;
}

Result<> SequenceSide::finish(const std::vector<Step>& steps, PassResult& result) {
  std::vector<DraftRows> drafts;
  for (const Step& step : steps) {
    Sequence& s = *step.sequence;
    --s.n_pending;
    if (s.finished) continue;  // it ended before this pass did, which ran a row too many
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
    if (state_.limits.speculate && !s.finished) {
      drafts.push_back({&s, MtpSpan::Source::pass, step.first_row, n_rows});
    }
  }
  return draft(drafts);
}

/// Adds a drawn token to a sequence, and ends the sequence if it is time.
void SequenceSide::commit(Sequence& s, DrawnToken drawn) {
  Timings& timings = s.output.timings;
  timings.finished_ms = state_.now_ms();
  if (!timings.first_token_ms) timings.first_token_ms = timings.finished_ms;
  if (drawn.token < 0) {
    s.output.failure = "nan_logits at position " + std::to_string(s.size());
    return end(s, FinishReason::eos);
  }
  if (drawn.logprobs) s.output.logprobs.push_back(std::move(*drawn.logprobs));
  ++s.output.n_output_tokens;
  state_.lengths.add_tokens(1);
  s.tokens.push_back(drawn.token);
  if (state_.is_end(drawn.token)) return end(s, FinishReason::eos);
  if (s.size() < s.sample.max_total) return;
  const bool asked = s.sample.max_output_tokens > 0 && s.output.n_output_tokens == s.sample.max_output_tokens;
  end(s, asked ? FinishReason::length : FinishReason::context);
}

void SequenceSide::end(Sequence& s, FinishReason reason) {
  s.output.finish_reason = reason;
  if (s.in_cache()) --n_live_;
  s.finished = true;
  if (reason != FinishReason::cancelled) state_.lengths.add_end();
}

/// Runs the MTP module on what the main model has just settled; a sequence's last row drafts its next token.
Result<> SequenceSide::draft(const std::vector<DraftRows>& work) {
  if (work.empty()) return {};
  std::vector<MtpSpan> spans;
  for (const DraftRows& rows : work) {
    const Sequence& s = *rows.sequence;
    const auto n = static_cast<std::size_t>(rows.n_rows);
    spans.push_back(
        {{s.pages, s.size() - 1 - rows.n_rows, std::span(s.tokens).last(n)}, rows.source, rows.first_hidden});
  }
  ASSAY_ASSIGN(const MtpResult mtp, state_.executor->run_mtp(PositionRole::generated, spans, MtpOutput::drafts));
  state_.add_idle(mtp.idle_ms);
  state_.progress.decode_device_ms += mtp.device_ms;
  for (std::size_t i = 0; i < work.size(); ++i) {
    work[i].sequence->draft = mtp.drafts[i];
    *work[i].sequence->output.timings.decode_device_ms += mtp.device_ms / static_cast<double>(work.size());
  }
  return {};
}

Result<> SequenceSide::hand_over(const OutputSink& sink) {
  Progress& progress = state_.progress;
  for (const auto& running : running_) {
    Sequence& s = *running;
    if (s.handed_over) continue;  // and a pass still runs for it
    if (sink.on_tokens) tell_new_tokens(s, sink);
    if (!s.finished) continue;
    release_pages(s);
    forget_saved(s);
    s.handed_over = true;
    ++progress.n_finished;
    n_finished_output_tokens_ += s.output.n_output_tokens;
    ASSAY_TRY(sink.on_finished(take_output(s)));
  }
  std::erase_if(running_, [](const auto& s) { return s->handed_over && s->n_pending == 0; });
  progress.n_output_tokens = n_finished_output_tokens_;
  for (const auto& s : running_) {
    if (!s->finished) progress.n_output_tokens += s->output.n_output_tokens;
  }
  progress.n_running = n_live_;
  return {};
}

void SequenceSide::tell_new_tokens(Sequence& s, const OutputSink& sink) {
  const auto n_told = static_cast<std::size_t>(s.n_told);
  const auto n_known = static_cast<std::size_t>(s.output.n_output_tokens);
  if (n_told >= n_known) return;
  NewTokens news{.request = s.sample.id,
                 .n_new = static_cast<std::int64_t>(n_known - n_told),
                 .tokens = std::span(s.tokens).subspan(static_cast<std::size_t>(s.n_prompt) + n_told),
                 .logprobs = {}};
  if (state_.is_end(s.tokens.back())) news.tokens = news.tokens.first(news.tokens.size() - 1);
  if (s.sample.n_logprobs > 0) news.logprobs = std::span(s.output.logprobs).subspan(n_told);
  s.n_told = s.output.n_output_tokens;
  sink.on_tokens(news);
}

TokenOutput SequenceSide::take_output(Sequence& s) {
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
  for (std::optional<double>* at : {&t.started_ms, &t.first_token_ms, &t.finished_ms}) **at -= s.sample.submitted_ms;
  return std::move(out);
}

void SequenceSide::forget() {
  running_.clear();
  copies_.clear();
  first_drafts_.clear();
  n_live_ = 0;
  n_saved_bytes_ = 0;
  n_finished_output_tokens_ = 0;
}

}  // namespace assay::runners

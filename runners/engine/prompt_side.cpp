#include "runners/engine/prompt_side.h"

#include <iterator>
#include <utility>

namespace assay::runners {

void PromptSide::add(std::span<const std::int32_t> tokens, Sample sample) {
  if (sample.scores_prompt) {
    Prompt& prompt = queued_.emplace_back();
    prompt.tokens.assign(tokens.begin(), tokens.end());
    prompt.is_scored = true;
    prompt.n_logprobs = sample.n_logprobs;
    prompt.waiting.push_back(std::move(sample));
    return;
  }
  const auto place = places_.find(tokens);
  Prompt* prompt = place == places_.end() ? nullptr : place->second;
  if (prompt != nullptr && prompt->waiting.empty()) {
    const auto is_it = [&](const Prompt& other) { return &other == prompt; };
    const auto kept = std::find_if(kept_.begin(), kept_.end(), is_it);
    if (kept == kept_.end()) {
      prompt = nullptr;  // every sample of it was cancelled while it is in prefill
    } else {
      queued_.splice(queued_.end(), kept_, kept);
    }
  }
  if (prompt == nullptr) {
    if (place != places_.end()) places_.erase(place);
    prompt = &queued_.emplace_back();
    prompt->tokens.assign(tokens.begin(), tokens.end());
    places_.emplace(prompt->tokens, prompt);
  }
  prompt->waiting.push_back(std::move(sample));
}

void PromptSide::put_longest_first() {
  queued_.sort([](const Prompt& a, const Prompt& b) { return a.size() > b.size(); });
}

std::optional<Sample> PromptSide::cancel(std::uint64_t id) {
  for (std::list<Prompt>* list : {&queued_, &active_}) {
    for (auto prompt = list->begin(); prompt != list->end(); ++prompt) {
      const auto found = std::find_if(prompt->waiting.begin(), prompt->waiting.end(),
                                      [&](const Sample& s) { return s.id == id && !s.cancelled; });
      if (found == prompt->waiting.end()) continue;
      Sample sample = *found;
      if (static_cast<std::size_t>(found - prompt->waiting.begin()) < prompt->n_asked) {
        found->cancelled = true;  // its first token is on its way, and is dropped when its turn comes
        return sample;
      }
      prompt->waiting.erase(found);
      if (list == &queued_ && prompt->waiting.empty()) active_.splice(active_.end(), queued_, prompt);  // to retire
      return sample;
    }
  }
  return std::nullopt;
}

Prompt* PromptSide::next_ready(const std::vector<PageNeed>& running) {
  if (static_cast<int>(running.size()) >= state_.limits.max_batch) return nullptr;
  for (Prompt& prompt : active_) {
    while (prompt.ready() && prompt.waiting.front().cancelled) prompt.drop_first();
    if (!prompt.ready()) continue;
    std::vector<PageNeed> needs = running;
    needs.push_back({0, sample_pages(prompt)});
    // Where this one has no room, no later one takes its place.
    const int n_at_once = static_cast<int>(prompt.pages.size()) - prompt.n_shared_pages();
    return make_room(needs, n_at_once, &prompt) ? &prompt : nullptr;
  }
  return nullptr;
}

/// Pages that the next sample of a prompt is taken to need, beside those that it shares.
int PromptSide::sample_pages(const Prompt& prompt) const {
  return state_.expected_pages(prompt.waiting.front(), prompt.size(), 0) - prompt.n_shared_pages();
}

void PromptSide::retire() {
  for (auto at = active_.begin(); at != active_.end();) {
    const auto prompt = at++;
    if (!prompt->waiting.empty() || prompt->n_pending > 0) continue;
    free_hidden_slot(*prompt);
    if (keeps_ && !prompt->is_scored && prompt->n_submitted == prompt->size()) {
      prompt->used = true;
      kept_.splice(kept_.end(), active_, prompt);
      continue;
    }
    release_pages(*prompt);
    forget_place(*prompt);
    active_.erase(prompt);
  }
}

bool PromptSide::make_room(const std::vector<PageNeed>& needs, int n_at_once, const Prompt* spared) {
  int n_owned = 0;
  for (const PageNeed& need : needs) n_owned += need.n_owned;
  const std::int64_t n_wanted = pages_at_fullest(needs);
  const auto has_room = [&] {
    return n_at_once <= state_.pages.n_free() && n_wanted <= state_.pages.n_free() + n_owned;
  };
  while (!has_room()) {
    if (!give_up_pages(needs.size() == 1, spared)) return false;
  }
  return true;
}

bool PromptSide::give_up_pages(bool begun_too, const Prompt* spared) {
  if (!kept_.empty()) {
    release_pages(kept_.front());
    forget_place(kept_.front());
    kept_.pop_front();
    return true;
  }
  const auto can_lose = [&](const Prompt& p) { return !p.pages.empty() && p.n_pending == 0 && &p != spared; };
  const auto queued = std::find_if(queued_.rbegin(), queued_.rend(), can_lose);
  if (queued != queued_.rend()) {
    release_pages(*queued);
    return true;
  }
  const auto begun = begun_too ? std::find_if(active_.rbegin(), active_.rend(), can_lose) : active_.rend();
  if (begun == active_.rend()) return false;
  release_pages(*begun);
  free_hidden_slot(*begun);
  // First tokens will be drawn again, the same ones.
  begun->first_tokens.clear();
  begun->n_asked = 0;
  std::erase_if(begun->waiting, [](const Sample& sample) { return sample.cancelled; });
  if (!begun->waiting.empty()) queued_.splice(queued_.begin(), active_, std::next(begun).base());
  return true;
}

bool PromptSide::admit(const std::vector<PageNeed>& running) {
  int n_positions = 0, n_samples = static_cast<int>(running.size());
  std::vector<PageNeed> needs = running;
  for (const Prompt& prompt : active_) {
    n_positions += prompt.n_to_submit();
    n_samples += static_cast<int>(prompt.waiting.size());
    if (!prompt.waiting.empty()) needs.push_back({0, sample_pages(prompt)});
  }
  // A pass for one short prompt whenever one sequence ends would cost as much as one for many.
  const int max_batch = state_.limits.max_batch, n_wanted = max_batch + max_batch / 8;
  if (n_positions == 0 && n_samples >= max_batch) return false;
  while (!queued_.empty() && n_positions < state_.limits.prefill_chunk_tokens && n_samples < n_wanted &&
         (!state_.limits.speculate || !free_hidden_slots_.empty())) {
    Prompt& prompt = queued_.front();
    const int n_pages = prompt.pages.empty() ? pages_for(prompt.size()) : 0;
    needs.push_back({0, n_pages + sample_pages(prompt)});
    if (!make_room(needs, n_pages, &prompt)) break;
    for (int i = 0; i < n_pages; ++i) prompt.pages.push_back(state_.pages.allocate());
    needs.back().n_to_come -= n_pages;
    if (state_.limits.speculate) {
      prompt.hidden_slot = free_hidden_slots_.back();
      free_hidden_slots_.pop_back();
    }
    n_positions += prompt.n_to_submit();
    n_samples += static_cast<int>(prompt.waiting.size());
    active_.splice(active_.end(), queued_, queued_.begin());
  }
  return n_positions > 0;
}

Result<std::vector<PromptPart>> PromptSide::submit(int max_rows) {
  std::vector<TokenSpan> spans;
  std::vector<Draw> draws;
  std::vector<PromptPart> parts;
  int n_rows = 0;
  for (Prompt& prompt : active_) {
    const int n = std::min(max_rows - n_rows, prompt.n_to_submit());
    if (n == 0) continue;
    // A prompt that is in the cache already runs its last position again, for the tokens to be drawn from.
    const int first = std::min(prompt.n_submitted, prompt.size() - 1);
    if (!prompt.used && first == 0) prompt.started_ms = state_.now_ms();
    spans.push_back({prompt.pages, first,
                     std::span(prompt.tokens).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n))});
    PromptPart& part =
        parts.emplace_back(PromptPart{&prompt, n_rows, first, n, static_cast<int>(draws.size()), 0, 0, 0});
    for (int i = 0; prompt.is_scored && i < n && first + i + 1 < prompt.size(); ++i, ++part.n_scored) {
      Draw& score = draws.emplace_back();
      score.row = n_rows + i;
      score.n_logprobs = prompt.n_logprobs;
      score.given = prompt.tokens[static_cast<std::size_t>(first + i + 1)];
    }
    part.first_draw = static_cast<int>(draws.size());
    n_rows += n;
    prompt.n_submitted = first + n;
    ++prompt.n_pending;
    if (prompt.n_submitted < prompt.size()) continue;
    for (; prompt.n_asked < prompt.waiting.size(); ++prompt.n_asked, ++part.n_draws) {
      draws.push_back(prompt.waiting[prompt.n_asked].draw(n_rows - 1, prompt.size()));
    }
  }
  ASSAY_TRY(state_.executor->submit({.role = PositionRole::prompt, .spans = spans, .draws = draws}));
  return parts;
}

Result<> PromptSide::finish(const std::vector<PromptPart>& parts, PassResult& result) {
  const int n_rows = parts.back().first_row + parts.back().n_rows;
  std::vector<MtpSpan> pairs;  // positions whose next token is a prompt token too
  for (const PromptPart& part : parts) {
    Prompt& prompt = *part.prompt;
    --prompt.n_pending;
    prompt.prefill_ms += result.device_ms * part.n_rows / n_rows;
    state_.progress.n_prompt_tokens += part.n_rows;
    bool is_number = true;
    for (int i = part.first_scored; i < part.first_scored + part.n_scored; ++i) {
      DrawnToken& scored = result.drawn[static_cast<std::size_t>(i)];
      is_number = is_number && scored.token >= 0;
      if (is_number) prompt.logprobs.push_back(std::move(*scored.logprobs));
    }
    prompt.scores_failed = prompt.scores_failed || !is_number;
    const auto first = result.drawn.begin() + part.first_draw;
    if (prompt.scores_failed && part.n_draws > 0) first->token = -1;
    prompt.first_tokens.insert(prompt.first_tokens.end(), std::make_move_iterator(first),
                               std::make_move_iterator(first + part.n_draws));
    if (!state_.limits.speculate) continue;
    if (part.n_draws > 0) {
      ASSAY_TRY(state_.executor->keep_hidden(part.first_row + part.n_rows - 1, prompt.hidden_slot));
    }
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
  ASSAY_ASSIGN(const MtpResult mtp, state_.executor->run_mtp(PositionRole::prompt, pairs, MtpOutput::cache_rows));
  state_.add_idle(mtp.idle_ms);
  state_.progress.prefill_device_ms += mtp.device_ms;
  for (const PromptPart& part : parts) part.prompt->prefill_ms += mtp.device_ms * part.n_rows / n_rows;
  return {};
}

void PromptSide::forget() {
  places_.clear();
  queued_.clear();
  active_.clear();
  kept_.clear();
  free_hidden_slots_.clear();
  for (int slot = state_.limits.max_batch; slot >= 0; --slot) free_hidden_slots_.push_back(slot);
}

/// Of a prompt that no pass runs for; it would have to be prefilled again.
void PromptSide::release_pages(Prompt& prompt) {
  for (const std::int32_t page : prompt.pages) state_.pages.release(page);
  prompt.pages.clear();
  prompt.n_submitted = 0;
  prompt.logprobs.clear();
  prompt.scores_failed = false;
  prompt.prefill_ms = 0;
  prompt.used = false;
}

void PromptSide::free_hidden_slot(Prompt& prompt) {
  if (prompt.hidden_slot >= 0) free_hidden_slots_.push_back(std::exchange(prompt.hidden_slot, -1));
}

void PromptSide::forget_place(const Prompt& prompt) {
  const auto place = places_.find(prompt.tokens);
  if (place != places_.end() && place->second == &prompt) places_.erase(place);
}

}  // namespace assay::runners

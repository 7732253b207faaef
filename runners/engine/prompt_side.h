#pragma once
// The scheduler's prompts: which are brought into the cache next, and the first tokens of their samples.
//   A prompt is prefilled once, in chunks, however many samples it has. With its last position the first tokens of all
//   samples that wait are drawn. A sample that comes later runs the last position again, which writes the same bits.
//   A prompt whose own tokens are to be scored is one sample's alone, and does not stay in the cache.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "runners/engine/admission.h"
#include "runners/engine/scheduler_parts.h"

namespace assay::runners {

/// A prompt and the samples that wait to start from it.
struct Prompt {
  std::vector<std::int32_t> tokens;
  std::deque<Sample> waiting;
  std::size_t n_asked = 0;              ///< of those, from the front: their first token is drawn or being drawn
  std::deque<DrawnToken> first_tokens;  ///< of the first ones; known once the pass that drew them has been collected
  std::vector<std::int32_t> pages;
  int n_submitted = 0;    ///< positions whose pass has been submitted
  int n_pending = 0;      ///< its passes under way
  int hidden_slot = -1;   ///< where the hidden state of its last position is kept, for the MTP module
  double started_ms = 0;  ///< its first pass
  double prefill_ms = 0;
  bool used = false;  ///< a sample has started: later ones find the prompt in the cache
  bool is_scored = false;
  bool scores_failed = false;           ///< a row's logits were no numbers
  int n_logprobs = 0;                   ///< of a scored one: so many likeliest tokens beside each of its own
  std::vector<TokenLogprobs> logprobs;  ///< of its tokens 1, 2, …, as far as they are known

  int size() const { return static_cast<int>(tokens.size()); }
  bool ready() const { return !first_tokens.empty(); }
  /// Pages that a sample shares with it: those up to the one that holds the last position, which is written to.
  int n_shared_pages() const { return (size() - 1) / kPageTokens; }
  void drop_first() {
    waiting.pop_front();
    first_tokens.pop_front();
    --n_asked;
  }
  /// Positions that a pass has still to run before every sample's first token has been asked for.
  int n_to_submit() const {
    if (waiting.empty()) return 0;
    return n_submitted < size() ? size() - n_submitted : n_asked < waiting.size() ? 1 : 0;
  }
};

/// Some positions of a prompt in a pass.
struct PromptPart {
  Prompt* prompt;
  int first_row, first_position, n_rows;
  int first_scored, n_scored;  ///< draws that score its own tokens
  int first_draw, n_draws;     ///< no draws: it does not end here
};

class PromptSide {
 public:
  /// `keeps`: prompts stay in the cache until their pages are needed, for samples that come later.
  PromptSide(SchedulerState& state, bool keeps) : state_(state), keeps_(keeps) { forget(); }

  /// Lets a sample wait for its prompt, beside others that have the same one. Prompts are begun in the order in which
  /// they came.
  void add(std::span<const std::int32_t> tokens, Sample sample);
  /// Begins the longest prompts first, of those that wait: where everything is known in advance, the tail is short.
  void put_longest_first();
  /// Takes back a sample that waits. Nothing if none of this id does.
  std::optional<Sample> cancel(std::uint64_t id);

  bool has_work() const { return !queued_.empty() || !active_.empty(); }
  /// The next prompt whose first waiting sample has its first token, if there is room for it in batch and cache beside
  /// what runs; else nullptr.
  Prompt* next_ready(const std::vector<PageNeed>& running);
  /// Puts away prompts that no sample waits for.
  void retire();
  /// Brings prompts into prefill while the cache has room for them and a sample of each beside what runs, until there
  /// is work for a chunk and the samples that wait would fill the batch and a part of the next. True if any position
  /// waits.
  bool admit(const std::vector<PageNeed>& running);
  /// Whether the cache has room for `needs`, of which n_at_once pages are taken now, once prompts that can do without
  /// have lost their pages: those that nobody waits for, those that wait to be begun, and for a need that stands alone
  /// all others.
  bool make_room(const std::vector<PageNeed>& needs, int n_at_once, const Prompt* spared);
  /// Takes a prompt's pages away from it, to be prefilled again later. False if none has any that it can lose.
  bool give_up_pages() { return give_up_pages(true, nullptr); }
  /// One pass over the next positions, of as many prompts as fit `max_rows`.
  Result<std::vector<PromptPart>> submit(int max_rows);
  /// Takes in what the pass has drawn.
  Result<> finish(const std::vector<PromptPart>& parts, PassResult& result);
  void forget();

 private:
  struct InOrder {
    bool operator()(std::span<const std::int32_t> a, std::span<const std::int32_t> b) const {
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
    }
  };

  int sample_pages(const Prompt& prompt) const;
  bool give_up_pages(bool begun_too, const Prompt* spared);
  void release_pages(Prompt& prompt);
  void free_hidden_slot(Prompt& prompt);
  void forget_place(const Prompt& prompt);

  SchedulerState& state_;
  bool keeps_;
  std::map<std::span<const std::int32_t>, Prompt*, InOrder> places_;  // by tokens; the latest where two have the same
  std::list<Prompt> queued_;  // to be begun; one that was kept has its pages still
  std::list<Prompt> active_;  // in prefill, or with samples that wait to start
  std::list<Prompt> kept_;    // nobody waits for them; least recently used first
  std::vector<int> free_hidden_slots_;
};

}  // namespace assay::runners

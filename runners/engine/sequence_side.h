#pragma once
// The scheduler's sequences: the samples that are being generated, a token a pass, or two where a draft is right.

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runners/engine/prompt_side.h"
#include "runners/engine/scheduler_parts.h"

namespace assay::runners {

/// A sequence's rows in a pass: its last token, and its draft if it has one. Row and draw have the same number.
struct Step {
  Sequence* sequence;
  int first_row;
  std::optional<std::int32_t> draft;
};

/// A sample that begins again from its prompt.
struct Restart {
  std::vector<std::int32_t> prompt;
  Sample sample;
};

class SequenceSide {
 public:
  explicit SequenceSide(SchedulerState& state) : state_(state) {}

  /// Sequences in the cache that have not ended.
  int n_live() const { return n_live_; }
  bool has_work() const { return !running_.empty(); }
  /// What those that have not ended and don't leave own of the cache, and are taken to need still.
  std::vector<PageNeed> needs() const;

  /// Pages that the next pass needs and that are not free, nor about to be.
  int n_missing_pages() const;
  /// While pages are missing, the youngest sequences leave the cache for the host's memory, each when no pass of its
  /// own is under way. Where the host's memory is full they begin again: these are returned, to wait for their prompts.
  Result<std::vector<Restart>> give_way();
  /// Whether any sequence has left the cache, or is about to.
  bool any_away() const;
  /// The oldest one on the host; nullptr if there is none.
  Sequence* next_to_return();
  /// Pages that it comes back with.
  int pages_to_return(const Sequence& sequence) const;
  /// Brings it back into the cache, which has room.
  Result<> bring_back(Sequence& sequence);

  /// Starts the first sample that waits for a prompt, from the prompt's pages. Its first token is known.
  void start(Prompt& prompt);
  /// Puts those that were started since the last call to work: copies their own pages, drafts their first tokens.
  Result<> settle_started();
  /// Ends a sample that runs. False if none of this id does.
  bool cancel(std::uint64_t id);
  /// One pass over every sequence's last token, and its draft where it has one. The last token may still be in the pass
  /// that is under way. No steps if no sequence can take one.
  Result<std::vector<Step>> submit();
  /// Whether submit() would find a step.
  bool can_step() const;
  /// Takes in what the pass has drawn.
  Result<> finish(const std::vector<Step>& steps, PassResult& result);
  /// Hands out new tokens and finished samples, and gives their pages back.
  Result<> hand_over(const OutputSink& sink);
  void forget();

 private:
  /// Positions that the MTP module drafts a sequence's next token from.
  struct DraftRows {
    Sequence* sequence;
    MtpSpan::Source source;
    int first_hidden, n_rows;  // the last n_rows tokens are those behind the hidden states
  };

  int n_rows_next(const Sequence& sequence) const;
  int n_pages_wanted(const Sequence& sequence) const;
  void release_pages(Sequence& sequence);
  void forget_saved(Sequence& sequence);
  void take_earlier(Sequence& sequence);
  void count_move(double started_ms, std::int64_t n_bytes);
  void commit(Sequence& sequence, DrawnToken drawn);
  void end(Sequence& sequence, FinishReason reason);
  Result<> draft(const std::vector<DraftRows>& work);
  void tell_new_tokens(Sequence& sequence, const OutputSink& sink);
  TokenOutput take_output(Sequence& sequence);

  SchedulerState& state_;
  std::vector<std::unique_ptr<Sequence>> running_;
  std::vector<std::pair<std::int32_t, std::int32_t>> copies_;  // pages {from, to} of those that were started
  std::vector<DraftRows> first_drafts_;                        // of those that were started
  int n_live_ = 0;
  std::int64_t n_saved_bytes_ = 0;  // on the host
  std::int64_t n_finished_output_tokens_ = 0;
};

}  // namespace assay::runners

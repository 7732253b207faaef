#pragma once
// A device with a model and its KV cache on it, as the scheduler sees it: passes over tokens in, drawn tokens out.
// Implementations: cpu/cpu_executor.h, cuda/cuda_executor.h. One thread uses it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "harness/base/large_memory.h"
#include "harness/base/result.h"
#include "kernels/sampling/sampling.h"
#include "runners/engine/operations.h"
#include "runners/runner.h"

namespace assay::runners {

constexpr int kPageTokens = 64;  ///< positions of a cache page

/// Pages that hold n_tokens.
constexpr int pages_for(std::int64_t n_tokens) { return static_cast<int>((n_tokens + kPageTokens - 1) / kPageTokens); }

/// What a position is decides the form of its attention, and nothing else does: prompt positions are materialised,
/// generated ones (drafts under verification included) absorbed.
enum class PositionRole { prompt, generated };

/// A token that the pass before, one of generated positions, has drawn, as an element of TokenSpan::tokens: it need not
/// be known on the host. Only for executors that take more than one pass at a time.
constexpr std::int32_t drawn_before(int draw) { return -1 - draw; }

/// Consecutive positions of one sequence. Earlier positions are in the cache already.
struct TokenSpan {
  std::span<const std::int32_t> pages;  ///< the sequence's pages, enough for every position up to the last one here
  int first_position = 0;
  std::span<const std::int32_t> tokens;  ///< ids, or drawn_before(i), at first_position, first_position + 1, …

  int n_rows() const { return static_cast<int>(tokens.size()); }
  int end_position() const { return first_position + n_rows(); }
};

/// Rows of all spans follow each other: row = row of the span's first token + offset.
inline int count_rows(std::span<const TokenSpan> spans) {
  int n = 0;
  for (const TokenSpan& s : spans) n += s.n_rows();
  return n;
}

/// A token to be drawn from the logits of a row.
struct Draw {
  int row = 0;  ///< of the pass; draws are in ascending order of rows
  kernels::SamplingArgs sampling;
  kernels::NoiseKey key;
  std::uint32_t position = 0;  ///< of the token that is drawn, the prompt's included
  int n_logprobs = 0;
  std::int32_t given = -1;  ///< not negative: nothing is drawn, this token's log-probabilities are wanted

  bool wants_logprobs() const { return n_logprobs > 0 || given >= 0; }
};

/// Called after each decoder layer with its output [rows, hidden].
using LayerObserver = std::function<void(int layer, std::span<const float> hidden)>;

/// One run of the main model over rows of many sequences. What it points to must last until submit() returns.
struct Pass {
  PositionRole role = PositionRole::prompt;
  std::span<const TokenSpan> spans;
  std::span<const Draw> draws;
  bool wants_states = false;   ///< logits and final hidden states of all rows, for comparisons; no draws then
  LayerObserver observe = {};  ///< only with wants_states
};

struct DrawnToken {
  std::int32_t token = 0;  ///< negative: the logits were no numbers; of a given token only that counts
  std::optional<TokenLogprobs> logprobs;
};

struct PassResult {
  std::vector<DrawnToken> drawn;  ///< one for each draw
  std::vector<float> logits;      ///< [rows, vocab_size] if wanted
  std::vector<float> hidden;      ///< [rows, hidden], after the final norm, if wanted
  double device_ms = 0;           ///< from its start on the device to its end
  double idle_ms = 0;             ///< that the device waited between the pass before and this one
};

/// Positions for the MTP module: row i has the main model's hidden state of its position, and the *next* position's
/// token in `span`.
struct MtpSpan {
  enum class Source {
    pass,  ///< hidden states are rows first_hidden, … of the last pass
    kept,  ///< its only row's hidden state was kept in slot first_hidden
  };
  TokenSpan span;
  Source source = Source::pass;
  int first_hidden = 0;
};

/// What a run of the MTP module is for.
enum class MtpOutput { cache_rows, drafts, logits };

struct MtpResult {
  std::vector<std::int32_t> drafts;  ///< the largest logit of each span's last row
  std::vector<float> logits;         ///< [rows, vocab_size]
  double device_ms = 0;              ///< as a pass has them
  double idle_ms = 0;
};

/// What an executor makes room for. A pass has at most prefill_chunk_tokens rows of prompts, or max_batch generated
/// ones, twice as many with speculation.
struct ExecutorOptions {
  int max_batch = 64;                ///< sequences that decode together
  std::int64_t kv_memory_bytes = 0;  ///< for cache pages, in all; 0: by kv_memory_pct
  double kv_memory_pct = 50;         ///< of the memory that is free on the device once the weights are there
  int prefill_chunk_tokens = 512;    ///< prompt positions per pass
  bool speculate = false;            ///< drafts with the MTP module
};

/// Pages of `page_bytes` that the options' memory holds where `free_bytes` are free, and no more than can be used: a
/// full batch of full contexts with their prompts. Error{environment} if there are less than two.
Result<int> count_pages(const ExecutorOptions& options, std::int64_t free_bytes, std::int64_t context_tokens,
                        std::int64_t page_bytes);

/// Contents of cache pages in the host's memory. What is in them is the executor's business.
class SavedPages {
 public:
  SavedPages() = default;
  /// Not initialised.
  explicit SavedPages(std::size_t n_bytes) : memory_(allocate_large(n_bytes)), n_bytes_(n_bytes) {}
  std::span<std::byte> bytes() { return {memory_.get(), n_bytes_}; }
  std::span<const std::byte> bytes() const { return {memory_.get(), n_bytes_}; }

 private:
  LargeMemory memory_;
  std::size_t n_bytes_ = 0;
};

class Executor {
 public:
  virtual ~Executor() = default;

  virtual int n_pages() const = 0;
  /// Passes that may be under way at a time, where no token is drafted. With two, the next pass is prepared while one
  /// runs.
  virtual int max_in_flight() const = 0;

  /// Starts a pass; passes run in the order of these calls. Fewer than max_in_flight() may be under way. A row's result
  /// depends on its own sequence alone.
  virtual Result<> submit(const Pass& pass) = 0;
  /// Waits for the oldest pass under way; there is one. Error{bad_input} if a number that must not be is NaN,
  /// Error{environment} if the device fails.
  virtual Result<PassResult> collect() = 0;

  /// Copies whole pages {from, to}, after the passes submitted so far and before all later ones.
  virtual Result<> copy_pages(std::span<const std::pair<std::int32_t, std::int32_t>> pages) = 0;
  /// Bytes of host memory that save_pages() takes for a page.
  virtual std::int64_t page_bytes() const = 0;
  /// What these pages hold after the passes submitted so far, which it waits for.
  virtual Result<SavedPages> save_pages(std::span<const std::int32_t> pages) = 0;
  /// Writes what was saved, in the same order, to as many pages, before all later passes.
  virtual Result<> load_pages(std::span<const std::byte> saved, std::span<const std::int32_t> pages) = 0;

  /// Keeps the hidden state of a row of the last pass in a slot, from 0 to max_batch.
  virtual Result<> keep_hidden(int row, int slot) = 0;
  /// Runs the MTP module; no pass is under way.
  virtual Result<MtpResult> run_mtp(PositionRole role, std::span<const MtpSpan> spans, MtpOutput output) = 0;

  /// Through which passes of the main model tell what they do, in order of submit(); a GPU's are launched one by one
  /// while they are heard, and as graphs again from the second pass behind that. Null: a model over several GPUs tells
  /// nothing.
  virtual OperationMarks* marks() { return nullptr; }

  /// As Runner::link_report(); no pass is under way.
  virtual Result<std::optional<LinkReport>> link_report() const { return std::optional<LinkReport>{}; }
};

/// What log-probabilities say of a drawn token: its own and those of the n_top largest, best first.
TokenLogprobs logprobs_of(std::span<const float> logits, std::int32_t token, int n_top);

}  // namespace assay::runners

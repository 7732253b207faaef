#pragma once
// Continuous batching: many requests, each one's tokens independent of all others.
//   A prompt is prefilled once, in chunks, however many samples it has; each sample then starts from the prompt's
//   pages. A sample starts when the cache is taken to hold it to its end, beside all others (admission.h). Where that
//   was wrong, the youngest samples wait in the host's memory, bit for bit, and come back before any other starts; if
//   there is no room for them there, they begin again, with the same tokens.
//   Speculation: the MTP module drafts one token; the main model runs on both, and the draft is kept exactly when it is
//   the token that the main model draws at that position. So speculation changes no token, only the number of passes.
//   Where the executor takes two passes at a time, the next one is prepared and submitted while one runs; a sequence
//   that turns out to have ended has then run one row too many, which is thrown away.
//   Offline, the batch is filled before it decodes, longest prompts first, so that the tail is short. Live, prompts are
//   begun as they came, and none makes a running sequence wait for more than one pass of prompts, of at most
//   kPromptRowsBesideSequences positions, between two of its own. A prompt that has been served stays in the cache
//   until its pages are needed.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "harness/base/result.h"
#include "kernels/sampling/sampling.h"
#include "runners/engine/executor.h"
#include "runners/engine/model.h"
#include "runners/runner.h"

namespace assay::runners {

/// What the work is: known as a whole before it begins, or coming while it goes on.
enum class Workload { offline, live };

/// Live: positions of a pass of prompts while sequences run.
constexpr int kPromptRowsBesideSequences = 512;

struct SchedulerOptions {
  ExecutorOptions limits;                ///< as the executor was made for
  std::vector<std::int32_t> end_tokens;  ///< a sample ends with any of these; it is not part of the output
  Workload workload = Workload::offline;
  std::int64_t host_memory_bytes = std::int64_t{4} << 30;  ///< for samples that the cache has no room for
};

/// One sample to be generated, as tokens.
struct TokenRequest {
  std::vector<std::int32_t> prompt;
  kernels::SamplingArgs sampling;
  kernels::NoiseKey key;
  std::int64_t max_output_tokens = 0;  ///< 0: what is left of the context
  int n_logprobs = 0;
  /// Also the log-probabilities of the prompt's own tokens. Such a prompt is prefilled for this sample alone, all of
  /// it, and logits are made of few rows at a time.
  bool scores_prompt = false;
};

struct TokenOutput {
  std::uint64_t request = 0;  ///< index into the requests; live: the id that it was submitted with
  std::vector<std::int32_t> tokens;
  std::int64_t n_output_tokens = 0;  ///< the end token counted
  std::int64_t n_cached_prompt_tokens = 0;
  FinishReason finish_reason = FinishReason::eos;
  std::int64_t n_drafted_tokens = 0, n_accepted_tokens = 0;
  std::vector<TokenLogprobs> logprobs;
  std::vector<TokenLogprobs> prompt_logprobs;  ///< of prompt tokens 1, 2, …, if asked for
  Timings timings;
  std::string failure;  ///< not empty: the sample failed (its logits were no numbers)
};

/// Tokens of a sample that have just become known. The spans last as long as the call.
struct NewTokens {
  std::uint64_t request = 0;
  std::int64_t n_new = 0;  ///< the end token counted
  std::span<const std::int32_t> tokens;
  std::span<const TokenLogprobs> logprobs;  ///< one for each of n_new, if asked for
};

/// What outputs are handed to, on the scheduler's thread. An error of on_finished stops the step.
struct OutputSink {
  std::function<void(const NewTokens&)> on_tokens;  ///< may be empty
  std::function<Result<>(TokenOutput)> on_finished;
};

/// Runs requests over one executor: all of them by run(), or live by submit(), cancel() and step(). One thread, but for
/// check().
class Scheduler {
 public:
  /// The model whose passes the executor runs must outlive it. Error{bad_input} if speculation is asked of a model
  /// without MTP.
  static Result<Scheduler> create(const Model& model, std::unique_ptr<Executor> executor,
                                  const SchedulerOptions& options);
  Scheduler(Scheduler&&) noexcept;
  ~Scheduler();

  /// Error{bad_input} if a request can't be served: no tokens, ids outside the vocabulary, a prompt that fills the
  /// context; Error{environment} if it needs more cache than there is.
  Result<> check(const TokenRequest& request) const;

  /// Serves every request; `on_output` gets each as soon as it is finished, on this thread. Returns Error{interrupted}
  /// soon after `stop` is requested, or the callback's error.
  Result<> run(std::span<const TokenRequest> requests, const std::function<Result<>(TokenOutput)>& on_output,
               const ProgressSink& on_progress, std::stop_token stop);

  /// Takes a request that check() accepts; no other unfinished one has this id. Times in its output count from
  /// `submitted`.
  void submit(std::uint64_t id, const TokenRequest& request, std::chrono::steady_clock::time_point submitted);
  /// Ends a request with what it has so far, and hands it over: at once if it waits, else by the next step(). Nothing
  /// happens if it has finished.
  Result<> cancel(std::uint64_t id, const OutputSink& sink);
  bool has_work() const;
  /// One pass submitted, or collected, or both; hands out what has become known. There is work.
  Result<> step(const OutputSink& sink);
  /// As Runner::link_report().
  Result<std::optional<LinkReport>> link_report() const;
  /// Forgets all requests, after an error.
  void forget_everything();

 private:
  class Work;
  explicit Scheduler(std::unique_ptr<Work> work);
  std::unique_ptr<Work> work_;
};

}  // namespace assay::runners

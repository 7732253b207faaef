#pragma once
// The runner interface: requests in, completions out. A runner knows models, tokens and devices; it knows no suite,
// no verdict and no database. Runners: the native engine (engine/), recorded outputs (replay/), an HTTP endpoint
// (api/).

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "runners/link_report.h"

namespace assay::runners {

/// How a token is chosen. Field by field as shared sampling rules say: repetition penalty is not offered here.
struct SamplingParams {
  double temperature = 0;              ///< 0 is greedy
  double top_p = 1;                    ///< in (0, 1]
  std::int64_t top_k = 0;              ///< 0 is off
  double min_p = 0;                    ///< in [0, 1)
  std::int64_t max_output_tokens = 0;  ///< 0: what is left of the context
};

/// What a sample's noise is keyed by. The same key gives the same tokens in any batch, order or process.
struct SampleKey {
  std::uint64_t seed = 0;  ///< the run's seed
  std::uint32_t sample_word =
      0;  ///< first four bytes, big-endian, of SHA-256(suite hash "/" item id ":" sample number)
};

enum class Role { system, user, assistant };
struct Message {
  Role role = Role::user;
  std::string content;
};

/// One sample to be generated: chat messages (rendered by the model's template), `raw_prompt` (taken as it is), or
/// `prompt_tokens`, which only the native engine takes.
struct Request {
  std::string id;           ///< the caller's name for it; comes back in the Completion
  std::int64_t sample = 0;  ///< sample number of the item, for replay
  std::vector<Message> messages;
  std::optional<std::string> raw_prompt;
  std::optional<std::vector<std::int32_t>> prompt_tokens;
  std::string
      reply_opening;  ///< with messages: what the reply must begin with ("<think>\n"); empty: as the template says
  SamplingParams sampling;
  SampleKey key;
  int n_logprobs = 0;          ///< > 0: report the chosen token's and this many top tokens' raw log-probabilities
  bool scores_prompt = false;  ///< with n_logprobs: of the prompt's own tokens, too; only the native engine does
};

enum class FinishReason { eos, stop, length, context, timeout, cancelled };
std::string to_string(FinishReason reason);
Result<FinishReason> parse_finish_reason(const std::string& text);

/// Times in milliseconds from the start of the run() call (monotonic), unless a name says otherwise. What a runner
/// cannot know is empty, never 0. Of an endpoint, a request starts when it is first sent, and ttft_ms and e2e_ms count
/// from queued_ms on: its turn, whatever the client or the endpoint then made it wait for.
struct Timings {
  std::optional<double> queued_ms;       ///< when the request could have started: 0 for offline work of the engine
  std::optional<double> started_ms;      ///< first prefill step that held it
  std::optional<double> first_token_ms;  ///< when its first output token was known
  std::optional<double> finished_ms;     ///< when its last output token was known
  std::optional<double> ttft_ms;         ///< a duration: first token after start of prefill; none for a cached prompt
  std::optional<double> e2e_ms;          ///< a duration: finish after start of prefill
  std::optional<double> itl_ms_mean;     ///< a duration: mean gap between output tokens
  std::optional<double> prefill_device_ms;  ///< this sample's share of the device's prefill time
  std::optional<double> decode_device_ms;   ///< this sample's share of the device's decode time
};

struct TokenLogprobs {
  double logprob = 0;                                ///< of the chosen token, before any sampling step
  std::vector<std::pair<std::int32_t, double>> top;  ///< best first
};

struct Completion {
  std::string id;
  std::int64_t sample = 0;
  std::string prompt_sha256;  ///< of the rendered prompt text
  std::vector<std::int32_t> prompt_tokens;
  std::vector<std::int32_t> tokens;         ///< output tokens, the end token excluded
  std::int64_t n_prompt_tokens = 0;         ///< known even where ids are not (HTTP, replay)
  std::int64_t n_cached_prompt_tokens = 0;  ///< of these, how many were shared or cached; negative: unknown
  std::int64_t n_output_tokens = 0;         ///< the end token, where one was drawn, is counted
  std::string prefill;  ///< what the template opened the reply with ("<think>\n"), graded in front of text
  std::string text;     ///< what was generated, decoded
  FinishReason finish_reason = FinishReason::eos;
  std::int64_t n_drafted_tokens = 0;  ///< MTP speculation: tokens drafted and accepted
  std::int64_t n_accepted_tokens = 0;
  std::vector<TokenLogprobs> logprobs;         ///< one per output token, if asked for
  std::vector<TokenLogprobs> prompt_logprobs;  ///< one per prompt token but the first, if asked for
  Timings timings;
  Json details = Json::object();  ///< what only some runners know of a sample: attempts, doubtful counts
  std::string failure;            ///< not empty: this sample failed and why; everything else may be empty
};

/// What a runner says of its model, stored with every run. `details` carries what only some runners know (architecture,
/// parameters, weight bytes, precision path, chat template and its hash, files).
struct ModelFacts {
  std::string name;            ///< short name for tables
  std::string reference;       ///< REF as the user wrote it, without secrets
  std::string weights_sha256;  ///< empty where it can't be known (an endpoint)
  std::string tokenizer_sha256;
  Json details = Json::object();
};

/// What the device was, as far as it can be known. Stored with every run.
struct DeviceFacts {
  std::string kind;  ///< "cpu", "cuda", "remote", "replay"
  std::string name;  ///< "Intel(R) Xeon(R) …, 2 threads, avx512"
  Json details = Json::object();
};

/// Progress of run(), for a status line. All counts since the call began.
struct Progress {
  std::int64_t n_finished = 0;
  std::int64_t n_output_tokens = 0;
  std::int64_t n_prompt_tokens = 0;
  std::int64_t n_running = 0;    ///< sequences in flight
  std::int64_t n_moved_out = 0;  ///< times that one had to leave the KV cache for a while
  std::int64_t moved_bytes = 0;  ///< to the host's memory and back
  double moving_ms = 0;          ///< that this took, the wait for passes under way included
  double prefill_device_ms = 0;  ///< that the device, or the CPU in its place, has worked on prompts; 0 if unknown
  double decode_device_ms = 0;   ///< likewise on generated tokens
  double device_idle_ms = 0;     ///< that it has waited for the host between passes
};

/// Receives each completion as soon as it is finished, on the thread that called run(). An error stops the run.
using CompletionSink = std::function<Result<>(Completion)>;
using ProgressSink = std::function<void(const Progress&)>;

/// Turns requests into completions. One run() at a time.
class Runner {
 public:
  virtual ~Runner() = default;
  virtual ModelFacts model_facts() const = 0;
  virtual DeviceFacts device_facts() const = 0;

  /// Checks that every request can be served (length, template), before anything is generated.
  /// Error{bad_input} names the request.
  virtual Result<> check(const std::vector<Request>& requests) = 0;

  /// Serves all requests, in whatever order is best; each completion depends on its own request alone. Returns after
  /// the last, or early with Error{interrupted} once `stop` is requested, or with the sink's error.
  virtual Result<> run(const std::vector<Request>& requests, const CompletionSink& on_completion,
                       const ProgressSink& on_progress, std::stop_token stop) = 0;

  /// What links between GPUs carried so far, if they are held back; none otherwise. Not while run() runs.
  virtual Result<std::optional<LinkReport>> link_report() const { return std::optional<LinkReport>{}; }
};

}  // namespace assay::runners

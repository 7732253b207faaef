#pragma once
// A runner that takes requests while it works: what `assay serve` stands behind, and what `assay bench serve` drives.
// Implementations: the native engine (engine/native_live_runner.h), an HTTP endpoint (api/). A request's tokens are
// those that Runner::run() would give it.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "runners/runner.h"

namespace assay::runners {

/// A token of an event.
struct StreamToken {
  std::int32_t id = 0;
  std::string text;                       ///< that it made known, whole characters; may be empty
  std::optional<TokenLogprobs> logprobs;  ///< if asked for
};

/// Output of a request that has just become known. The native engine sends one for every pass that gave it tokens, an
/// endpoint one for every event of its stream.
struct StreamEvent {
  std::chrono::steady_clock::time_point time;  ///< when its tokens were known here
  std::int64_t n_new_tokens = 0;         ///< since the event before; 0: an endpoint doesn't say, or text held back
  std::string text;                      ///< since the event before, whole characters; may be empty
  std::vector<StreamToken> tokens = {};  ///< those without the end token, where the runner knows its tokens
};

/// What a request's output is handed to, on a thread of the runner's; must return soon and submit nothing. After
/// `on_finished` there is no more. A failed request finishes, too: Completion::failure says why. Times in
/// Completion::timings count from submit().
struct LiveSink {
  std::function<void(const StreamEvent&)> on_event;  ///< may be empty
  std::function<void(Completion)> on_finished;
};

/// Names a request that was submitted. Never used twice.
using Ticket = std::uint64_t;

/// All calls may come from any thread. The destructor cancels what has not finished, and returns when it has.
class LiveRunner {
 public:
  virtual ~LiveRunner() = default;
  virtual ModelFacts model_facts() const = 0;
  virtual DeviceFacts device_facts() const = 0;

  /// Error{bad_input} if the request can't be served (length, template), Error{environment} if it could never fit.
  virtual Result<> check(const Request& request) const = 0;

  /// Takes a request, which check() has accepted, and returns at once. Requests are begun in the order of these calls.
  virtual Ticket submit(Request request, LiveSink sink) = 0;

  /// Gives a request up: it finishes as soon as possible with FinishReason::cancelled and the output so far. Nothing
  /// happens if it has finished.
  virtual void cancel(Ticket ticket) = 0;

  /// What links between GPUs carried so far, if they are held back, as of when there was last nothing to do; none
  /// otherwise.
  virtual std::optional<LinkReport> link_report() const { return {}; }

  /// What the model's template opens the reply to a chat with ("<think>\n"); empty where the runner doesn't know.
  virtual std::string reply_opening(const Request&) const { return {}; }

  /// The bytes that a token stands for, perhaps not whole characters; empty where the runner knows no tokens.
  virtual std::string token_bytes(std::int32_t) const { return {}; }
};

}  // namespace assay::runners

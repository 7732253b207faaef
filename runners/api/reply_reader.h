#pragma once
// Puts a reply together from the events of its stream, or from a whole answer where the endpoint does not stream.
// Source: OpenAI API reference, "Chat completion chunk object"; `reasoning_content` is DeepSeek's and vLLM's field for
// thoughts, `reasoning` OpenRouter's and newer vLLM's; `prompt_cache_hit_tokens` is DeepSeek's count.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "runners/api/retry.h"
#include "runners/runner.h"

namespace assay::runners::api {

using SteadyTime = std::chrono::steady_clock::time_point;
inline double ms_between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

/// Token counts; negative where the endpoint does not say, or says what can't be.
struct Usage {
  std::int64_t n_prompt_tokens = -1;
  std::int64_t n_cached_prompt_tokens = -1;
  std::int64_t n_output_tokens = -1;
};

/// What a reply is known to be, against which its counts are checked.
struct CountedReply {
  std::int64_t n_events = 0;  ///< that carried text; a whole answer has none
  bool has_text = false;
  std::int64_t max_output_tokens = 0;  ///< that was asked for; 0: none
};

/// The counts of a "usage" object. Each that can't be is left unknown, with a line in `remarks`: no integer, negative,
/// more than 10^9, more cached than prompt tokens, no output token though there is text, fewer output tokens than
/// events with text, more than were asked for.
Usage checked_usage(const Json& usage, const CountedReply& reply, std::vector<std::string>& remarks);

/// One attempt's reply. Thoughts stand in front of the text, as a model without a reasoning parser writes them:
/// "<think>\nTHOUGHTS\n</think>\n\nTEXT"; without the closing tag where the reply ended in its thoughts.
class ReplyReader {
 public:
  /// One event of a stream: its text, in the form above, is appended to `new_text`. A failure ends the attempt.
  std::optional<AttemptFailure> add_event(std::string_view data, SteadyTime at, std::string& new_text);
  /// A whole answer.
  std::optional<AttemptFailure> add_document(std::string_view body, SteadyTime at);
  /// What is missing when the endpoint has closed the reply; nothing if it is whole.
  std::optional<AttemptFailure> missing() const;

  bool has_ended() const { return done_; }  ///< "[DONE]" has come: whatever follows is not part of the reply
  bool has_text() const { return !thoughts_.empty() || !text_.empty(); }
  std::string text() const;
  std::optional<SteadyTime> first_text_at() const { return first_text_at_; }
  /// When the reply's end was known.
  std::optional<SteadyTime> finished_at() const { return finished_at_; }
  /// Mean time between two events with text, in ms; none below two.
  std::optional<double> mean_event_gap_ms() const;

  /// Text, counts, finish reason and details; times and names are the caller's.
  Completion completion(const Request& request, const std::string& asked_model) const;

 private:
  std::optional<AttemptFailure> read(std::string_view data, bool is_whole, std::string& new_text);
  std::optional<AttemptFailure> read_choice(const Json& choice, bool is_whole, std::string& new_text);

  std::string thoughts_;
  std::string text_;
  bool in_thoughts_ = false;  ///< of the text that went to new_text
  std::optional<FinishReason> finish_reason_;
  Json usage_;
  std::string model_;
  std::string fingerprint_;
  bool done_ = false;
  std::int64_t n_text_events_ = 0;
  std::optional<SteadyTime> first_text_at_, last_text_at_, finished_at_;
};

}  // namespace assay::runners::api

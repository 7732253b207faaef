#pragma once
// One choice of a reply while it is generated: from a runner's events to what a client is told. Pure.

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/serve/api_request.h"
#include "harness/serve/reply_text.h"
#include "runners/live_runner.h"

namespace assay::serve {

/// A token that is told with its log-probabilities.
struct ToldToken {
  runners::StreamToken token;
  std::int64_t text_offset = 0;  ///< of its text in the choice's, in code points
  bool opens_prompt = false;     ///< a prompt's first token, which nothing stands before: it has no log-probability
};

/// The tokens of an echoed prompt with their log-probabilities; `text` is the prompt's. A token whose bytes don't stand
/// there, such as one that begins every text, takes no place in it.
std::vector<ToldToken> prompt_tokens_told(const runners::Completion& completion, std::string_view text,
                                          const std::function<std::string(std::int32_t)>& token_bytes);
std::int64_t count_code_points(std::string_view text);

/// What a client is told next of a choice.
struct ReplyDelta {
  std::string reasoning, content;        ///< a completion has all in `content`
  std::vector<ToldToken> tokens;         ///< if log-probabilities are wanted
  std::vector<ToldToken> prompt_tokens;  ///< likewise of an echoed prompt
  std::string finish_reason;             ///< "stop", "length"; empty as long as it goes on

  bool empty() const {
    return reasoning.empty() && content.empty() && tokens.empty() && prompt_tokens.empty() && finish_reason.empty();
  }
};

class ChoiceReply {
 public:
  /// `thinks`: the template has opened the reply's thoughts.
  ChoiceReply(const ApiRequest& request, bool thinks);

  ReplyDelta push(const runners::StreamEvent& event);
  /// The runner has finished; nothing if a stop string had ended the choice before.
  ReplyDelta finish(const runners::Completion& completion);

  /// A stop string was found: the rest needn't be generated.
  bool stopped() const { return stops_.found(); }
  /// Tokens of the choice; what was generated behind a stop string is not counted.
  std::int64_t n_output_tokens() const { return n_output_tokens_; }

 private:
  void take(std::string_view text, ReplyDelta& delta);
  void tell_tokens(bool all, ReplyDelta& delta);

  ApiForm form_;
  bool wants_tokens_, wants_end_, has_output_;
  StopFilter stops_;
  ReasoningSplitter splitter_;
  struct Pending {
    ToldToken told;
    std::size_t first_byte;  // of its text in the choice's
  };
  std::deque<Pending> pending_;  // their text is not given out yet
  std::size_t n_bytes_ = 0, n_given_bytes_ = 0;
  std::int64_t n_code_points_ = 0;
  std::int64_t n_output_tokens_ = 0;
};

}  // namespace assay::serve

#pragma once
// Requests in the form that OpenAI's clients send, read from JSON. Pure. What is not served is refused in words: a
// field that would change the reply is never ignored.
// Source: platform.openai.com, API reference, "Create chat completion" and "Create completion"; top_k and min_p as
// vLLM's server takes them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "runners/runner.h"

namespace assay::serve {

enum class ApiForm { chat, completion };

struct ApiRequest {
  ApiForm form = ApiForm::chat;
  std::string model;  ///< empty: not named
  std::vector<runners::Message> messages;
  std::vector<std::string> prompts;  ///< of a completion; of those given as token ids their text, once it is known
  std::vector<std::vector<std::int32_t>> prompt_tokens;  ///< one for each prompt, or empty: they are texts
  runners::SamplingParams sampling;
  std::optional<std::uint64_t> seed;
  int n = 1;  ///< choices for each prompt
  std::vector<std::string> stop;
  bool stream = false;
  bool include_usage = false;
  bool echo = false;
  std::optional<int> logprobs;  ///< so many likeliest tokens beside the drawn one; empty: none are wanted
  bool has_output = true;       ///< false: max_tokens is 0, the prompt alone is wanted

  /// Of the prompt's own tokens, too.
  bool scores_prompt() const { return echo && logprobs.has_value(); }
  std::size_t n_choices() const { return static_cast<std::size_t>(n) * (form == ApiForm::chat ? 1 : prompts.size()); }
};

/// Error{bad_input} names the field and says what is right.
Result<ApiRequest> parse_api_request(ApiForm form, std::string_view body);

/// The requests of all choices, prompt by prompt. Choice i of a prompt draws by the key {seed, i}.
std::vector<runners::Request> choice_requests(const ApiRequest& request, std::uint64_t seed, const std::string& id);

}  // namespace assay::serve

#pragma once
// Replies in the form that OpenAI's clients read, as JSON. Pure.
// Source: platform.openai.com, API reference, "The chat completion object", "… chunk object", "The completion object";
// `reasoning_content` as DeepSeek's API has it (api-docs.deepseek.com, "Reasoning Model").

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/serve/choice_reply.h"

namespace assay::serve {

/// What all parts of a reply say alike.
struct ReplyFacts {
  std::string id;
  ApiForm form = ApiForm::chat;
  std::string model;
  std::int64_t created_s = 0;  ///< Unix time
  std::function<std::string(std::int32_t)> token_bytes;
};

struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;  ///< of the prompt's, found in the cache
  std::int64_t completion_tokens = 0;
};
Json to_json(const Usage& usage);

/// A whole reply; a choice is all its deltas in one.
Json whole_reply(const ReplyFacts& facts, const std::vector<ReplyDelta>& choices, const Usage& usage);

/// A part of a streamed reply. The first of a chat's choice names the role.
Json reply_chunk(const ReplyFacts& facts, std::size_t choice, const ReplyDelta& delta, bool first);
/// The last part: no choice, and the usage.
Json usage_chunk(const ReplyFacts& facts, const Usage& usage);

/// {"error":{"message","type","param","code"}}
Json error_reply(int status, std::string_view message);

/// One event of a stream.
std::string server_sent_event(const Json& document);

}  // namespace assay::serve

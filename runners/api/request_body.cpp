#include "runners/api/request_body.h"

#include "harness/base/philox.h"
#include "harness/base/text.h"

namespace assay::runners::api {

namespace {

const char* role_name(Role role) {
  switch (role) {
    case Role::system:
      return "system";
    case Role::user:
      return "user";
    case Role::assistant:
      break;
  }
  return "assistant";
}

Json messages_json(const std::vector<Message>& messages) {
  Json json = Json::array();
  for (const Message& message : messages) {
    json.push_back({{"role", role_name(message.role)}, {"content", message.content}});
  }
  return json;
}

}  // namespace

Result<> check_request(const Request& request) {
  const std::string who = "request " + quoted_excerpt(request.id) + ": ";
  if (request.n_logprobs > 0) {
    return bad_input(who, "an endpoint's log-probabilities come without token ids; leave out --logprobs");
  }
  if (request.prompt_tokens)
    return bad_input(who, "an endpoint takes text; a prompt as token ids is the engine's alone");
  if (request.raw_prompt && request.sampling.max_output_tokens == 0) {
    return bad_input(who,
                     "for raw prompts endpoints have limits of their own, as low as 16 tokens; give "
                     "--max-output-tokens");
  }
  if (!request.raw_prompt && request.messages.empty()) return bad_input(who, "it holds no message");
  return {};
}

std::string request_path(const Request& request) { return request.raw_prompt ? "/completions" : "/chat/completions"; }

std::int64_t sample_seed(const SampleKey& key) {
  const auto low = static_cast<std::uint32_t>(key.seed);
  const auto high = static_cast<std::uint32_t>(key.seed >> 32);
  return philox({key.sample_word, 0, 0, 0}, {low, high})[0] >> 1;
}

Json request_body(const Request& request, const std::string& model, const Dialect& dialect) {
  const SamplingParams& sampling = request.sampling;
  Json body = {{"model", model}};
  if (request.raw_prompt) {
    body["prompt"] = *request.raw_prompt;
  } else {
    body["messages"] = messages_json(request.messages);
  }
  body["n"] = 1;
  body["temperature"] = sampling.temperature;
  if (sampling.top_p != 1) body["top_p"] = sampling.top_p;
  if (sampling.top_k != 0) body["top_k"] = sampling.top_k;
  if (sampling.min_p != 0) body["min_p"] = sampling.min_p;
  if (sampling.max_output_tokens > 0) {
    const bool is_chat = !request.raw_prompt;
    body[is_chat && dialect.has_max_completion_tokens ? "max_completion_tokens" : "max_tokens"] =
        sampling.max_output_tokens;
  }
  if (dialect.has_seed) body["seed"] = sample_seed(request.key);
  body["stream"] = true;
  if (dialect.has_stream_options) body["stream_options"] = {{"include_usage", true}};
  return body;
}

}  // namespace assay::runners::api

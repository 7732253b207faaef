#include "harness/serve/api_request.h"

#include <algorithm>

#include "harness/base/json.h"
#include "harness/base/text.h"

namespace assay::serve {

namespace {

constexpr std::int64_t kMaxChoices = 128, kMaxPrompts = 1024, kMaxStops = 16, kMaxTopLogprobs = 20;
constexpr std::size_t kMaxStopBytes = 1024;

/// Fields that both forms take.
const std::vector<std::string_view> kFields = {"model", "n",      "temperature",    "top_p",
                                               "top_k", "min_p",  "max_tokens",     "seed",
                                               "stop",  "stream", "stream_options", "logprobs"};
/// Fields that change nothing in a reply.
const std::vector<std::string_view> kNotes = {
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "parallel_tool_calls"};

/// What this engine can't do, and the value with which it needn't.
struct Refusal {
  std::string_view field;
  Json harmless;
};
const std::vector<Refusal>& refusals() {
  static const std::vector<Refusal> all = {
      {"frequency_penalty", 0},       {"presence_penalty", 0},  {"repetition_penalty", 1},
      {"logit_bias", Json::object()}, {"tools", Json::array()}, {"functions", Json::array()},
      {"tool_choice", "none"},        {"suffix", ""},           {"response_format", Json{{"type", "text"}}},
      {"modalities", Json{"text"}},   {"best_of", 1},           {"ignore_eos", false},
      {"skip_special_tokens", true}};
  return all;
}

Result<double> number_in(const JsonObject& fields, std::string_view key, double fallback, double least, double most,
                         std::string_view rule) {
  ASSAY_ASSIGN(const double value, fields.number_or(key, fallback));
  if (!(value >= least && value <= most)) return fields.field_error(key, std::string("must be ") + std::string(rule));
  return value;
}

Result<std::int64_t> integer_in(const JsonObject& fields, std::string_view key, std::int64_t fallback,
                                std::int64_t least, std::int64_t most) {
  ASSAY_ASSIGN(const std::int64_t value, fields.integer_or(key, fallback));
  if (value < least || value > most) {
    return fields.field_error(key,
                              "must be from " + to_text(least) + " to " + to_text(most) + ", is " + to_text(value));
  }
  return value;
}

Result<> refuse_what_is_not_served(const JsonObject& fields, const Json& document,
                                   const std::vector<std::string_view>& own) {
  for (const auto& [key, value] : document.items()) {
    const auto is_in = [&](const std::vector<std::string_view>& list) {
      return std::find(list.begin(), list.end(), key) != list.end();
    };
    if (value.is_null() || is_in(kFields) || is_in(kNotes) || is_in(own)) continue;
    const auto refusal =
        std::find_if(refusals().begin(), refusals().end(), [&](const Refusal& r) { return r.field == key; });
    if (refusal == refusals().end()) return fields.field_error(shown(key), "is unknown to this server");
    if (value != refusal->harmless) {
      return fields.field_error(key, "is not served here; leave it out, or give " + to_json_text(refusal->harmless));
    }
  }
  return {};
}

/// Text, or a list of parts that are text.
Result<std::string> read_content(const JsonObject& message) {
  const Json* content = message.find("content");
  if (content == nullptr || !content->is_array()) return message.string("content");
  std::string text;
  for (const Json& part : *content) {
    ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(part, message.where() + ": content"));
    ASSAY_ASSIGN(const std::string type, fields.string("type"));
    if (type != "text") return fields.field_error("type", "is " + quoted_excerpt(type) + "; only text is served here");
    ASSAY_ASSIGN(const std::string more, fields.string("text"));
    text += more;
  }
  return text;
}

Result<runners::Role> read_role(const JsonObject& message) {
  ASSAY_ASSIGN(const std::string role, message.string("role"));
  if (role == "system" || role == "developer") return runners::Role::system;
  if (role == "user") return runners::Role::user;
  if (role == "assistant") return runners::Role::assistant;
  return message.field_error("role", "is " + quoted_excerpt(role) + "; known are system, developer, user, assistant");
}

Result<> read_chat(const JsonObject& fields, ApiRequest& request) {
  const Json* list = fields.find("messages");
  if (list == nullptr || !list->is_array() || list->empty()) {
    return fields.field_error("messages", "must be a list of at least one {\"role\",\"content\"}");
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    ASSAY_ASSIGN(const JsonObject message, JsonObject::of((*list)[i], "messages[" + std::to_string(i) + "]"));
    for (const auto& [key, value] : (*list)[i].items()) {
      const bool is_known = key == "role" || key == "content" || (key == "type" && value == "text");
      if (!is_known && !value.is_null()) return message.field_error(shown(key), "is not served here");
    }
    ASSAY_ASSIGN(const runners::Role role, read_role(message));
    ASSAY_ASSIGN(std::string content, read_content(message));
    request.messages.push_back({role, std::move(content)});
  }
  ASSAY_ASSIGN(const bool wants, fields.boolean_or("logprobs", false));
  ASSAY_ASSIGN(const std::int64_t top, integer_in(fields, "top_logprobs", 0, 0, kMaxTopLogprobs));
  if (top > 0 && !wants) return fields.field_error("top_logprobs", "needs \"logprobs\": true");
  if (wants) request.logprobs = static_cast<int>(top);
  if (fields.has("max_completion_tokens")) {
    ASSAY_ASSIGN(request.sampling.max_output_tokens, integer_in(fields, "max_completion_tokens", 0, 1, 100'000'000));
  }
  return {};
}

/// One prompt as ids; whether the model has them is seen when it is checked.
Result<> read_prompt_tokens(const JsonObject& fields, const Json& list, ApiRequest& request) {
  std::vector<std::int32_t>& tokens = request.prompt_tokens.emplace_back();
  for (const Json& id : list) {
    const bool fits = id.is_number_unsigned() && id.get<std::uint64_t>() <= std::uint64_t{0x7FFFFFFF};
    if (!fits) return fields.field_error("prompt", "has a token id that is no whole number from 0 to 2147483647");
    tokens.push_back(id.get<std::int32_t>());
  }
  request.prompts.emplace_back();
  return {};
}

Result<> read_completion(const JsonObject& fields, ApiRequest& request) {
  const Json* prompt = fields.find("prompt");
  const auto wrong = [&] {
    return fields.field_error(
        "prompt", "must be text, a list of token ids, or a list of 1 to " + to_text(kMaxPrompts) + " of either");
  };
  if (prompt != nullptr && prompt->is_string()) {
    request.prompts = {prompt->get<std::string>()};
  } else if (prompt == nullptr || !prompt->is_array() || prompt->empty()) {
    return wrong();
  } else if (prompt->front().is_number()) {
    ASSAY_TRY(read_prompt_tokens(fields, *prompt, request));
  } else {
    if (prompt->size() > kMaxPrompts) return wrong();
    const bool are_texts = prompt->front().is_string();
    for (const Json& one : *prompt) {
      if (are_texts ? !one.is_string() : !one.is_array()) return wrong();
      if (are_texts) {
        request.prompts.push_back(one.get<std::string>());
      } else {
        ASSAY_TRY(read_prompt_tokens(fields, one, request));
      }
    }
  }
  if (fields.has("logprobs")) {
    ASSAY_ASSIGN(const std::int64_t top, integer_in(fields, "logprobs", 0, 0, kMaxTopLogprobs));
    request.logprobs = static_cast<int>(top);
  }
  ASSAY_ASSIGN(request.echo, fields.boolean_or("echo", false));
  if (request.scores_prompt() && request.stream) {
    return fields.field_error("echo", "together with logprobs is not streamed here; leave \"stream\" out");
  }
  if (!request.has_output && !request.echo) {
    return fields.field_error("max_tokens", "must be from 1 to 100000000; 0 needs \"echo\": true");
  }
  constexpr std::int64_t kUsualTokens = 16;  // as the form has it
  if (request.sampling.max_output_tokens == 0) request.sampling.max_output_tokens = kUsualTokens;
  return {};
}

Result<> read_stop(const JsonObject& fields, ApiRequest& request) {
  const Json* stop = fields.find("stop");
  if (stop == nullptr) return {};
  if (stop->is_string()) {
    request.stop = {stop->get<std::string>()};
  } else {
    ASSAY_ASSIGN(request.stop, fields.strings("stop"));
  }
  const bool fits = std::all_of(request.stop.begin(), request.stop.end(),
                                [](const std::string& text) { return !text.empty() && text.size() <= kMaxStopBytes; });
  if (!fits || request.stop.size() > kMaxStops) {
    return fields.field_error("stop", "must be text, or a list of up to " + to_text(kMaxStops) + " texts, of 1 to " +
                                          to_text(static_cast<std::int64_t>(kMaxStopBytes)) + " bytes each");
  }
  return {};
}

Result<> read_sampling(const JsonObject& fields, ApiRequest& request) {
  runners::SamplingParams& sampling = request.sampling;
  ASSAY_ASSIGN(sampling.temperature, number_in(fields, "temperature", 1, 0, 100, "a number from 0 to 100"));
  ASSAY_ASSIGN(sampling.top_p, number_in(fields, "top_p", 1, 1e-300, 1, "above 0, at most 1"));
  ASSAY_ASSIGN(const std::int64_t top_k, integer_in(fields, "top_k", 0, -1, 1'000'000'000));
  sampling.top_k = std::max<std::int64_t>(top_k, 0);  // -1 is off, too
  ASSAY_ASSIGN(sampling.min_p, number_in(fields, "min_p", 0, 0, 1 - 1e-12, "from 0, below 1"));
  if (fields.has("max_tokens")) {
    const bool may_be_none = request.form == ApiForm::completion;
    ASSAY_ASSIGN(sampling.max_output_tokens, integer_in(fields, "max_tokens", 0, may_be_none ? 0 : 1, 100'000'000));
    request.has_output = sampling.max_output_tokens > 0;
    sampling.max_output_tokens = std::max<std::int64_t>(sampling.max_output_tokens, 1);  // that is left out then
  }
  if (fields.has("seed")) {
    ASSAY_ASSIGN(const std::int64_t seed, fields.integer("seed"));
    request.seed = static_cast<std::uint64_t>(seed);
  }
  return {};
}

}  // namespace

Result<ApiRequest> parse_api_request(ApiForm form, std::string_view body) {
  ASSAY_ASSIGN(const Json document, parse_json(body, "body"));
  ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(document, "body"));
  const std::vector<std::string_view> own =
      form == ApiForm::chat ? std::vector<std::string_view>{"messages", "top_logprobs", "max_completion_tokens"}
                            : std::vector<std::string_view>{"prompt", "echo"};
  ASSAY_TRY(refuse_what_is_not_served(fields, document, own));
  ApiRequest request;
  request.form = form;
  ASSAY_ASSIGN(request.model, fields.string_or("model", ""));
  ASSAY_ASSIGN(const std::int64_t n, integer_in(fields, "n", 1, 1, kMaxChoices));
  request.n = static_cast<int>(n);
  ASSAY_ASSIGN(request.stream, fields.boolean_or("stream", false));
  if (fields.has("stream_options")) {
    if (!request.stream) return fields.field_error("stream_options", "needs \"stream\": true");
    ASSAY_ASSIGN(const JsonObject options, fields.object("stream_options"));
    ASSAY_TRY(options.refuse_unknown({"include_usage", "include_obfuscation"}));
    ASSAY_ASSIGN(request.include_usage, options.boolean_or("include_usage", false));
  }
  ASSAY_TRY(read_sampling(fields, request));
  ASSAY_TRY(read_stop(fields, request));
  ASSAY_TRY(form == ApiForm::chat ? read_chat(fields, request) : read_completion(fields, request));
  return request;
}

std::vector<runners::Request> choice_requests(const ApiRequest& request, std::uint64_t seed, const std::string& id) {
  std::vector<runners::Request> requests;
  const std::size_t n_prompts = request.form == ApiForm::chat ? 1 : request.prompts.size();
  for (std::size_t prompt = 0; prompt < n_prompts; ++prompt) {
    for (int i = 0; i < request.n; ++i) {
      runners::Request& one = requests.emplace_back();
      one.id = id;
      one.sample = i;
      one.messages = request.messages;
      if (!request.prompt_tokens.empty()) {
        one.prompt_tokens = request.prompt_tokens[prompt];
      } else if (request.form == ApiForm::completion) {
        one.raw_prompt = request.prompts[prompt];
      }
      one.scores_prompt = request.scores_prompt();
      one.sampling = request.sampling;
      one.key = {seed, static_cast<std::uint32_t>(i)};
      if (request.logprobs) one.n_logprobs = std::max(*request.logprobs, 1);
    }
  }
  return requests;
}

}  // namespace assay::serve

#include "harness/serve/api_reply.h"

#include "harness/base/text.h"

namespace assay::serve {

namespace {

Json token_json(const ReplyFacts& facts, std::int32_t id, double logprob) {
  const std::string bytes = facts.token_bytes(id);
  Json numbers = Json::array();
  for (const char byte : bytes) numbers.push_back(static_cast<unsigned char>(byte));
  return {{"token", to_valid_utf8(bytes)}, {"logprob", logprob}, {"bytes", std::move(numbers)}};
}

Json chat_logprobs(const ReplyFacts& facts, const std::vector<ToldToken>& tokens) {
  Json content = Json::array();
  for (const ToldToken& told : tokens) {
    if (!told.token.logprobs) continue;
    Json entry = token_json(facts, told.token.id, told.token.logprobs->logprob);
    entry["top_logprobs"] = Json::array();
    for (const auto& [id, logprob] : told.token.logprobs->top) {
      entry["top_logprobs"].push_back(token_json(facts, id, logprob));
    }
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

Json completion_logprobs(const ReplyFacts& facts, const std::vector<ToldToken>& tokens) {
  Json texts = Json::array(), logprobs = Json::array(), tops = Json::array(), offsets = Json::array();
  for (const ToldToken& told : tokens) {
    if (!told.token.logprobs && !told.opens_prompt) continue;
    texts.push_back(told.token.id < 0 ? "" : to_valid_utf8(facts.token_bytes(told.token.id)));
    offsets.push_back(told.text_offset);
    if (!told.token.logprobs) {
      logprobs.push_back(nullptr);
      tops.push_back(nullptr);
      continue;
    }
    logprobs.push_back(told.token.logprobs->logprob);
    Json top = Json::object();
    for (const auto& [id, logprob] : told.token.logprobs->top) top[to_valid_utf8(facts.token_bytes(id))] = logprob;
    tops.push_back(std::move(top));
  }
  return {{"tokens", std::move(texts)},
          {"token_logprobs", std::move(logprobs)},
          {"top_logprobs", std::move(tops)},
          {"text_offset", std::move(offsets)}};
}

Json logprobs_json(const ReplyFacts& facts, const std::vector<ToldToken>& tokens) {
  if (tokens.empty()) return nullptr;
  return facts.form == ApiForm::chat ? chat_logprobs(facts, tokens) : completion_logprobs(facts, tokens);
}

Json frame(const ReplyFacts& facts, std::string_view object) {
  return {{"id", facts.id}, {"object", object}, {"created", facts.created_s}, {"model", facts.model}};
}

std::string_view chunk_object(ApiForm form) {
  return form == ApiForm::chat ? "chat.completion.chunk" : "text_completion";
}

Json reason_json(const std::string& reason) { return reason.empty() ? Json(nullptr) : Json(reason); }

}  // namespace

Json to_json(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}}};
}

Json whole_reply(const ReplyFacts& facts, const std::vector<ReplyDelta>& choices, const Usage& usage) {
  const bool is_chat = facts.form == ApiForm::chat;
  Json reply = frame(facts, is_chat ? "chat.completion" : "text_completion");
  reply["choices"] = Json::array();
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const ReplyDelta& choice = choices[i];
    Json entry = {{"index", i}};
    if (is_chat) {
      entry["message"] = {{"role", "assistant"}, {"content", choice.content}};
      if (!choice.reasoning.empty()) entry["message"]["reasoning_content"] = choice.reasoning;
    } else {
      entry["text"] = choice.content;
    }
    entry["logprobs"] = logprobs_json(facts, choice.tokens);
    entry["finish_reason"] = reason_json(choice.finish_reason);
    reply["choices"].push_back(std::move(entry));
  }
  reply["usage"] = to_json(usage);
  return reply;
}

Json reply_chunk(const ReplyFacts& facts, std::size_t choice, const ReplyDelta& delta, bool first) {
  Json entry = {{"index", choice}};
  if (facts.form == ApiForm::chat) {
    Json told = Json::object();
    if (first) told = {{"role", "assistant"}, {"content", ""}};
    if (!delta.reasoning.empty()) told["reasoning_content"] = delta.reasoning;
    if (!delta.content.empty()) told["content"] = delta.content;
    entry["delta"] = std::move(told);
  } else {
    entry["text"] = delta.content;
  }
  entry["logprobs"] = logprobs_json(facts, delta.tokens);
  entry["finish_reason"] = reason_json(delta.finish_reason);
  Json chunk = frame(facts, chunk_object(facts.form));
  chunk["choices"] = Json::array({std::move(entry)});
  return chunk;
}

Json usage_chunk(const ReplyFacts& facts, const Usage& usage) {
  Json chunk = frame(facts, chunk_object(facts.form));
  chunk["choices"] = Json::array();
  chunk["usage"] = to_json(usage);
  return chunk;
}

Json error_reply(int status, std::string_view message) {
  std::string_view type = "invalid_request_error", code = "";
  if (status == 401) code = "invalid_api_key";
  if (status == 404) code = "not_found";
  if (status == 429) type = "rate_limit_error", code = "rate_limit_exceeded";
  if (status >= 500) type = "server_error";
  return {{"error",
           {{"message", message},
            {"type", type},
            {"param", nullptr},
            {"code", code.empty() ? Json(nullptr) : Json(code)}}}};
}

std::string server_sent_event(const Json& document) { return "data: " + to_json_text(document) + "\n\n"; }

}  // namespace assay::serve

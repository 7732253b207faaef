#include "harness/serve/choice_reply.h"

#include <utility>

namespace assay::serve {

namespace {

std::string_view finish_word(runners::FinishReason reason) {
  using runners::FinishReason;
  return reason == FinishReason::length || reason == FinishReason::context ? "length" : "stop";
}

/// The end token, which completions with a scored prompt tell as any other: clients take off the last one.
ToldToken end_token(const runners::TokenLogprobs& logprobs, std::int64_t text_offset) {
  ToldToken told;
  told.text_offset = text_offset;
  told.token.logprobs = logprobs;
  told.token.id = -1;  // not known, unless it was among the likeliest
  for (const auto& [id, logprob] : logprobs.top) {
    if (logprob == logprobs.logprob) told.token.id = id;
  }
  return told;
}

}  // namespace

std::int64_t count_code_points(std::string_view text) {
  std::int64_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

std::vector<ToldToken> prompt_tokens_told(const runners::Completion& completion, std::string_view text,
                                          const std::function<std::string(std::int32_t)>& token_bytes) {
  std::vector<ToldToken> told;
  std::size_t n_bytes = 0;
  std::int64_t n_code_points = 0;
  for (std::size_t i = 0; i < completion.prompt_tokens.size(); ++i) {
    ToldToken& one = told.emplace_back();
    one.token.id = completion.prompt_tokens[i];
    one.text_offset = n_code_points;
    one.opens_prompt = i == 0;
    if (i > 0 && i - 1 < completion.prompt_logprobs.size()) one.token.logprobs = completion.prompt_logprobs[i - 1];
    const std::string bytes = token_bytes(one.token.id);
    if (!text.substr(n_bytes).starts_with(bytes)) continue;
    n_bytes += bytes.size();
    n_code_points += count_code_points(bytes);
  }
  return told;
}

ChoiceReply::ChoiceReply(const ApiRequest& request, bool thinks)
    : form_(request.form),
      wants_tokens_(request.logprobs.has_value()),
      wants_end_(request.scores_prompt()),
      has_output_(request.has_output),
      stops_(request.stop),
      splitter_(thinks && request.form == ApiForm::chat) {}

ReplyDelta ChoiceReply::push(const runners::StreamEvent& event) {
  ReplyDelta delta;
  if (stopped() || !has_output_) return delta;
  if (event.tokens.empty()) take(event.text, delta);
  for (const runners::StreamToken& token : event.tokens) {
    ++n_output_tokens_;
    if (wants_tokens_) pending_.push_back({{token, n_code_points_}, n_bytes_});
    n_bytes_ += token.text.size();
    n_code_points_ += count_code_points(token.text);
    take(token.text, delta);
    if (stopped()) break;
  }
  tell_tokens(false, delta);
  if (stopped()) {
    const ReplyParts rest = splitter_.finish();
    delta.reasoning += rest.reasoning;
    delta.content += rest.content;
    delta.finish_reason = "stop";
  }
  return delta;
}

ReplyDelta ChoiceReply::finish(const runners::Completion& completion) {
  ReplyDelta delta;
  if (stopped()) return delta;
  if (!has_output_) {
    delta.finish_reason = "length";
    return delta;
  }
  n_output_tokens_ = completion.n_output_tokens;
  const std::string held = stops_.finish();
  const ReplyParts parts = form_ == ApiForm::chat ? splitter_.push(held) : ReplyParts{{}, held};
  const ReplyParts rest = splitter_.finish();
  delta.reasoning = parts.reasoning + rest.reasoning;
  delta.content = parts.content + rest.content;
  tell_tokens(true, delta);
  if (wants_end_ && completion.logprobs.size() > completion.tokens.size()) {
    delta.tokens.push_back(end_token(completion.logprobs.back(), n_code_points_));
  }
  delta.finish_reason = finish_word(completion.finish_reason);
  return delta;
}

void ChoiceReply::take(std::string_view text, ReplyDelta& delta) {
  const std::string given = stops_.push(text);
  n_given_bytes_ += given.size();
  if (form_ == ApiForm::completion) {
    delta.content += given;
    return;
  }
  const ReplyParts parts = splitter_.push(given);
  delta.reasoning += parts.reasoning;
  delta.content += parts.content;
}

/// Tokens go with their text; of a stop string's tokens none is told but those whose text begins before it.
void ChoiceReply::tell_tokens(bool all, ReplyDelta& delta) {
  while (!pending_.empty() && (all || pending_.front().first_byte < n_given_bytes_)) {
    delta.tokens.push_back(std::move(pending_.front().told));
    pending_.pop_front();
  }
}

}  // namespace assay::serve

#include "harness/serve/choice_reply.h"

#include <utility>

namespace assay::serve {

namespace {

std::int64_t count_code_points(std::string_view text) {
  std::int64_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

std::string_view finish_word(runners::FinishReason reason) {
  using runners::FinishReason;
  return reason == FinishReason::length || reason == FinishReason::context ? "length" : "stop";
}

}  // namespace

ChoiceReply::ChoiceReply(const ApiRequest& request, bool thinks)
    : form_(request.form),
      wants_tokens_(request.logprobs.has_value()),
      stops_(request.stop),
      splitter_(thinks && request.form == ApiForm::chat) {}

ReplyDelta ChoiceReply::push(const runners::StreamEvent& event) {
  ReplyDelta delta;
  if (stopped()) return delta;
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
  n_output_tokens_ = completion.n_output_tokens;
  const std::string held = stops_.finish();
  const ReplyParts parts = form_ == ApiForm::chat ? splitter_.push(held) : ReplyParts{{}, held};
  const ReplyParts rest = splitter_.finish();
  delta.reasoning = parts.reasoning + rest.reasoning;
  delta.content = parts.content + rest.content;
  tell_tokens(true, delta);
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

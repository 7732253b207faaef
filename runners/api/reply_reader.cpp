#include "runners/api/reply_reader.h"

#include "harness/base/text.h"

namespace assay::runners::api {

namespace {

constexpr std::size_t kMostTextBytes = 64 << 20;
constexpr std::size_t kMostMessageShown = 300;
constexpr std::int64_t kMostTokens = 1'000'000'000;
constexpr std::string_view kOpen = "<think>\n";
constexpr std::string_view kClose = "</think>";

/// What stands between thoughts and text; a text that begins on a line of its own already needs no more lines.
std::string closing(std::string_view text) { return std::string(kClose) + (text.starts_with('\n') ? "" : "\n\n"); }

AttemptFailure broken(const std::string& what, Next next = Next::retry) {
  AttemptFailure failure;
  failure.reason = what;
  failure.next = next;
  return failure;
}

/// The field, if it is there and not null.
const Json* field(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(key);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

std::string text_field(const Json& object, const char* key) {
  const Json* value = field(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

struct FinishWord {
  std::string_view word;
  FinishReason reason;
};
// The protocol's words, and those of text-generation-inference and of Mistral.
constexpr FinishWord kFinishWords[] = {
    {"stop", FinishReason::eos},           {"eos", FinishReason::eos},
    {"eos_token", FinishReason::eos},      {"length", FinishReason::length},
    {"stop_sequence", FinishReason::stop}, {"model_length", FinishReason::context},
};
// Ends that are the endpoint's trouble, which another attempt may not meet (DeepSeek, vLLM).
constexpr std::string_view kTroubleWords[] = {"insufficient_system_resource", "abort", "error"};

std::optional<AttemptFailure> read_finish_reason(const std::string& word, std::optional<FinishReason>& reason) {
  for (const FinishWord& known : kFinishWords) {
    if (known.word == word) {
      reason = known.reason;
      return {};
    }
  }
  for (const std::string_view trouble : kTroubleWords) {
    if (trouble == word) return broken("the endpoint gave the reply up: finish_reason " + quoted_excerpt(word));
  }
  if (word == "content_filter") return broken("the endpoint's content filter stopped the reply", Next::give_up);
  return broken("the reply ended with finish_reason " + quoted_excerpt(word) + ", which is no end of a text",
                Next::give_up);
}

/// What an {"error": …} within a stream means.
AttemptFailure stream_error(const Json& error) {
  std::string message = error.is_string() ? error.get<std::string>() : text_field(error, "message");
  AttemptFailure failure = broken("the endpoint ended its stream with an error: " +
                                  shown(message.empty() ? to_json_text(error) : message, kMostMessageShown));
  const Json* code = field(error, "code");
  if (code == nullptr || !code->is_number_integer()) return failure;
  const auto status = code->get<std::int64_t>();
  failure.is_rate_limit = status == 429 || status == 503;
  if (status >= 400 && status < 500 && status != 408 && status != 429) failure.next = Next::give_up;
  return failure;
}

/// A count, or nothing and a remark.
std::int64_t count_of(const Json& object, const char* key, std::vector<std::string>& remarks) {
  const Json* value = field(object, key);
  if (value == nullptr) return -1;
  if (value->is_number_integer()) {
    const bool fits =
        value->is_number_unsigned() ? value->get<std::uint64_t>() <= kMostTokens : value->get<std::int64_t>() >= 0;
    if (fits) return value->get<std::int64_t>();
  }
  remarks.push_back(std::string("usage: ") + key + " is " + shown(to_json_text(*value), 40) + ", no count of tokens");
  return -1;
}

}  // namespace

Usage checked_usage(const Json& usage, const CountedReply& reply, std::vector<std::string>& remarks) {
  Usage counts;
  if (!usage.is_object()) {
    remarks.emplace_back("usage: the endpoint gave no token counts");
    return counts;
  }
  const auto refuse = [&](std::int64_t& count, const std::string& why) {
    remarks.push_back("usage: " + why);
    count = -1;
  };
  counts.n_prompt_tokens = count_of(usage, "prompt_tokens", remarks);
  counts.n_output_tokens = count_of(usage, "completion_tokens", remarks);
  if (const Json* details = field(usage, "prompt_tokens_details")) {
    counts.n_cached_prompt_tokens = count_of(*details, "cached_tokens", remarks);
  }
  if (counts.n_cached_prompt_tokens < 0) {
    counts.n_cached_prompt_tokens = count_of(usage, "prompt_cache_hit_tokens", remarks);
  }
  if (counts.n_prompt_tokens == 0) refuse(counts.n_prompt_tokens, "prompt_tokens is 0 for a prompt");
  if (counts.n_cached_prompt_tokens > counts.n_prompt_tokens) {
    refuse(counts.n_cached_prompt_tokens, "more cached tokens than the prompt has");
  }
  const std::int64_t n_output = counts.n_output_tokens;
  if (n_output == 0 && reply.has_text) {
    refuse(counts.n_output_tokens, "completion_tokens is 0, yet there is text");
  } else if (n_output >= 0 && n_output < reply.n_events) {
    refuse(counts.n_output_tokens, "completion_tokens is " + to_text(n_output) + ", yet the text came in " +
                                       to_text(reply.n_events) + " events");
  } else if (reply.max_output_tokens > 0 && n_output > reply.max_output_tokens) {
    refuse(counts.n_output_tokens, "completion_tokens is " + to_text(n_output) + ", though at most " +
                                       to_text(reply.max_output_tokens) + " were asked for");
  }
  return counts;
}

std::optional<AttemptFailure> ReplyReader::add_event(std::string_view data, SteadyTime at, std::string& new_text) {
  if (done_) return {};
  if (data == "[DONE]") {
    done_ = true;
    return {};
  }
  const std::size_t before = thoughts_.size() + text_.size();
  if (auto failure = read(data, false, new_text)) return failure;
  if (thoughts_.size() + text_.size() > before) {
    ++n_text_events_;
    if (!first_text_at_) first_text_at_ = at;
    last_text_at_ = at;
  }
  if (finish_reason_ && !finished_at_) finished_at_ = at;
  return {};
}

std::optional<AttemptFailure> ReplyReader::add_document(std::string_view body, SteadyTime at) {
  std::string ignored;
  if (auto failure = read(body, true, ignored)) return failure;
  if (finish_reason_) finished_at_ = at;
  return {};
}

std::optional<AttemptFailure> ReplyReader::read(std::string_view data, bool is_whole, std::string& new_text) {
  const Result<Json> parsed = parse_json(data, "the endpoint's reply");
  if (!parsed) return broken(shown(parsed.error().message, kMostMessageShown));
  const Json& document = *parsed;
  if (!document.is_object()) return broken("the endpoint's reply is no JSON object: " + quoted_excerpt(data));
  if (const Json* error = field(document, "error")) return stream_error(*error);
  if (const Json* usage = field(document, "usage")) usage_ = *usage;
  if (model_.empty()) model_ = text_field(document, "model");
  if (fingerprint_.empty()) fingerprint_ = text_field(document, "system_fingerprint");
  const Json* choices = field(document, "choices");
  if (choices == nullptr) {
    return is_whole ? std::optional(broken("the endpoint's reply has no \"choices\": " + quoted_excerpt(data)))
                    : std::nullopt;
  }
  if (!choices->is_array()) return broken("the endpoint's reply: \"choices\" is no list");
  for (const Json& choice : *choices) {
    const Json* index = field(choice, "index");
    if (index != nullptr && *index != 0) continue;  // one reply was asked for
    if (auto failure = read_choice(choice, is_whole, new_text)) return failure;
  }
  return {};
}

std::optional<AttemptFailure> ReplyReader::read_choice(const Json& choice, bool is_whole, std::string& new_text) {
  if (!choice.is_object()) return broken("the endpoint's reply: a choice is no object");
  const Json* message = field(choice, is_whole ? "message" : "delta");
  const Json& parts = message != nullptr ? *message : choice;  // completions have their text in the choice itself
  for (const char* key : {"content", "text", "reasoning_content", "reasoning", "refusal"}) {
    const Json* value = field(parts, key);
    if (value != nullptr && !value->is_string()) {
      return broken(std::string("the endpoint's reply: \"") + key + "\" is no text", Next::give_up);
    }
  }
  std::string thoughts = text_field(parts, "reasoning_content");
  if (thoughts.empty()) thoughts = text_field(parts, "reasoning");
  const std::string text =
      message != nullptr ? text_field(parts, "content") + text_field(parts, "refusal") : text_field(parts, "text");
  if (thoughts_.size() + text_.size() + thoughts.size() + text.size() > kMostTextBytes) {
    return broken("the reply is longer than 64 MiB", Next::give_up);
  }
  if (!thoughts.empty() && text_.empty() && !in_thoughts_) {
    new_text += kOpen;
    in_thoughts_ = true;
  }
  new_text += thoughts;
  thoughts_ += thoughts;
  if (!text.empty() && in_thoughts_) {
    if (!thoughts_.ends_with('\n')) new_text += '\n';
    new_text += closing(text);
    in_thoughts_ = false;
  }
  new_text += text;
  text_ += text;
  const Json* finish_reason = field(choice, "finish_reason");
  if (finish_reason == nullptr) return {};
  if (!finish_reason->is_string()) return broken("the endpoint's reply: \"finish_reason\" is no text");
  const auto word = finish_reason->get<std::string>();
  return word.empty() ? std::nullopt : read_finish_reason(word, finish_reason_);
}

std::optional<AttemptFailure> ReplyReader::missing() const {
  if (finish_reason_) return {};
  return broken(has_text() ? "the reply broke off: the stream ended without a finish_reason"
                           : "the reply is empty: it ended without text and without a finish_reason");
}

std::string ReplyReader::text() const {
  if (thoughts_.empty()) return text_;
  std::string whole = std::string(kOpen) + thoughts_;
  const bool ended_in_thoughts = text_.empty() && finish_reason_ != FinishReason::eos;
  if (ended_in_thoughts) return whole;
  if (!thoughts_.ends_with('\n')) whole += '\n';
  return whole.append(closing(text_)).append(text_);
}

std::optional<double> ReplyReader::mean_event_gap_ms() const {
  if (n_text_events_ < 2) return {};
  return ms_between(*first_text_at_, *last_text_at_) / static_cast<double>(n_text_events_ - 1);
}

Completion ReplyReader::completion(const Request& request, const std::string& asked_model) const {
  std::vector<std::string> remarks;
  const Usage usage = checked_usage(usage_, {n_text_events_, has_text(), request.sampling.max_output_tokens}, remarks);
  Completion completion;
  completion.text = text();
  completion.finish_reason = finish_reason_.value_or(FinishReason::eos);
  completion.n_prompt_tokens = usage.n_prompt_tokens;
  completion.n_cached_prompt_tokens = usage.n_cached_prompt_tokens;
  completion.n_output_tokens = usage.n_output_tokens;
  Json& details = completion.details;
  if (n_text_events_ > 0) details["n_events"] = n_text_events_;
  if (!model_.empty() && model_ != asked_model) details["served_model"] = shown(model_, 200);
  if (!fingerprint_.empty()) details["system_fingerprint"] = shown(fingerprint_, 100);
  if (!remarks.empty()) details["remarks"] = remarks;
  return completion;
}

}  // namespace assay::runners::api

#pragma once
// From chat messages to the prompt that a model was trained on. Templates are built in and chosen by the model's own
// one.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "runners/formats/chat/rendered_prompt.h"
#include "runners/formats/chat/template_family.h"
#include "runners/runner.h"

namespace assay::runners {

/// A chosen template. Immutable; any number of threads may render at a time.
class ChatTemplate {
 public:
  const std::string& name() const { return name_; }
  /// Of the model's own template text; empty where it has none.
  const std::string& template_sha256() const { return template_sha256_; }
  /// Not empty: the choice was a guess, and the run should record why.
  const std::string& warning() const { return warning_; }
  /// The token that ends a reply, such as "<|im_end|>"; the tokenizer's eos where the template names none.
  const std::string& turn_end() const { return turn_end_; }

  /// The prompt for a reply to `messages`. Error{bad_input} if there are none, or the template can't place them.
  Result<RenderedPrompt> render(std::span<const Message> messages, ReplyOpening opening = ReplyOpening::write) const;

 private:
  friend Result<ChatTemplate> choose_template(std::optional<std::string_view>, const Tokenizer&,
                                              std::optional<std::string_view>);
  std::string name_;
  std::string template_sha256_;
  std::string warning_;
  std::string turn_end_;
  const TemplateFamily* family_ = nullptr;
  RenderSettings settings_;
};

/// The template for a model: the one called `name` if given; else by the SHA-256 of `template_text` (the model's own
/// Jinja template) among those known; else by what the text looks like, with a warning. Error{bad_input}, with the list
/// of names, for an unknown name, a text that looks like none, or no text at all; and for a template whose tokens the
/// tokenizer lacks.
Result<ChatTemplate> choose_template(std::optional<std::string_view> template_text, const Tokenizer& tokenizer,
                                     std::optional<std::string_view> name = std::nullopt);

/// The names that choose_template() knows.
std::vector<std::string> chat_template_names();

}  // namespace assay::runners

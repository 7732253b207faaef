#include "runners/formats/chat/chat_template.h"

#include <string>

#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "runners/formats/chat/template_recognition.h"

namespace assay::runners {

namespace {

std::string way_out() { return "choose one with --chat-template NAME: " + join(chat_template_names(), ", "); }

}  // namespace

std::vector<std::string> chat_template_names() {
  std::vector<std::string> names;
  for (const TemplateFamily& family : template_families()) names.emplace_back(family.name);
  return names;
}

Result<ChatTemplate> choose_template(std::optional<std::string_view> template_text, const Tokenizer& tokenizer,
                                     std::optional<std::string_view> name) {
  ChatTemplate chosen;
  if (template_text) chosen.template_sha256_ = sha256_hex(*template_text);
  if (name) {
    chosen.name_ = *name;
  } else {
    if (!template_text) return bad_input("the model has no chat template; ", way_out());
    auto recognised = recognise_template(*template_text);
    if (!recognised) {
      return bad_input("the model's chat template (SHA-256 ", chosen.template_sha256_, ") is unknown; ", way_out());
    }
    chosen.name_ = recognised->name;
    chosen.warning_ = std::move(recognised->warning);
  }
  chosen.family_ = find_template_family(chosen.name_);
  if (chosen.family_ == nullptr)
    return bad_input("chat template ", quoted_excerpt(chosen.name_), " is unknown; ", way_out());
  for (const std::string_view token : chosen.family_->required_tokens) {
    if (!tokenizer.added_token_id(token)) {
      return bad_input("chat template ", chosen.name_, " needs the token ", token, ", which the tokenizer lacks; ",
                       way_out());
    }
  }
  if (chosen.family_->needs_bos && !tokenizer.bos_token()) {
    return bad_input("chat template ", chosen.name_, " needs a bos token, which the tokenizer lacks; ", way_out());
  }
  chosen.turn_end_ = chosen.family_->turn_end.empty() ? tokenizer.eos_token().value_or("") : chosen.family_->turn_end;
  chosen.settings_.bos_token = tokenizer.bos_token().value_or("");
  // Besides V3.1's own template one with an empty pair of tags is about; a model's own text says which it was made for.
  const bool long_form = template_text && template_text->find("<think></think>") != std::string_view::npos;
  chosen.settings_.closed_think = long_form ? "<think></think>" : "</think>";
  return chosen;
}

Result<RenderedPrompt> ChatTemplate::render(std::span<const Message> messages, ReplyOpening opening) const {
  if (messages.empty()) return bad_input("chat template ", name_, ": there are no messages");
  PromptBuilder builder(opening);
  for (const std::string_view token : family_->required_tokens) builder.protect(token);
  for (const std::string_view token : family_->other_tokens) builder.protect(token);
  ASSAY_TRY(family_->render(settings_, messages, builder));
  RenderedPrompt prompt = builder.take();
  prompt.add_bos = family_->name == "raw";
  return prompt;
}

}  // namespace assay::runners

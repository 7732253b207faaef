#pragma once
// Puts a prompt together, keeping apart what the template says from what it was given.

#include <string_view>

#include "runners/formats/chat/rendered_prompt.h"

namespace assay::runners {

class PromptBuilder {
 public:
  /// Text of the template itself.
  void own(std::string_view text) { add(text, true); }
  /// Text out of a message.
  void given(std::string_view text) { add(text, false); }
  /// Text of the template that opens the reply. Last of all.
  void prefill(std::string_view text) {
    own(text);
    prompt_.prefill = text;
  }
  void protect(std::string_view control_token) { prompt_.control_tokens.emplace_back(control_token); }

  RenderedPrompt take() { return std::move(prompt_); }

 private:
  void add(std::string_view text, bool trusted) {
    if (text.empty()) return;
    prompt_.text += text;
    if (prompt_.segments.empty() || prompt_.segments.back().trusted != trusted)
      prompt_.segments.push_back({{}, trusted});
    prompt_.segments.back().text += text;
  }

  RenderedPrompt prompt_;
};

}  // namespace assay::runners

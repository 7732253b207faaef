#pragma once
// Puts a prompt together, keeping apart what the template says from what it was given.

#include <string_view>

#include "runners/formats/chat/rendered_prompt.h"

namespace assay::runners {

class PromptBuilder {
 public:
  explicit PromptBuilder(ReplyOpening opening) : opens_reply_(opening == ReplyOpening::write) {}

  /// Text of the template itself.
  void own(std::string_view text) { add(text, true); }
  /// Text out of a message.
  void given(std::string_view text) { add(text, false); }
  /// Last of all: what announces the reply, then what the template lets it begin with. Nothing if none is asked for.
  void open_reply(std::string_view announcement, std::string_view prefill = "") {
    if (!opens_reply_) return;
    own(announcement);
    own(prefill);
    prompt_.prefill = prefill;
  }
  bool opens_reply() const { return opens_reply_; }
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

  bool opens_reply_;
  RenderedPrompt prompt_;
};

}  // namespace assay::runners

// No template: the one user message is the prompt.

#include "runners/formats/chat/template_family.h"

namespace assay::runners {

Result<> render_raw(const RenderSettings&, std::span<const Message> messages, PromptBuilder& prompt) {
  if (messages.size() != 1 || messages[0].role != Role::user) {
    return bad_input("chat template raw: takes exactly one user message, got ", messages.size(), " message(s)");
  }
  prompt.given(messages[0].content);
  return {};
}

}  // namespace assay::runners

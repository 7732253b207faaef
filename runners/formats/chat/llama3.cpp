// Llama 3.0, 3.1 and 3.2; 3.3 is as 3.1.  Source: the chat_template of each model's tokenizer_config.json.

#include <string_view>

#include "harness/base/text.h"
#include "runners/formats/chat/template_family.h"

namespace assay::runners {

namespace {

/// Jinja's trim is Python's str.strip(): Unicode white space and the four separators U+001C to U+001F.
bool is_python_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

std::string_view strip(std::string_view text) {
  std::size_t begin = text.size();  // of the first character that is no space
  std::size_t end = 0;              // behind the last one
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    if (is_python_space(next_code_point(text, at))) continue;
    if (begin == text.size()) begin = start;
    end = at;
  }
  return begin < end ? text.substr(begin, end - begin) : std::string_view();
}

void open_turn(std::string_view role, PromptBuilder& prompt) {
  prompt.own("<|start_header_id|>");
  prompt.own(role);
  prompt.own("<|end_header_id|>\n\n");
}

void write_turns(std::span<const Message> messages, PromptBuilder& prompt) {
  for (const Message& message : messages) {
    open_turn(message.role == Role::system ? "system" : message.role == Role::user ? "user" : "assistant", prompt);
    prompt.given(strip(message.content));
    prompt.own("<|eot_id|>");
  }
  prompt.open_reply("<|start_header_id|>assistant<|end_header_id|>\n\n");
}

}  // namespace

Result<> render_llama3(const RenderSettings& settings, std::span<const Message> messages, PromptBuilder& prompt) {
  prompt.own(settings.bos_token);
  write_turns(messages, prompt);
  return {};
}

/// A system turn is always there; it holds the first message if that is a system message. 3.2 asks for the current
/// date, else it is the same.
Result<> render_llama31(const RenderSettings& settings, std::span<const Message> messages, PromptBuilder& prompt) {
  prompt.own(settings.bos_token);
  open_turn("system", prompt);
  prompt.own("Cutting Knowledge Date: December 2023\nToday Date: ");
  prompt.own(kPinnedDate);
  prompt.own("\n\n");
  if (!messages.empty() && messages[0].role == Role::system) {
    prompt.given(strip(messages[0].content));
    messages = messages.subspan(1);
  }
  prompt.own("<|eot_id|>");
  write_turns(messages, prompt);
  return {};
}

}  // namespace assay::runners

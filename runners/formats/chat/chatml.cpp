// ChatML and its kin: Qwen2.5, Qwen3, SmolLM2.  Source: the chat_template of each model's tokenizer_config.json.

#include <string_view>

#include "runners/formats/chat/template_family.h"

namespace assay::runners {

namespace {

constexpr std::string_view kReply = "<|im_start|>assistant\n";
constexpr std::string_view kOpenThink = "<think>";
constexpr std::string_view kCloseThink = "</think>";

std::string_view name_of(Role role) {
  return role == Role::system ? "system" : role == Role::user ? "user" : "assistant";
}

void open_turn(Role role, PromptBuilder& prompt) {
  prompt.own("<|im_start|>");
  prompt.own(name_of(role));
  prompt.own("\n");
}

void close_turn(PromptBuilder& prompt) { prompt.own("<|im_end|>\n"); }

void write_turn(const Message& message, PromptBuilder& prompt) {
  open_turn(message.role, prompt);
  prompt.given(message.content);
  close_turn(prompt);
}

/// `default_system` goes first if the conversation starts otherwise; empty: nothing does.
void write_turns(std::string_view default_system, std::span<const Message> messages, PromptBuilder& prompt) {
  if (!default_system.empty() && (messages.empty() || messages[0].role != Role::system)) {
    open_turn(Role::system, prompt);
    prompt.own(default_system);
    close_turn(prompt);
  }
  for (const Message& message : messages) write_turn(message, prompt);
  prompt.open_reply(kReply);
}

std::string_view strip_left(std::string_view text) {
  while (text.starts_with('\n')) text.remove_prefix(1);
  return text;
}
std::string_view strip_right(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

/// A past reply of Qwen3, cut into its reasoning and what follows.
struct Reply {
  std::string_view reasoning;
  std::string_view content;
};

Reply cut_reply(std::string_view reply) {
  const std::size_t first_close = reply.find(kCloseThink);
  if (first_close == std::string_view::npos) return {"", reply};
  std::string_view reasoning = strip_right(reply.substr(0, first_close));
  if (const std::size_t open = reasoning.rfind(kOpenThink); open != std::string_view::npos) {
    reasoning.remove_prefix(open + kOpenThink.size());
  }
  return {strip_left(reasoning), strip_left(reply.substr(reply.rfind(kCloseThink) + kCloseThink.size()))};
}

/// The last user message that is a question and no tool's answer; the last message if there is none.
std::size_t last_query(std::span<const Message> messages) {
  for (std::size_t i = messages.size(); i-- > 0;) {
    const std::string_view content = messages[i].content;
    const bool tool_answer = content.starts_with("<tool_response>") && content.ends_with("</tool_response>");
    if (messages[i].role == Role::user && !tool_answer) return i;
  }
  return messages.empty() ? 0 : messages.size() - 1;
}

void write_qwen3_turns(std::span<const Message> messages, PromptBuilder& prompt) {
  const std::size_t query = last_query(messages);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].role != Role::assistant) {
      write_turn(messages[i], prompt);
      continue;
    }
    const Reply reply = cut_reply(messages[i].content);
    open_turn(Role::assistant, prompt);
    // Reasoning is kept only behind the last query.
    if (i > query && (i + 1 == messages.size() || !reply.reasoning.empty())) {
      prompt.protect(kOpenThink);
      prompt.protect(kCloseThink);
      prompt.own("<think>\n");
      prompt.given(strip_right(reply.reasoning));
      prompt.own("\n</think>\n\n");
      prompt.given(strip_left(reply.content));
    } else {
      prompt.given(reply.content);
    }
    close_turn(prompt);
  }
}

}  // namespace

Result<> render_chatml(const RenderSettings&, std::span<const Message> messages, PromptBuilder& prompt) {
  write_turns("", messages, prompt);
  return {};
}

Result<> render_qwen25(const RenderSettings&, std::span<const Message> messages, PromptBuilder& prompt) {
  write_turns("You are Qwen, created by Alibaba Cloud. You are a helpful assistant.", messages, prompt);
  return {};
}

Result<> render_smollm2(const RenderSettings&, std::span<const Message> messages, PromptBuilder& prompt) {
  write_turns("You are a helpful AI assistant named SmolLM, trained by Hugging Face", messages, prompt);
  return {};
}

Result<> render_qwen3(const RenderSettings&, std::span<const Message> messages, PromptBuilder& prompt) {
  write_qwen3_turns(messages, prompt);
  prompt.open_reply(kReply);
  return {};
}

Result<> render_qwen3_no_think(const RenderSettings&, std::span<const Message> messages, PromptBuilder& prompt) {
  write_qwen3_turns(messages, prompt);
  prompt.open_reply(kReply, "<think>\n\n</think>\n\n");
  return {};
}

}  // namespace assay::runners

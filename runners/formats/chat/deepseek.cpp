// DeepSeek's templates.  Source: the chat_template of each model's tokenizer_config.json; DeepSeek-V2's README.

#include <string>

#include "runners/formats/chat/deepseek_tokens.h"
#include "runners/formats/chat/template_family.h"

namespace assay::runners {

namespace {

/// How the members of the family treat system messages: they are gathered from the whole conversation, behind bos.
enum class SystemRule {
  last,    ///< the last one wins
  lines,   ///< all, two newlines between
  joined,  ///< all, nothing between
};

void write_system(SystemRule rule, std::span<const Message> messages, PromptBuilder& prompt) {
  std::string system;
  bool first = true;
  for (const Message& message : messages) {
    if (message.role != Role::system) continue;
    if (rule == SystemRule::last) system.clear();
    if (rule == SystemRule::lines && !first) system += "\n\n";
    system += message.content;
    first = false;
  }
  prompt.given(system);
}

/// What follows the last </think>; all if there is none.
std::string_view without_reasoning(std::string_view reply) {
  constexpr std::string_view kClose = "</think>";
  const std::size_t close = reply.rfind(kClose);
  return close == std::string_view::npos ? reply : reply.substr(close + kClose.size());
}

void write_user(const Message& message, PromptBuilder& prompt) {
  prompt.own(deepseek::kUser);
  prompt.given(message.content);
}

void write_reply(std::string_view reply, PromptBuilder& prompt) {
  prompt.own(deepseek::kAssistant);
  prompt.given(reply);
  prompt.own(deepseek::kEnd);
}

/// R1 and the reference model: past reasoning is dropped, the reply is opened with <think>.
void write_thinking_chat(SystemRule rule, const RenderSettings& settings, std::span<const Message> messages,
                         PromptBuilder& prompt) {
  prompt.own(settings.bos_token);
  write_system(rule, messages, prompt);
  for (const Message& message : messages) {
    if (message.role == Role::user) write_user(message, prompt);
    if (message.role == Role::assistant) write_reply(without_reasoning(message.content), prompt);
  }
  prompt.open_reply(deepseek::kAssistant, "<think>\n");
}

/// V3.1: an assistant turn that follows a user's is marked as one without reasoning; one that follows another assistant
/// turn stands bare.
Result<> write_v31(std::string_view opening, const RenderSettings& settings, std::span<const Message> messages,
                   PromptBuilder& prompt) {
  constexpr std::string_view kClose = "</think>";
  if (prompt.opens_reply() && (messages.empty() || messages.back().role == Role::assistant)) {
    return bad_input("chat template deepseek-v3.1: the conversation must end with a user message to be replied to");
  }
  prompt.own(settings.bos_token);
  write_system(SystemRule::lines, messages, prompt);
  bool user_is_last = false;
  for (const Message& message : messages) {
    if (message.role == Role::user) {
      write_user(message, prompt);
      user_is_last = true;
    } else if (message.role == Role::assistant) {
      if (user_is_last) {
        prompt.own(deepseek::kAssistant);
        prompt.own(settings.closed_think);
      }
      user_is_last = false;
      const std::string_view reply = message.content;
      const std::size_t close = reply.find(kClose);  // the first one, unlike R1
      prompt.given(close == std::string_view::npos ? reply : reply.substr(close + kClose.size()));
      prompt.own(deepseek::kEnd);
    }
  }
  if (prompt.opens_reply() && !user_is_last) {
    return bad_input("chat template deepseek-v3.1: the conversation has no user message to reply to");
  }
  prompt.open_reply(deepseek::kAssistant, opening);
  return {};
}

}  // namespace

Result<> render_deepseek_r1(const RenderSettings& settings, std::span<const Message> messages, PromptBuilder& prompt) {
  write_thinking_chat(SystemRule::last, settings, messages, prompt);
  return {};
}

Result<> render_assay_reference(const RenderSettings& settings, std::span<const Message> messages,
                                PromptBuilder& prompt) {
  write_thinking_chat(SystemRule::joined, settings, messages, prompt);
  return {};
}

Result<> render_deepseek_v3(const RenderSettings& settings, std::span<const Message> messages, PromptBuilder& prompt) {
  prompt.own(settings.bos_token);
  write_system(SystemRule::lines, messages, prompt);
  for (const Message& message : messages) {
    if (message.role == Role::user) write_user(message, prompt);
    if (message.role == Role::assistant) write_reply(message.content, prompt);
  }
  prompt.open_reply(deepseek::kAssistant);
  return {};
}

Result<> render_deepseek_v31(const RenderSettings& settings, std::span<const Message> messages, PromptBuilder& prompt) {
  return write_v31(settings.closed_think, settings, messages, prompt);
}

Result<> render_deepseek_v31_thinking(const RenderSettings& settings, std::span<const Message> messages,
                                      PromptBuilder& prompt) {
  return write_v31("<think>", settings, messages, prompt);
}

Result<> render_deepseek_v2(const RenderSettings& settings, std::span<const Message> messages, PromptBuilder& prompt) {
  prompt.own(settings.bos_token);
  for (const Message& message : messages) {
    if (message.role == Role::assistant) {
      prompt.own("Assistant: ");
      prompt.given(message.content);
      prompt.own(deepseek::kEnd);
      continue;
    }
    if (message.role == Role::user) prompt.own("User: ");
    prompt.given(message.content);
    prompt.own("\n\n");
  }
  prompt.open_reply("Assistant:");
  return {};
}

}  // namespace assay::runners

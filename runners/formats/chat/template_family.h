#pragma once
// The built-in chat templates, one row each.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "runners/formats/chat/prompt_builder.h"
#include "runners/runner.h"

namespace assay::runners {

/// Where a template asks for the current date, this one stands for it: prompts must not change from day to day. It is
/// the date that the template itself falls back to.
inline constexpr std::string_view kPinnedDate = "26 Jul 2024";

/// What a renderer needs to know besides the messages.
struct RenderSettings {
  std::string bos_token;     ///< the tokenizer's; empty if it has none
  std::string closed_think;  ///< deepseek-v3.1: what stands for reasoning that was left out
};

using Renderer = Result<> (*)(const RenderSettings& settings, std::span<const Message> messages, PromptBuilder& prompt);

/// One template under the name that --chat-template takes.
struct TemplateFamily {
  std::string_view name;
  Renderer render;
  bool needs_bos;                                 ///< the tokenizer must have a bos token
  std::vector<std::string_view> required_tokens;  ///< must be added tokens of the tokenizer
  std::vector<std::string_view> other_tokens;     ///< tokens that the template also writes, or would for tools
  std::string_view turn_end;                      ///< the token that ends a reply; empty: the tokenizer's eos
};

/// All of them, in the order in which they are listed to people.
std::span<const TemplateFamily> template_families();
/// nullptr if there is none of this name.
const TemplateFamily* find_template_family(std::string_view name);

// Renderers. Each writes the whole prompt, at its end what opens the reply.
Result<> render_deepseek_r1(const RenderSettings&, std::span<const Message>, PromptBuilder&);
Result<> render_assay_reference(const RenderSettings&, std::span<const Message>, PromptBuilder&);
Result<> render_deepseek_v3(const RenderSettings&, std::span<const Message>, PromptBuilder&);
Result<> render_deepseek_v31(const RenderSettings&, std::span<const Message>, PromptBuilder&);
Result<> render_deepseek_v31_thinking(const RenderSettings&, std::span<const Message>, PromptBuilder&);
Result<> render_deepseek_v2(const RenderSettings&, std::span<const Message>, PromptBuilder&);
Result<> render_chatml(const RenderSettings&, std::span<const Message>, PromptBuilder&);
Result<> render_qwen25(const RenderSettings&, std::span<const Message>, PromptBuilder&);
Result<> render_smollm2(const RenderSettings&, std::span<const Message>, PromptBuilder&);
Result<> render_qwen3(const RenderSettings&, std::span<const Message>, PromptBuilder&);
Result<> render_qwen3_no_think(const RenderSettings&, std::span<const Message>, PromptBuilder&);
Result<> render_llama3(const RenderSettings&, std::span<const Message>, PromptBuilder&);
Result<> render_llama31(const RenderSettings&, std::span<const Message>, PromptBuilder&);
Result<> render_raw(const RenderSettings&, std::span<const Message>, PromptBuilder&);

}  // namespace assay::runners

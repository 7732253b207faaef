#include "runners/formats/chat/template_family.h"

#include <algorithm>

#include "runners/formats/chat/deepseek_tokens.h"

namespace assay::runners {

std::span<const TemplateFamily> template_families() {
  // Tool tokens are no special tokens in DeepSeek-V3's vocabulary, yet its template speaks to the model with them.
  static const std::vector<std::string_view> kTools = {
      "<｜tool▁calls▁begin｜>",  "<｜tool▁calls▁end｜>",     "<｜tool▁call▁begin｜>",
      "<｜tool▁call▁end｜>",     "<｜tool▁outputs▁begin｜>", "<｜tool▁outputs▁end｜>",
      "<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>",    "<｜tool▁sep｜>"};
  static const auto with_tools = [](std::vector<std::string_view> tokens) {
    tokens.insert(tokens.end(), kTools.begin(), kTools.end());
    return tokens;
  };
  static const std::vector<std::string_view> kTurns = {deepseek::kUser, deepseek::kAssistant};
  static const std::vector<std::string_view> kChatml = {"<|im_start|>", "<|im_end|>"};
  static const std::vector<std::string_view> kLlama = {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"};
  static const std::vector<TemplateFamily> kFamilies = {
      {"deepseek-r1", render_deepseek_r1, true, kTurns, with_tools({deepseek::kEnd, "<think>"}), deepseek::kEnd},
      {"deepseek-v3", render_deepseek_v3, true, kTurns, with_tools({deepseek::kEnd}), deepseek::kEnd},
      {"deepseek-v3.1", render_deepseek_v31, true, kTurns, with_tools({deepseek::kEnd, "<think>", "</think>"}),
       deepseek::kEnd},
      {"deepseek-v3.1-thinking", render_deepseek_v31_thinking, true, kTurns,
       with_tools({deepseek::kEnd, "<think>", "</think>"}), deepseek::kEnd},
      {"deepseek-v2", render_deepseek_v2, true, {}, {deepseek::kEnd}, deepseek::kEnd},
      {"assay-reference", render_assay_reference, true, kTurns, {deepseek::kEnd, "<think>"}, deepseek::kEnd},
      {"qwen2.5", render_qwen25, false, kChatml, {}, "<|im_end|>"},
      {"qwen3", render_qwen3, false, kChatml, {}, "<|im_end|>"},
      {"qwen3-no-think", render_qwen3_no_think, false, kChatml, {"<think>", "</think>"}, "<|im_end|>"},
      {"smollm2", render_smollm2, false, kChatml, {}, "<|im_end|>"},
      {"chatml", render_chatml, false, kChatml, {}, "<|im_end|>"},
      {"llama3", render_llama3, true, kLlama, {}, "<|eot_id|>"},
      {"llama3.1", render_llama31, true, kLlama, {}, "<|eot_id|>"},
      {"llama3.2", render_llama31, true, kLlama, {}, "<|eot_id|>"},
      {"raw", render_raw, false, {}, {}, ""},
  };
  return kFamilies;
}

const TemplateFamily* find_template_family(std::string_view name) {
  const auto families = template_families();
  const auto found =
      std::find_if(families.begin(), families.end(), [&](const TemplateFamily& family) { return family.name == name; });
  return found == families.end() ? nullptr : &*found;
}

}  // namespace assay::runners

#include "runners/formats/chat/template_recognition.h"

#include <algorithm>
#include <array>

#include "harness/base/sha256.h"

namespace assay::runners {

namespace {

struct Fingerprint {
  std::string_view sha256;
  std::string_view name;
};

// Of the template text without one newline at its end, which Jinja drops as well.
constexpr std::array<Fingerprint, 5> kFingerprints = {{
    // The reference model that comes with Assay.
    {"f1f14f444abf98f051a01645562060a912320a87b65c06b468897244e3c704c6", "assay-reference"},
    // DeepSeek-R1-Distill-Qwen-32B and -Llama-8B.
    {"56a1447ad31926fdc21fb07e56e5642bd9c850c4f52d8c8af7bbe5f079a84f5f", "deepseek-r1"},
    // DeepSeek-V3-0324.
    {"3b8267e54b67df6500f231ffa969955cc9d26b3444a291ced4eb96ca7d3ca1ea", "deepseek-v3"},
    // Qwen2.5-7B-Instruct.
    {"55b2f4a26ac9ee719330a61a0c39d9e538b0e9322212f048326318cff4f8674a", "qwen2.5"},
    // Qwen3.
    {"87a2728cb8dc9fe424d624542f6060ec05a1d285ebbec578bb078900e33396b5", "qwen3"},
}};

/// The template that a text with these tell-tales most likely is; empty for none.
std::string_view guess(std::string_view text) {
  const auto has = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
  if (has("<｜Assistant｜>")) {
    if (has("<think>\\n") || has("<think>\n")) return "deepseek-r1";
    return has("thinking") ? "deepseek-v3.1" : "deepseek-v3";
  }
  if (has("<|im_start|>")) {
    if (has("enable_thinking")) return "qwen3";
    if (has("You are Qwen, created by Alibaba Cloud.")) return "qwen2.5";
    return has("named SmolLM") ? "smollm2" : "chatml";
  }
  if (has("<|start_header_id|>")) return has("Cutting Knowledge Date") ? "llama3.1" : "llama3";
  if (has("User: ") && has("Assistant:")) return "deepseek-v2";
  return "";
}

}  // namespace

std::optional<Recognised> recognise_template(std::string_view template_text) {
  std::string_view text = template_text;
  if (text.ends_with('\n')) text.remove_suffix(1);
  const std::string sha256 = sha256_hex(text);
  const auto known = std::find_if(kFingerprints.begin(), kFingerprints.end(),
                                  [&](const Fingerprint& fingerprint) { return fingerprint.sha256 == sha256; });
  if (known != kFingerprints.end()) return Recognised{known->name, ""};
  const std::string_view name = guess(text);
  if (name.empty()) return std::nullopt;
  std::string warning = "the model's chat template (SHA-256 " + sha256 +
                        ") is not known word for word; by its tokens it is \"" + std::string(name) + "\"";
  if (text.find("strftime_now") != std::string_view::npos) warning += ", with its date fixed to 26 Jul 2024";
  return Recognised{name, warning + "; --chat-template NAME chooses another"};
}

}  // namespace assay::runners

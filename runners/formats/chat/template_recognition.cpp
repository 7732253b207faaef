#include "runners/formats/chat/template_recognition.h"

#include <algorithm>
#include <array>

#include "harness/base/sha256.h"
#include "runners/formats/chat/template_family.h"

namespace assay::runners {

namespace {

struct Fingerprint {
  std::string_view sha256;
  std::string_view name;
};

// Of the template text without one newline at its end, which Jinja drops as well.
constexpr std::array<Fingerprint, 13> kFingerprints = {{
    // The reference model that comes with Assay.
    {"f1f14f444abf98f051a01645562060a912320a87b65c06b468897244e3c704c6", "assay-reference"},
    // DeepSeek-R1-Distill-Qwen-32B and -Llama-8B.
    {"56a1447ad31926fdc21fb07e56e5642bd9c850c4f52d8c8af7bbe5f079a84f5f", "deepseek-r1"},
    // DeepSeek-V3-0324.
    {"3b8267e54b67df6500f231ffa969955cc9d26b3444a291ced4eb96ca7d3ca1ea", "deepseek-v3"},
    // DeepSeek-V3.1, as llama.cpp lays it out; and the one of V3.1-Terminus.
    {"7fe7159748925dc7d9e2aaeb11e4bd3121c311d8d0e3a0d6377fb8550e64c560", "deepseek-v3.1"},
    {"6e50812c1ed791d81930e675021f2524b075f5f23558305b7eef5c030b4c61f2", "deepseek-v3.1"},
    // DeepSeek-V2, -V2-Lite and DeepSeek-LLM.
    {"8aeba567270fa9a8d5372caf4b04affea947c4421d96adc01e3ff94021b0ae8e", "deepseek-v2"},
    // Qwen2.5-7B-Instruct.
    {"55b2f4a26ac9ee719330a61a0c39d9e538b0e9322212f048326318cff4f8674a", "qwen2.5"},
    // Qwen3.
    {"87a2728cb8dc9fe424d624542f6060ec05a1d285ebbec578bb078900e33396b5", "qwen3"},
    // SmolLM2-Instruct.
    {"872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788", "smollm2"},
    // ChatML as transformers once had it for a default.
    {"153280e3ff55d19da1398bdb3914ee2a51b80429bfaedde11d7d216c39db80f3", "chatml"},
    // Llama 3; 3.3; 3.2.
    {"ba03a121d097859c7b5b9cd03af99aafe95275210d2876f642ad9929a150f122", "llama3"},
    {"93c0e9aa3629bbd77e68dbc0f5621f6e6b23aa8d74b932595cdb8d64684526d7", "llama3.1"},
    {"d82792f95932f1c9cef5c4bd992f171225e3bf8c7b609b4557c9e1ec96be819f", "llama3.2"},
}};

/// The template that a text with these tell-tales most likely is; empty for none.
std::string_view guess(std::string_view text) {
  const auto has = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
  if (has("<｜Assistant｜>")) {
    if (has("<think>\\n") || has("<think>\n")) return "deepseek-r1";
    if (has("thinking")) return "deepseek-v3.1";
    // R1's first upload drops past reasoning but does not open the reply; its README asks to do so.
    return has("</think>") ? "deepseek-r1" : "deepseek-v3";
  }
  if (has("<|im_start|>")) {
    if (has("enable_thinking")) return "qwen3";
    if (has("You are Qwen, created by Alibaba Cloud.")) return "qwen2.5";
    return has("named SmolLM") ? "smollm2" : "chatml";
  }
  if (has("<|start_header_id|>")) {
    if (has("strftime_now")) return "llama3.2";
    return has("Cutting Knowledge Date") ? "llama3.1" : "llama3";
  }
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
  // Jinja would write the current date.
  const std::string pinned = text.find("strftime_now") == std::string_view::npos
                                 ? ""
                                 : "the template writes the current date; it is fixed to " + std::string(kPinnedDate);
  if (known != kFingerprints.end()) return Recognised{known->name, pinned};
  const std::string_view name = guess(text);
  if (name.empty()) return std::nullopt;
  std::string warning =
      "the model's chat template is not known word for word; by its tokens it is \"" + std::string(name) + "\"";
  if (!pinned.empty()) warning += "; " + pinned;
  return Recognised{name, warning + "; --chat-template NAME chooses another"};
}

}  // namespace assay::runners

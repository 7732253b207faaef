#include "runners/formats/chat/rendered_prompt.h"

#include <algorithm>

#include "harness/base/text.h"

namespace assay::runners {

Result<std::vector<std::int32_t>> encode_prompt(const Tokenizer& tokenizer, const RenderedPrompt& prompt,
                                                PromptEncoding encoding) {
  ASSAY_ASSIGN(std::vector<std::int32_t> ids, encoding == PromptEncoding::flat
                                                  ? tokenizer.encode(prompt.text, SpecialTokens::recognise)
                                                  : tokenizer.encode_segments(prompt.segments, prompt.control_tokens));
  const auto bos = tokenizer.bos_id();
  if (!bos) return ids;
  const bool has_bos = !ids.empty() && ids[0] == *bos;
  if (prompt.add_bos) {
    if (tokenizer.add_bos() && !has_bos) ids.insert(ids.begin(), *bos);
    return ids;
  }
  const bool writes_bos = !prompt.segments.empty() && prompt.segments[0].trusted &&
                          prompt.segments[0].text.starts_with(*tokenizer.bos_token());
  const bool doubled = ids.size() > 1 && ids[0] == *bos && ids[1] == *bos;
  if (writes_bos && (!has_bos || doubled)) {
    return bad_input("the prompt must begin with exactly one bos token (id ", *bos, "), it begins with ",
                     doubled ? "two" : "none");
  }
  return ids;
}

Result<> open_reply_with(RenderedPrompt& prompt, std::string_view opening) {
  if (!opening.starts_with(prompt.prefill)) {
    return bad_input("the chat template opens replies with ", quoted_excerpt(prompt.prefill), ", not with ",
                     quoted_excerpt(opening), "; name another one (--chat-template) or no protocol");
  }
  const std::string_view missing = opening.substr(prompt.prefill.size());
  if (missing.empty()) return {};
  prompt.segments.push_back({std::string(missing), true});
  prompt.text += missing;
  prompt.prefill = opening;
  return {};
}

RenderedPrompt raw_prompt(std::string_view text) {
  RenderedPrompt prompt;
  prompt.segments.push_back({std::string(text), true});
  prompt.text = text;
  prompt.add_bos = true;
  return prompt;
}

}  // namespace assay::runners

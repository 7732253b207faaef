// The fuzz entry of the reader of canary.json.

#include "harness/base/assert.h"
#include "runners/engine/canary.h"
#include "tests/support/fuzz_entry.h"

using namespace assay::runners;

ASSAY_FUZZ_ENTRY(canary)(std::span<const std::byte> file) {
  constexpr std::int64_t kVocab = 10;
  const std::string_view content(reinterpret_cast<const char*>(file.data()), file.size());
  const auto parsed = parse_canary_file(content, "fuzz", kVocab);
  if (!parsed) return;
  const CanaryText& text = parsed->text;
  ASSAY_ASSERT(text.n_prompt_tokens >= 1 && text.n_prompt_tokens <= static_cast<int>(text.tokens.size()),
               "the prompt is a part of the tokens");
  for (const std::int32_t token : text.tokens) ASSAY_ASSERT(token >= 0 && token < kVocab, "ids are the vocabulary's");
  ASSAY_ASSERT(text.top_logprobs.size() == text.tokens.size(), "each token has a row");
  for (const auto& row : text.top_logprobs) {
    for (const TopLogprob& top : row) ASSAY_ASSERT(top.token >= 0 && top.token < kVocab, "ids are the vocabulary's");
  }
}

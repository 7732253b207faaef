// The fuzz entry of the tokenizer.json reader: whatever is accepted also encodes and decodes.

#include "harness/base/assert.h"
#include "runners/formats/tokenizer/tokenizer.h"
#include "runners/formats/tokenizer/tokenizer_json.h"
#include "tests/support/fuzz_entry.h"

using namespace assay::runners;

ASSAY_FUZZ_ENTRY(tokenizer_json)(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  auto data = parse_tokenizer_json(text, "fuzz");
  if (!data) return;
  const auto tokenizer = Tokenizer::create(std::move(*data), "fuzz");
  if (!tokenizer) return;
  for (const std::string_view input : {std::string_view("It's 1234\n naïve\tab ba<e>"), text.substr(0, 200)}) {
    const auto ids = tokenizer->encode(input, SpecialTokens::recognise);
    if (!ids) continue;
    for (const std::int32_t id : *ids) ASSAY_ASSERT(tokenizer->is_token(id), "encoding gives ids of tokens");
    ASSAY_ASSERT(tokenizer->decode(*ids).has_value(), "what was encoded decodes");
  }
}

// The fuzz entry of the reader of a GGUF file's tokenizer.

#include "harness/base/assert.h"
#include "runners/formats/gguf/gguf_file.h"
#include "runners/formats/tokenizer/tokenizer.h"
#include "tests/support/fuzz_entry.h"

using namespace assay::runners;

ASSAY_FUZZ_ENTRY(gguf_tokenizer)(std::span<const std::byte> file) {
  const auto header = parse_gguf(file, "fuzz");
  if (!header) return;
  const auto tokenizer = Tokenizer::from_gguf(header->metadata);
  if (!tokenizer) return;
  const auto ids = tokenizer->encode("It's 1234\n naïve\tab ba<e>", SpecialTokens::recognise);
  if (!ids) return;
  for (const std::int32_t id : *ids) ASSAY_ASSERT(tokenizer->is_token(id), "encoding gives ids of tokens");
  ASSAY_ASSERT(tokenizer->decode(*ids).has_value(), "what was encoded decodes");
}

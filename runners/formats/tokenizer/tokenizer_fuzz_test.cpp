// Truncations and random edits of small tokenizers through the fuzz entries.

#include <string>

#include "runners/formats/gguf/test_gguf.h"
#include "tests/support/catch.h"
#include "tests/support/fuzz_entry.h"

void fuzz_tokenizer_json(std::span<const std::byte> file);
void fuzz_gguf_tokenizer(std::span<const std::byte> file);

using namespace assay;
using namespace assay::runners;

namespace {

const std::string kTokenizerJson =
    R"json({"added_tokens":[{"id":3,"content":"<e>","special":true}],"normalizer":{"type":"NFC"},"pre_tokenizer":)json"
    R"json({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{N}{1,3}|[^\\s\\p{L}]+|\\s+(?!\\S)"},)json"
    R"json("behavior":"Isolated"},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]},)json"
    R"json("decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})json";

std::string gguf_file() {
  TestGguf file;
  file.metadata = {{"general.architecture", gguf_text("llama")},
                   {"tokenizer.ggml.model", gguf_text("gpt2")},
                   {"tokenizer.ggml.pre", gguf_text("qwen2")},
                   {"tokenizer.ggml.tokens", gguf_texts({"a", "b", "ab", "<e>"})},
                   {"tokenizer.ggml.token_type", gguf_numbers<std::int32_t>(5, {1, 1, 1, 3})},
                   {"tokenizer.ggml.merges", gguf_texts({"a b"})},
                   {"tokenizer.ggml.bos_token_id", gguf_u32(3)}};
  return file.bytes();
}

}  // namespace

TEST_CASE("tokenizer.json: truncations and random edits crash nothing", "[tokenizer][fuzz]") {
  tests::fuzz_cuts(fuzz_tokenizer_json, kTokenizerJson);
  tests::fuzz_edits(fuzz_tokenizer_json, kTokenizerJson, 10000);
  SUCCEED("no crash");
}

TEST_CASE("gguf tokenizer: truncations and random edits crash nothing", "[tokenizer][fuzz]") {
  tests::fuzz_cuts(fuzz_gguf_tokenizer, gguf_file());
  tests::fuzz_edits(fuzz_gguf_tokenizer, gguf_file(), 10000);
  SUCCEED("no crash");
}

// Truncations and random edits of small tokenizers through the fuzz entries.

#include <random>
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

/// Calls `entry` with every truncation of `file`, then with `n_runs` files that have a few random edits.
void cut_and_edit(void (*entry)(std::span<const std::byte>), const std::string& file, int n_runs) {
  for (std::size_t size = 0; size <= file.size(); ++size) tests::fuzz(entry, file.substr(0, size));
  std::mt19937 random(20261122);
  for (int run = 0; run < n_runs; ++run) {
    std::string mutated = file;
    for (unsigned edits = 1 + random() % 3; edits > 0; --edits) {
      const std::size_t at = random() % mutated.size(), from = random() % mutated.size();
      switch (random() % 3) {
        case 0:
          mutated[at] = static_cast<char>(random());
          break;
        case 1:
          mutated.erase(at, 1);
          break;
        default:
          mutated.insert(at, mutated.substr(from, random() % 20));
          break;
      }
    }
    tests::fuzz(entry, mutated);
  }
}

}  // namespace

TEST_CASE("tokenizer.json: truncations and random edits crash nothing", "[tokenizer][fuzz]") {
  cut_and_edit(fuzz_tokenizer_json, kTokenizerJson, 10000);
  SUCCEED("no crash");
}

TEST_CASE("gguf tokenizer: truncations and random edits crash nothing", "[tokenizer][fuzz]") {
  cut_and_edit(fuzz_gguf_tokenizer, gguf_file(), 10000);
  SUCCEED("no crash");
}

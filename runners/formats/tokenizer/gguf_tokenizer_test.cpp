// Tokenizers out of GGUF metadata. Expected ids: llama.cpp's vectors, and the tokenizer.json of the same models.

#include "runners/formats/tokenizer/gguf_tokenizer.h"

#include <fstream>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "harness/base/text.h"
#include "runners/formats/gguf/test_gguf.h"
#include "runners/formats/test_folder.h"
#include "runners/formats/tokenizer/gguf_patterns.h"
#include "runners/formats/tokenizer/test_files.h"

using namespace assay;
using namespace assay::runners;
using namespace assay::runners::testing;

namespace {

/// The fields that a GGUF file would have for a shipped tokenizer.json; `texts` keeps what they point to.
GgufTokenizer fields_of(const TokenizerData& data, std::string_view pre, std::vector<std::string>& texts) {
  std::int32_t highest = 0;
  for (const VocabEntry& entry : data.vocab) highest = std::max(highest, entry.id);
  for (const AddedToken& token : data.added_tokens) highest = std::max(highest, token.id);
  const auto n = static_cast<std::size_t>(highest) + 1;
  texts.assign(n + data.merges.size(), "");
  GgufTokenizer fields{.model = "gpt2", .pre = pre};
  fields.token_type.assign(n, 5);
  for (const VocabEntry& entry : data.vocab) {
    texts[entry.id] = entry.text;
    fields.token_type[entry.id] = 1;
  }
  for (const AddedToken& token : data.added_tokens) {
    texts[token.id] = token.content;
    fields.token_type[token.id] = token.special ? 3 : 4;
  }
  for (std::size_t id = 0; id < n; ++id) {
    if (fields.token_type[id] == 5) texts[id] = "[PAD" + std::to_string(id) + "]";
  }
  for (std::size_t rank = 0; rank < data.merges.size(); ++rank) {
    texts[n + rank] = data.merges[rank].left + " " + data.merges[rank].right;
  }
  fields.tokens.assign(texts.begin(), texts.begin() + static_cast<std::ptrdiff_t>(n));
  fields.merges.assign(texts.begin() + static_cast<std::ptrdiff_t>(n), texts.end());
  return fields;
}

TokenizerData shipped_json(const std::string& name) {
  auto data = parse_tokenizer_json(read_testdata(name + ".tokenizer.json.xz"), name);
  if (!data) FAIL(data.error().message);
  return std::move(*data);
}

void check_llama_cpp_vectors(const Tokenizer& tokenizer, const std::string& name) {
  const std::vector<std::string> texts = split_texts(read_testdata("llama_cpp.inp"));
  const std::vector<std::string> lines = split(read_testdata(name + ".out"), '\n');
  REQUIRE(texts.size() == 46);
  REQUIRE(lines.size() >= texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    INFO(name << " text " << i << ": " << texts[i]);
    const Ids ids = must_encode(tokenizer, texts[i]);
    CHECK(ids == read_ids(lines[i]));
    CHECK(*tokenizer.decode(ids) == texts[i]);
  }
}

GgufTokenizer small_fields() {
  return {.model = "gpt2",
          .pre = "gpt-2",
          .tokens = {"a", "b", "ab", "<eos>", "<u>", "[PAD5]", "unused"},
          .token_type = {1, 1, 1, 3, 4, 4, 5},
          .merges = {"a b"},
          .eos_token_id = 3};
}

std::string refusal(const GgufTokenizer& fields) {
  const auto data = to_tokenizer_data(fields, "m.gguf");
  return data ? "" : data.error().message;
}

}  // namespace

TEST_CASE("GGUF tokenizer: llama.cpp's 46 texts get the expected ids with its vocabularies", "[tokenizer]") {
  const std::string name = GENERATE("deepseek_llm", "deepseek_coder");
  const Tokenizer tokenizer = load_gguf_testdata(name);
  check_llama_cpp_vectors(tokenizer, name);
  CHECK(tokenizer.add_bos());
  CHECK(tokenizer.bos_token() == "<｜begin▁of▁sentence｜>");
  CHECK(tokenizer.eos_token() == "<｜end▁of▁sentence｜>");
  CHECK(tokenizer.tokenizer_sha256().size() == 64);
}

TEST_CASE("GGUF tokenizer: the pre-tokeniser's name gives what tokenizer.json spells out", "[tokenizer]") {
  const auto [name, pre] = GENERATE(table<std::string, std::string>(
      {{"gpt2", "gpt-2"}, {"qwen3", "qwen2"}, {"qwen3", "deepseek-r1-qwen"}, {"deepseek_v3", "deepseek-v3"}}));
  TokenizerData json = shipped_json(name);
  std::vector<std::string> texts;
  const GgufTokenizer fields = fields_of(json, pre, texts);
  auto data = to_tokenizer_data(fields, name);
  REQUIRE(data);
  CHECK(data->normalizer == json.normalizer);
  CHECK(data->gpt2_split == json.gpt2_split);
  REQUIRE(data->splits.size() == json.splits.size());
  for (std::size_t i = 0; i < json.splits.size(); ++i) {  // some files hold line ends, others their escapes
    const std::string pattern = replace_all(replace_all(json.splits[i].pattern, "\r", "\\r"), "\n", "\\n");
    CHECK(data->splits[i].pattern == pattern);
  }

  const auto tokenizer = Tokenizer::create(std::move(*data), name);
  REQUIRE(tokenizer);
  check_llama_cpp_vectors(*tokenizer, name);
  for (const Json& record : read_records("hf_tokenizers.jsonl.xz")) {
    if (record["tokenizer"] != name) continue;
    const std::string text = record["text"];
    const auto special = record["special"].get<bool>() ? SpecialTokens::recognise : SpecialTokens::ignore;
    INFO(quoted_excerpt(text, 400));
    CHECK(must_encode(*tokenizer, text, special) == record["ids"].get<Ids>());
  }
}

TEST_CASE("GGUF tokenizer: token types say what is special, added and no token", "[tokenizer]") {
  auto data = to_tokenizer_data(small_fields(), "m.gguf");
  REQUIRE(data);
  CHECK_FALSE(data->add_bos);
  const auto tokenizer = Tokenizer::create(std::move(*data), "m.gguf");
  REQUIRE(tokenizer);
  CHECK(tokenizer->n_tokens() == 5);
  CHECK(tokenizer->is_special(3));
  CHECK_FALSE(tokenizer->is_special(4));
  CHECK_FALSE(tokenizer->is_token(5));
  CHECK_FALSE(tokenizer->is_token(6));
  CHECK(tokenizer->eos_id() == 3);
  CHECK(must_encode(*tokenizer, "ab<u><eos>", SpecialTokens::recognise) == Ids{2, 4, 3});
}

TEST_CASE("GGUF tokenizer: bos stands first where the file or the family says so", "[tokenizer]") {
  GgufTokenizer fields = small_fields();
  fields.bos_token_id = 3;
  CHECK_FALSE(to_tokenizer_data(fields, "m.gguf")->add_bos);
  fields.pre = "llama-bpe";
  CHECK(to_tokenizer_data(fields, "m.gguf")->add_bos);
  CHECK(to_tokenizer_data(fields, "m.gguf")->ignore_merges);
  fields.add_bos_token = false;
  CHECK_FALSE(to_tokenizer_data(fields, "m.gguf")->add_bos);
}

TEST_CASE("GGUF tokenizer: the ids that end a reply", "[tokenizer]") {
  GgufTokenizer fields = small_fields();
  fields.eot_token_id = 2;
  fields.eom_token_id = 99;
  CHECK(stop_token_ids(fields) == Ids{2, 3});
}

TEST_CASE("GGUF tokenizer: what can't be used is refused, with a text that says what to do", "[tokenizer]") {
  using Catch::Matchers::Contains;
  GgufTokenizer fields = small_fields();
  fields.model = "bert";
  CHECK_THAT(refusal(fields), Contains("m.gguf: key \"tokenizer.ggml.model\" is \"bert\"; known are: gpt2"));
  fields = small_fields();
  fields.pre.reset();
  CHECK_THAT(refusal(fields), Contains("\"tokenizer.ggml.pre\" is missing") && Contains("known are: gpt-2, llama-bpe"));
  for (const std::string_view name : {"default", "tekken"}) {
    fields.pre = name;
    CHECK_THAT(refusal(fields), Contains("is \"" + std::string(name) + "\", so it is not known how"));
  }
  fields = small_fields();
  fields.token_type.clear();
  CHECK_THAT(refusal(fields), Contains("token_type\" is missing"));
  fields.token_type = {1};
  CHECK_THAT(refusal(fields), Contains("token_type\" has 1 values for 7 tokens"));
  fields = small_fields();
  fields.token_type[0] = 7;
  CHECK_THAT(refusal(fields), Contains("token 0 (\"a\") has type 7, must be 1 to 6"));
  fields = small_fields();
  fields.tokens[0] = "\xFF";
  CHECK_THAT(refusal(fields), Contains("token 0 is no UTF-8"));
  fields = small_fields();
  fields.merges = {"ab"};
  CHECK_THAT(refusal(fields), Contains("merge 0 is \"ab\""));
  fields = small_fields();
  fields.bos_token_id = 7;
  CHECK_THAT(refusal(fields), Contains("bos_token_id\" is 7, must be 0 to 6"));
  fields = small_fields();
  fields.tokens.clear();
  CHECK_THAT(refusal(fields), Contains("is an empty list"));
  fields = small_fields();
  fields.chat_template = "\xC3";
  CHECK_THAT(refusal(fields), Contains("chat_template\" is no UTF-8"));

  fields = small_fields();
  fields.model = "llama";
  CHECK_THAT(refusal(fields), Contains("scores\" is missing"));
  fields.scores.assign(7, 0);
  fields.token_type[0] = 6;
  CHECK_THAT(refusal(fields), Contains("byte token 0 is \"a\", must be as \"<0x0A>\""));
  fields.tokens[0] = fields.tokens[1] = "<0x41>";
  fields.token_type[1] = 6;
  CHECK_THAT(refusal(fields), Contains("\"<0x41>\" stands twice"));
}

TEST_CASE("GGUF tokenizer: truncations are refused, mutations load or are refused in one line", "[tokenizer]") {
  TestGguf gguf;
  const bool byte_level = GENERATE(true, false);
  gguf.set("tokenizer.ggml.model", gguf_text(byte_level ? "gpt2" : "llama"));
  gguf.set("tokenizer.ggml.pre", gguf_text("llama-bpe"));
  gguf.set("tokenizer.ggml.tokens", gguf_texts({"<unk>", "<s>", "<0x41>", "▁A", "A", "B", "AB", "<u>"}));
  gguf.set("tokenizer.ggml.token_type", gguf_numbers<std::int32_t>(5, {2, 3, 6, 1, 1, 1, 1, 4}));
  gguf.set("tokenizer.ggml.scores", gguf_numbers<float>(6, {0, 0, 0, -1, -2, -3, -4, 0}));
  gguf.set("tokenizer.ggml.merges", gguf_texts({"A B"}));
  gguf.set("tokenizer.ggml.bos_token_id", gguf_u32(1));
  const std::string file = gguf.bytes();
  const auto load = [](std::string_view bytes) -> Result<Tokenizer> {
    ASSAY_ASSIGN(const GgufHeader header, parse_gguf(std::as_bytes(std::span(bytes)), "m.gguf"));
    return Tokenizer::from_gguf(header.metadata);
  };
  REQUIRE(load(file));
  const std::size_t end = file.find_last_not_of('\0') + 1;  // padding and the last id's zeros follow
  for (std::size_t n = 0; n < end; ++n) CHECK_FALSE(load(std::string_view(file).substr(0, n)));
  std::mt19937 random(20261122);
  for (int round = 0; round < 5000; ++round) {
    std::string mutated = file;
    for (int i = 0; i <= round % 3; ++i) mutated[random() % mutated.size()] = static_cast<char>(random());
    const auto tokenizer = load(mutated);
    if (!tokenizer) {
      CHECK(tokenizer.error().message.find('\n') == std::string::npos);
      continue;
    }
    const auto ids = tokenizer->encode("<s>AB A<u>ü", SpecialTokens::recognise);
    REQUIRE(ids);
    for (const std::int32_t id : *ids) CHECK(tokenizer->is_token(id));
    CHECK(tokenizer->decode(*ids));
  }
}

TEST_CASE("Tokenizer::load_of_model: reads a file, and names key and file where it can't", "[tokenizer]") {
  const TestFolder folder;
  TestGguf gguf;
  gguf.set("tokenizer.ggml.model", gguf_text("llama"));
  gguf.set("tokenizer.ggml.tokens", gguf_texts({"<unk>", "<s>", "<0x41>", "▁A", "▁", "A"}));
  gguf.set("tokenizer.ggml.token_type", gguf_numbers<std::int32_t>(5, {2, 3, 6, 1, 1, 1}));
  gguf.set("tokenizer.ggml.scores", gguf_numbers<float>(6, {0, 0, 0, -1, -2, -3}));
  gguf.set("tokenizer.ggml.bos_token_id", gguf_u32(1));
  gguf.set("tokenizer.chat_template", gguf_text("{{ m }}"));
  const auto path = folder.write("m.gguf", gguf.bytes());
  const auto tokenizer = Tokenizer::load_of_model(path);
  if (!tokenizer) FAIL(tokenizer.error().message);
  CHECK(must_encode(*tokenizer, "A A") == Ids{3, 3});
  CHECK(must_encode(*tokenizer, "ü") == Ids{4, 0});
  CHECK(tokenizer->chat_template() == "{{ m }}");
  CHECK(tokenizer->add_bos());
  CHECK(tokenizer->tokenizer_sha256().size() == 64);

  gguf.set("tokenizer.ggml.scores", gguf_u32(1));
  const auto broken = Tokenizer::load_of_model(folder.write("m.gguf", gguf.bytes()));
  REQUIRE_FALSE(broken);
  CHECK_THAT(broken.error().message, Catch::Matchers::Contains("m.gguf: key \"tokenizer.ggml.scores\""));
  gguf.remove("tokenizer.ggml.model");
  CHECK_FALSE(Tokenizer::load_of_model(folder.write("m.gguf", gguf.bytes())));
}

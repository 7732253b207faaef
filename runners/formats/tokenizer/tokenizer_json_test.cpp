// tokenizer.json and tokenizer_config.json as hostile files.

#include <random>
#include <string>

#include "harness/base/text.h"
#include "runners/formats/tokenizer/byte_alphabet.h"
#include "runners/formats/tokenizer/test_files.h"

using namespace assay;
using namespace assay::runners;
using namespace assay::runners::testing;

namespace {

Result<Tokenizer> load_text(std::string_view text) {
  ASSAY_ASSIGN(TokenizerData data, parse_tokenizer_json(text, "t.json"));
  return Tokenizer::create(std::move(data), "t.json");
}

/// A whole file with a vocabulary of three tokens, changed by one replacement.
std::string small_file(std::string_view from = "", std::string_view to = "") {
  std::string text =
      R"({"version":"1.0","added_tokens":[{"id":3,"content":"<e>","special":true}],"normalizer":null,)"
      R"("pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},"post_processor":null,)"
      R"("decoder":{"type":"ByteLevel"},"model":{"type":"BPE","dropout":null,"unk_token":null,"fuse_unk":false,)"
      R"("vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})";
  if (from.empty()) return text;
  REQUIRE(text.find(from) != std::string::npos);
  return replace_all(text, from, to);
}

}  // namespace

TEST_CASE("tokenizer.json: a small file is read; both forms of merges mean the same", "[tokenizer]") {
  const std::string file =
      GENERATE(small_file(), small_file(R"("a b")", R"(["a","b"])"), small_file(R"("type":"BPE",)", ""));
  const auto tokenizer = load_text(file);
  REQUIRE(tokenizer);
  CHECK(*tokenizer->encode("abba<e>", SpecialTokens::recognise) == std::vector<std::int32_t>{2, 1, 0, 3});
  REQUIRE(tokenizer->warnings().size() == 1);  // only two of the bytes have tokens
  CHECK(tokenizer->encode("c", SpecialTokens::ignore)->empty());
}

TEST_CASE("tokenizer.json: what is wrong is said in one line with its place", "[tokenizer]") {
  const auto [from, to, message] = GENERATE(table<std::string, std::string, std::string>({
      {R"({"version")", R"(["version")", "t.json: byte 11: no valid JSON"},
      {R"("version":"1.0")", R"("version":"1.0","version":"1.0")", "key \"version\" stands twice"},
      {R"("model":)", R"("mode":)", "field \"model\" is missing"},
      {R"("model":{"type":"BPE")", R"("model":{"type":"Unigram")",
       "t.json: model: field \"type\" is \"Unigram\"; known are: BPE"},
      {R"("vocab":)", R"("vocabulary":)", "field \"vocab\" is missing"},
      {R"("merges":)", R"("merge":)", "field \"merges\" is missing"},
      {R"("vocab":{"a":0,"b":1,"ab":2})", R"("vocab":["a","b"])", "field \"vocab\" is missing"},
      {R"("vocab":{"a":0,"b":1,"ab":2})", R"("vocab":{})", "the vocabulary is empty"},
      {R"("ab":2)", R"("ab":"2")", "model.vocab[\"ab\"] is a text, must be an id"},
      {R"("ab":2)", R"("ab":2.5)", "model.vocab[\"ab\"] is no integer, must be an id"},
      {R"("ab":2)", R"("ab":-2)", "model.vocab[\"ab\"] is -2, below 0"},
      {R"("ab":2)", R"("ab":4294967296)", "model.vocab[\"ab\"] is 4294967296, more than a 32-bit id"},
      {R"("ab":2)", R"("ab":99999999)", "has id 99999999, must be 0 to"},
      {R"("ab":2)", R"("ab":1)", "id 1 is given to \"ab\" and to another token"},
      {R"("ab":2)", R"("a":2)", "token \"a\" stands twice in the vocabulary"},
      {R"("ab":2)", R"("ab":{"x":2})", "model.vocab[\"ab\"] is an object, must be an id"},
      {R"("merges":["a b"])", R"("merges":["a b"],"merges":[])", "key \"merges\" stands twice"},
      {R"("a b")", R"("a c")", "merge 0 names \"c\", which is no token"},
      {R"("a b")", R"("b a")", "merge 0 names \"ba\", which is no token"},
      {R"("a b")", R"("ab")", "model.merges[0] is \"ab\", must be two texts"},
      {R"("a b")", R"("a b",["a"])", "model.merges[1] has 1 texts, must have two"},
      {R"("a b")", R"(["a","b","c"])", "model.merges[0] has more than two texts"},
      {R"("a b")", R"([["a"],"b"])", "model.merges[0] is or holds a list"},
      {R"("a b")", "7", "model.merges[0] is or holds a number"},
      {R"("fuse_unk":false)", R"("fuse_unk":true)", "field \"fuse_unk\" is true"},
      {R"("unk_token":null)", R"("unk_token":"a")", "field \"unk_token\" is set"},
      {R"("dropout":null)", R"("dropout":0.1)", "field \"dropout\" is set"},
      {R"("normalizer":null)", R"("normalizer":{"type":"Lowercase"})",
       "t.json: normalizer: field \"type\" is \"Lowercase\"; known are: NFC, Sequence"},
      {R"("normalizer":null)", R"("normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Strip"}]})",
       "normalizers[1]: field \"type\" is \"Strip\""},
      {R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":true})", R"({"type":"Metaspace"})",
       "field \"type\" is \"Metaspace\""},
      {R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":true})", "null", "has no ByteLevel step"},
      {R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":true})", R"({"type":"Sequence"})",
       "field \"pretokenizers\" must be a list"},
      {R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":true})",
       R"({"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},{"type":"Digits"}]})",
       "no step may follow ByteLevel"},
      {R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":true})",
       R"({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"a"},"behavior":"Removed"},{"type":"ByteLevel"}]})",
       "field \"behavior\" is \"Removed\"; known is: Isolated"},
      {R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":true})",
       R"({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"(a"},"behavior":"Isolated"},{"type":"ByteLevel"}]})",
       "t.json: split 0: byte 2 of the pattern"},
      {R"("post_processor":null)", R"("post_processor":{"type":"BertProcessing"})",
       "field \"type\" is \"BertProcessing\""},
      {R"("post_processor":null)",
       R"("post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"SpecialToken":{"id":"<e>"}}]})",
       "adds \"<e>\"; known is one token before the text"},
      {R"("post_processor":null)",
       R"("post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}]})",
       "bos_token \"<s>\" is no token"},
      {R"("decoder":{"type":"ByteLevel"})", R"("decoder":{"type":"WordPiece"})", "field \"type\" is \"WordPiece\""},
      {R"("id":3)", R"("id":2)", "id 2 is given to added token \"<e>\" and to another token"},
      {R"("id":3)", R"("id":-3)", "t.json: added_tokens[0]: field \"id\" is -3"},
      {R"("id":3)", R"("id":"3")", "field \"id\" must be an integer"},
      {R"("content":"<e>")", R"("content":"")", "added token 3 has no content"},
      {R"("content":"<e>")", R"("content":"b")", "added token \"b\" has id 3, but the vocabulary gives it 1"},
      {R"("content":"<e>","special":true})", R"("content":"<e>"},{"id":4,"content":"<e>"})",
       "added token \"<e>\" stands twice"},
      {R"("version":"1.0")", R"("version":)" + std::string(100'000, '['), "nested deeper than 64 levels"},
  }));
  const auto loaded = load_text(small_file(from, to));
  REQUIRE_FALSE(loaded);
  INFO(loaded.error().message);
  CHECK(loaded.error().kind == ErrorKind::bad_input);
  CHECK(loaded.error().message.find(message) != std::string::npos);
  CHECK(loaded.error().message.find('\n') == std::string::npos);
  CHECK(loaded.error().message.size() < 400);
}

TEST_CASE("tokenizer.json: an object with too many keys is refused", "[tokenizer]") {
  std::string keys;
  for (int i = 0; i < 5000; ++i) keys += "\"k" + std::to_string(i) + "\":0,";
  const auto loaded = load_text(small_file("{\"version\"", "{" + keys + "\"version\""));
  REQUIRE_FALSE(loaded);
  CHECK_THAT(loaded.error().message, Catch::Matchers::Contains("more than 4096 keys"));
}

TEST_CASE("tokenizer.json: no truncation of it loads", "[tokenizer]") {
  const std::string whole = read_testdata("tiny_flags.tokenizer.json");
  REQUIRE(load_text(whole));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto loaded = load_text(std::string_view(whole).substr(0, length));
    REQUIRE_FALSE(loaded);
  }
}

TEST_CASE("tokenizer.json: mutations load or are refused in one line, and what loads encodes", "[tokenizer]") {
  const std::string name = GENERATE("tiny_flags", "tiny_ignore_merges", "tiny_literal");
  const std::string whole = read_testdata(name + ".tokenizer.json");
  std::mt19937 random(3);
  int n_refused = 0;
  for (int round = 0; round < 1500; ++round) {
    std::string text = whole;
    for (int change = 0; change < 1 + round % 3; ++change) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = static_cast<char>(random() % 256);
          break;
        case 1:
          text.erase(at, 1 + random() % 20);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 30));
      }
    }
    const auto loaded = load_text(text);
    if (!loaded) {
      ++n_refused;
      CHECK(loaded.error().kind == ErrorKind::bad_input);
      CHECK(loaded.error().message.find('\n') == std::string::npos);
      continue;
    }
    const auto ids = loaded->encode("the whole <think> 我想 1234 e\u0301\n\n x", SpecialTokens::recognise);
    if (!ids) continue;
    for (const std::int32_t id : *ids) CHECK(loaded->is_token(id));
  }
  CHECK(n_refused > 500);
}

TEST_CASE("tokenizer_config.json: tokens as text or object, bos, templates", "[tokenizer]") {
  TokenizerData data;
  REQUIRE(apply_tokenizer_config(
      R"({"bos_token":{"content":"<s>"},"eos_token":"</s>","add_bos_token":true,
          "chat_template":[{"name":"tools","template":"T"},{"name":"default","template":"D"}]})",
      "c.json", data));
  CHECK(data.bos_token == "<s>");
  CHECK(data.eos_token == "</s>");
  CHECK(data.add_bos);
  CHECK(data.chat_template == "D");
}

TEST_CASE("tokenizer_config.json: DeepSeek-V3's and Qwen3's own files", "[tokenizer]") {
  // Values as they stand in the two files.
  TokenizerData deepseek;
  REQUIRE(apply_tokenizer_config(read_testdata("deepseek_v3.tokenizer_config.json"), "c.json", deepseek));
  CHECK(deepseek.bos_token == "<｜begin▁of▁sentence｜>");
  CHECK(deepseek.add_bos);
  TokenizerData qwen;
  REQUIRE(apply_tokenizer_config(read_testdata("qwen3.tokenizer_config.json"), "c.json", qwen));
  CHECK_FALSE(qwen.bos_token);
  CHECK_FALSE(qwen.add_bos);
  CHECK(qwen.eos_token == "<|im_end|>");
}

TEST_CASE("tokenizer_config.json: what is wrong is said with its place", "[tokenizer]") {
  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {"[]", "c.json: must be a JSON object"},
      {R"({"bos_token":7})", "field \"bos_token\" must be text"},
      {R"({"bos_token":{"text":"x"}})", "c.json: bos_token: field \"content\" is missing"},
      {R"({"add_bos_token":"yes"})", "field \"add_bos_token\" must be true or false"},
      {R"({"add_bos_token":true})", "there is no bos_token"},
      {R"({"chat_template":7})", "field \"chat_template\" must be text"},
      {R"({"chat_template":[{"name":"x","template":""}]})", "without one named \"default\""},
  }));
  TokenizerData data;
  const auto applied = apply_tokenizer_config(text, "c.json", data);
  REQUIRE_FALSE(applied);
  INFO(applied.error().message);
  CHECK(applied.error().message.find(message) != std::string::npos);
}

TEST_CASE("Tokenizer::load: a missing file is named", "[tokenizer]") {
  const auto loaded = Tokenizer::load("no/such/tokenizer.json");
  REQUIRE_FALSE(loaded);
  CHECK_THAT(loaded.error().message, Catch::Matchers::Contains("no/such/tokenizer.json"));
}

TEST_CASE("TemplateProcessing: a token in front is the bos", "[tokenizer]") {
  const Tokenizer tokenizer = load_testdata("tiny_ignore_merges");
  CHECK(tokenizer.add_bos());
  CHECK(tokenizer.bos_token() == "<|begin|>");
  CHECK(tokenizer.bos_id() == 402);
}

TEST_CASE("byte alphabet: GPT-2's characters for some bytes, and back", "[tokenizer]") {
  const auto& characters = byte_characters();
  CHECK(characters[0x20] == U'Ġ');
  CHECK(characters[0x0A] == U'Ċ');
  CHECK(characters[0x09] == char32_t{0x109});
  CHECK(characters[0x00] == char32_t{0x100});
  CHECK(characters[0x7F] == char32_t{0x121});
  CHECK(characters[0xAD] == char32_t{0x143});
  CHECK(characters[0xFF] == char32_t{0xFF});
  CHECK(bytes_of("Ġaé") == std::string(" a\xE9"));
  CHECK_FALSE(bytes_of("a b"));
  CHECK_FALSE(bytes_of("<｜User｜>"));
}

// SentencePiece-style vocabularies. Expected ids: llama.cpp's vectors for Llama 2's vocabulary, and merges done by
// hand.

#include <random>
#include <string>
#include <vector>

#include "harness/base/text.h"
#include "runners/formats/tokenizer/sentencepiece_encoder.h"
#include "runners/formats/tokenizer/streaming_decoder.h"
#include "runners/formats/tokenizer/test_files.h"

using namespace assay;
using namespace assay::runners;
using namespace assay::runners::testing;

namespace {

const Tokenizer& llama_spm() {
  static const Tokenizer tokenizer = load_gguf_testdata("llama_spm");
  return tokenizer;
}

/// Control tokens <s> and </s>, the user's token <u>, all byte tokens, and some words.
TokenizerData small_data() {
  TokenizerData data;
  data.sentencepiece = SentencePieceModel{.unknown_id = 3};
  for (int byte = 0; byte < 256; ++byte) data.sentencepiece->byte_ids[byte] = 100 + byte;
  data.added_tokens = {{.content = "<s>", .id = 0, .special = true},
                       {.content = "</s>", .id = 1, .special = true},
                       {.content = "<u>", .id = 2}};
  data.vocab = {{"▁", 10, -10}, {"a", 11, -11},  {"b", 12, -12}, {"ab", 13, -3},
                {"ba", 14, -3}, {"▁ab", 15, -5}, {"aba", 16, -9}};
  data.bos_token = "<s>";
  return data;
}

Tokenizer small(TokenizerData data = small_data()) {
  auto tokenizer = Tokenizer::create(std::move(data), "small");
  if (!tokenizer) FAIL(tokenizer.error().message);
  return std::move(*tokenizer);
}

}  // namespace

TEST_CASE("SentencePiece: llama.cpp's 46 texts get the expected ids, and decode back", "[tokenizer]") {
  const std::vector<std::string> texts = split_texts(read_testdata("llama_cpp.inp"));
  const std::vector<std::string> lines = split(read_testdata("llama_spm.out"), '\n');
  REQUIRE(texts.size() == 46);
  REQUIRE(lines.size() >= texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    INFO("text " << i << ": " << texts[i]);
    const Ids ids = must_encode(llama_spm(), texts[i]);
    CHECK(ids == read_ids(lines[i]));
    CHECK(*llama_spm().decode(ids) == texts[i]);
  }
  CHECK(llama_spm().add_bos());
  CHECK(llama_spm().bos_id() == 1);
  CHECK(llama_spm().eos_id() == 2);
}

TEST_CASE("SentencePiece: the highest score merges first, the leftmost among equals", "[tokenizer]") {
  TokenizerData data = small_data();
  data.sentencepiece->add_space_prefix = false;
  const Tokenizer tokenizer = small(std::move(data));
  CHECK(must_encode(tokenizer, "aba") == Ids{16});      // ab+a; b+a has the same score but stands to the right
  CHECK(must_encode(tokenizer, "bab") == Ids{14, 12});  // ba+b is no token
  CHECK(must_encode(tokenizer, " ab") == Ids{15});      // ab first, then ▁ab
  CHECK(must_encode(tokenizer, "é") == Ids{100 + 0xC3, 100 + 0xA9});
  CHECK(must_encode(tokenizer, "").empty());
}

TEST_CASE("SentencePiece: one space goes before each text, and decoding drops the first", "[tokenizer]") {
  const Tokenizer tokenizer = small();
  CHECK(must_encode(tokenizer, "ab") == Ids{15});
  CHECK(must_encode(tokenizer, " ab") == Ids{10, 15});
  CHECK(must_encode(tokenizer, "").empty());
  CHECK(must_encode(tokenizer, "<s>ab", SpecialTokens::recognise) == Ids{0, 15});
  CHECK(must_encode(tokenizer, "a<u>b") == Ids{10, 11, 2, 10, 12});
  CHECK(*tokenizer.decode(Ids{15}) == "ab");
  CHECK(*tokenizer.decode(Ids{0, 15}) == "<s>ab");
  CHECK(*tokenizer.decode(Ids{0, 15}, DecodeSpecial::skip) == "ab");
  CHECK(*tokenizer.decode(Ids{10, 15, 15}) == " ab ab");
  CHECK(*tokenizer.decode(Ids{2, 15}) == "<u> ab");
  CHECK(*tokenizer.decode(Ids{100 + 0x20, 15}) == " ab");  // a byte token is that byte, even here
}

TEST_CASE("SentencePiece: control tokens are found in trusted text alone, the user's everywhere", "[tokenizer]") {
  const Tokenizer tokenizer = small();
  const Ids guarded = must_encode(tokenizer, "<s>a<u>");
  CHECK(std::count(guarded.begin(), guarded.end(), 0) == 0);
  CHECK(guarded.back() == 2);
  const std::vector<Segment> prompt = {{"<s>", true}, {"a", false}, {"b", true}, {"</s>", false}};
  const auto ids = tokenizer.encode_segments(prompt);
  REQUIRE(ids);
  CHECK((*ids)[0] == 0);
  CHECK((*ids)[1] == 15);  // "a" and "b" merge across the segments
  CHECK(std::count(ids->begin(), ids->end(), 1) == 0);
  // No merging makes a control token, whatever lies in the vocabulary: "<" "s" ">" of Llama 2 stay apart.
  const Ids written = must_encode(llama_spm(), "<s></s><unk>");
  CHECK(std::count_if(written.begin(), written.end(), [](std::int32_t id) { return id < 3; }) == 0);
  CHECK(*llama_spm().decode(written) == "<s></s><unk>");
}

TEST_CASE("SentencePiece: characters without bytes' tokens are unknown, or dropped with a warning", "[tokenizer]") {
  TokenizerData data = small_data();
  data.sentencepiece->byte_ids['c'] = -1;
  const Tokenizer unknown = small(data);
  CHECK(unknown.warnings().empty());
  CHECK(must_encode(unknown, "c") == Ids{10, 3});
  CHECK(*unknown.decode(Ids{10, 3}) == "\uFFFD");
  data.sentencepiece->unknown_id.reset();
  const Tokenizer dropping = small(std::move(data));
  REQUIRE(dropping.warnings().size() == 1);
  CHECK_THAT(dropping.warnings()[0], Catch::Matchers::Contains("dropped from texts"));
  CHECK(must_encode(dropping, "ac") == Ids{10, 11});
}

TEST_CASE("SentencePiece: broken data is refused", "[tokenizer]") {
  TokenizerData twice = small_data();
  twice.sentencepiece->byte_ids['a'] = 11;
  const auto shared = Tokenizer::create(std::move(twice), "t");
  REQUIRE_FALSE(shared);
  CHECK_THAT(shared.error().message, Catch::Matchers::Contains("t: id 11 is given to"));
  TokenizerData unscored = small_data();
  unscored.vocab[0].score = std::numeric_limits<float>::quiet_NaN();
  CHECK_FALSE(Tokenizer::create(std::move(unscored), "t"));
}

TEST_CASE("SentencePiece: any bytes decode to the same text with U+FFFD, streamed or not", "[tokenizer]") {
  std::mt19937 random(20261122);
  for (int round = 0; round < 400; ++round) {
    std::string bytes(random() % 60, '\0');
    for (char& byte : bytes)
      byte = static_cast<char>(round % 2 == 0 ? random() % 256 : "\xE2\x96\x82\xF0\x9F  a\n"[random() % 9]);
    const std::string text = to_valid_utf8(bytes);
    const Ids ids = must_encode(llama_spm(), bytes);
    CHECK(*llama_spm().decode(ids) == replace_all(text, kSpaceMark, " "));  // U+2581 can't be told from a space
    StreamingDecoder decoder(llama_spm());
    std::string streamed;
    for (const std::int32_t id : ids) streamed += decoder.push(id);
    CHECK(streamed + decoder.finish() == *llama_spm().decode(ids));
  }
}

TEST_CASE("SentencePiece: streaming drops the first space once, and again after finish()", "[tokenizer]") {
  const Tokenizer tokenizer = small();
  StreamingDecoder decoder(tokenizer);
  for (int round = 0; round < 2; ++round) {
    CHECK(decoder.push(0) == "<s>");
    CHECK(decoder.push(999).empty());
    CHECK(decoder.push(15) == "ab");
    CHECK(decoder.push(15) == " ab");
    CHECK(decoder.push(100 + 0xC3).empty());
    CHECK(decoder.finish() == "\uFFFD");
  }
}

TEST_CASE("SentencePiece: a run of equal characters takes n log n steps", "[tokenizer]") {
  for (const char character : {' ', 'a', '\n'}) {
    const std::string run(1'000'000, character);
    CHECK(*llama_spm().decode(must_encode(llama_spm(), run)) == run);
  }
}

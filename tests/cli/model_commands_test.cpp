// Commands that read a model's files: the shipped reference model is always there.

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "runners/formats/safetensors.h"
#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

TEST_CASE("tokenize: ids and text, both ways, alone and as lines", "[cli]") {
  const std::string text = "House 1: red, 42\n  naïve 你好";
  const Ended encoded = call({"tokenize", "--model", "reference"}, {}, text);
  INFO(encoded.err);
  REQUIRE(encoded.exit_code == 0);
  CHECK(call({"tokenize", "--model", "reference", "--decode"}, {}, encoded.out).out == text);
  const Json ids = json_of(call({"tokenize", "--model", "reference", "--json"}, {}, text).out)["ids"];
  CHECK(call({"tokenize", "--model", "reference", "--decode"}, {}, ids.dump()).out == text);

  const Ended lines = call({"tokenize", "--model", "reference", "--jsonl"}, {},
                           Json({{"text", text}}).dump() + "\n" + Json({{"ids", ids}}).dump() + "\n");
  const std::vector<Json> converted = json_lines_of(lines.out);
  REQUIRE(converted.size() == 2);
  CHECK(converted[0]["ids"] == ids);
  CHECK(converted[1]["text"] == text);
}

// The model card: the prompt is <｜begin▁of▁sentence｜><｜User｜> text <｜Assistant｜><think>\n; nothing else is added.
TEST_CASE("tokenize --chat: the template's prompt, and --special recognises it as plain text does not", "[cli]") {
  const std::string prompt = "<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜><think>\n";
  const Ended chat =
      call({"tokenize", "--model", "reference", "--chat"}, {}, R"({"messages":[{"role":"user","content":"Hi"}]})");
  INFO(chat.err);
  REQUIRE(chat.exit_code == 0);
  CHECK(call({"tokenize", "--model", "reference", "--special"}, {}, prompt).out == chat.out);
  CHECK(call({"tokenize", "--model", "reference"}, {}, prompt).out != chat.out);
  CHECK(call({"tokenize", "--model", "reference", "--decode"}, {}, chat.out).out == prompt);
}

TEST_CASE("tokenize: input that can't be read says where", "[cli]") {
  const auto refusal = [](const std::vector<std::string>& more, const std::string& input) {
    std::vector<std::string> words = {"tokenize", "--model", "reference"};
    words.insert(words.end(), more.begin(), more.end());
    const Ended ended = call(words, {}, input);
    CHECK(ended.exit_code == 2);
    return ended.err;
  };
  CHECK_THAT(refusal({"--decode"}, "1 2 x"), Contains("byte 4") && Contains("\"x\""));
  CHECK_THAT(refusal({"--decode"}, "-1"), Contains("-1"));
  CHECK_THAT(refusal({"--decode"}, "99999999"), Contains("99999999"));
  CHECK_THAT(refusal({"--jsonl"}, "{\"text\":\"a\"}\n{\"txt\":\"b\"}\n"), Contains("standard input:2"));
  CHECK_THAT(refusal({"--jsonl"}, "{\"ids\":[1.5]}\n"), Contains("standard input:1"));
  CHECK_THAT(refusal({"--chat"}, "{\"messages\":[]}"), Contains("messages"));
  CHECK_THAT(refusal({"--chat", "--decode"}, ""), Contains("--decode"));
}

// The figures are the model card's: 18.56 M parameters with the MTP module, two shards, 2,048 positions and tokens.
TEST_CASE("models: shows the shipped one, and registers another", "[cli]") {
  const TemporaryFolder folder;
  const std::map<std::string, std::string> environment = {{"XDG_CONFIG_HOME", folder.path().string()}};
  const Ended homeless = call({"models"}, {{"HOME", ""}, {"XDG_CONFIG_HOME", ""}});
  CHECK(homeless.exit_code == 0);
  CHECK_THAT(homeless.out, Contains("reference"));
  const Ended shown = call({"models", "show", "reference", "--json"}, environment);
  INFO(shown.err);
  REQUIRE(shown.exit_code == 0);
  const Json model = json_of(shown.out);
  CHECK(model["architecture"] == "DeepseekV3ForCausalLM");
  const Json& parameters = model["parameters"];
  CHECK((parameters["total"].get<double>() + parameters["mtp"].get<double>()) / 1e6 == Approx(18.56).margin(0.005));
  CHECK(model["max_position_embeddings"] == 2048);
  CHECK(model["vocab_size"] == 2048);
  CHECK(model["kv_bytes_per_token"] == 6 * (512 + 64) * 2);
  CHECK(model["files"].size() == 2);
  CHECK(model["chat_template"]["name"].is_string());

  REQUIRE(call({"models", "add", "mine", model["path"]}, environment).exit_code == 0);
  const Json list = json_of(call({"models", "--json"}, environment).out);
  REQUIRE(list["models"].size() == 2);
  CHECK(list["models"][1]["name"] == "mine");
  CHECK(json_of(call({"models", "show", "mine", "--json"}, environment).out)["architecture"] == model["architecture"]);
  CHECK(call({"models", "add", "mine", "/nonexistent"}, environment).exit_code == 2);
  CHECK(call({"models", "show", "yours"}, environment).exit_code == 2);
}

TEST_CASE("models show: licence, and what fits on this machine", "[cli]") {
  const TemporaryFolder folder;
  const std::string golden = std::string(ASSAY_SOURCE_DIR) + "/tests/data/golden/qwen3";
  std::filesystem::copy(golden, folder / "m");
  write_text(folder / "m/README.md", "---\nlicense: apache-2.0\x1b[31m\n---\n");
  const Json model = json_of(call({"models", "show", folder / "m", "--json"}).out);
  CHECK(model["licence"]["text"] == "apache-2.0\x1b[31m");
  CHECK(model["licence"]["source"] == "README.md");
  // By hand: 3 layers, 2 key-value heads of width 24, float32.
  const Json& device = model["devices"].at(0);
  CHECK(device["device"] == "cpu");
  CHECK(device["kv_bytes_per_token"] == 3 * 2 * 2 * 24 * 4);
  CHECK(device["weight_bytes"] == model["weight_bytes"]);
  CHECK(device["fits"] == true);
  CHECK(device["max_context_tokens"] == 512);
  CHECK(device["max_sequences"].get<std::int64_t>() > 1);
  CHECK(device["available_bytes"] <= device["memory_bytes"]);

  const Ended text = call({"models", "show", folder / "m"});
  CHECK_THAT(text.out, Contains("apache-2.0\\x1b[31m (README.md)") && Contains("fits on cpu") &&
                           Contains("sequences of 512 tokens"));
  CHECK(text.out.find('\x1b') == std::string::npos);
  CHECK_THAT(call({"models", "show", "reference"}).out, Contains("not stated"));
}

TEST_CASE("models: hostile names, paths and registries are refused in one line", "[cli]") {
  const TemporaryFolder folder;
  const std::map<std::string, std::string> environment = {{"XDG_CONFIG_HOME", folder.path().string()}};
  const std::string reference = std::string(ASSAY_SOURCE_DIR) + "/models/reference";
  const auto refusal = [&](const std::vector<std::string>& words) {
    const Ended ended = call(words, environment);
    CAPTURE(words, ended.err);
    CHECK(ended.exit_code == 2);
    CHECK(ended.out.empty());
    CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
    CHECK(ended.err.find('\x1b') == std::string::npos);
    return ended.err;
  };
  refusal({"models", "add", "", reference});
  refusal({"models", "add", "a/b", reference});
  refusal({"models", "add", "\x1b[31m", reference});
  refusal({"models", "add", std::string(101, 'a'), reference});
  CHECK_THAT(refusal({"models", "add", "reference", reference}), Contains("shipped"));
  CHECK_THAT(refusal({"models", "add", "m", ""}), Contains("config.json"));
  CHECK_THAT(refusal({"models", "add", "m", "/\x1b[31m"}), Contains("config.json"));
  CHECK_THAT(refusal({"models", "show", "\x1b[31m"}), Contains("registered"));
  const std::string odd = folder / "\x1b[31m";
  std::filesystem::create_directory(odd);
  write_text(odd + "/config.json", "{}");
  CHECK_THAT(refusal({"models", "add", "m", odd}), Contains("control characters"));
  const std::string no_text = folder / "\xFF";
  std::filesystem::create_directory(no_text);
  write_text(no_text + "/config.json", "{}");
  CHECK_THAT(refusal({"models", "add", "m", no_text}), Contains("UTF-8"));

  std::filesystem::create_directory(folder / "assay");
  const std::string registry = folder / "assay/models.json";
  for (const char* text :
       {"", "[]", "{}", R"({"models":[]})", R"({"models":{"m":7}})", R"({"models":{"a/b":"/x"}})",
        R"({"models":{"m":"relative"}})", R"({"models":{"m":""}})", R"({"models":{"m":"/x\u0000y"}})",
        R"({"models":{"m":"/\u001b[31m"}})", R"({"models":{},"more":1})", R"({"models":{"m":"/x","m":"/y"}})"}) {
    write_text(registry, text);
    CHECK_THAT(refusal({"models"}), Contains("models.json"));
    CHECK_THAT(refusal({"models", "add", "m", reference}), Contains("models.json"));
    CHECK(read_text(registry) == text);
  }
}

TEST_CASE("generate: replies in the order of the prompts, one JSON line each", "[cli]") {
  const TemporaryFolder folder;
  write_text(folder / "r.jsonl",
             "{\"id\":\"a\",\"sample\":0,\"output\":\"first\"}\n"
             "{\"id\":\"b\",\"sample\":0,\"output\":\"second\",\"finish_reason\":\"length\"}\n");
  write_text(folder / "p.jsonl", "{\"id\":\"b\",\"prompt\":\"B?\"}\n{\"id\":\"a\",\"prompt\":\"A?\"}\n");
  const std::string model = "replay:" + (folder / "r.jsonl");
  const Ended ended = call({"generate", "--model", model, "--prompts", folder / "p.jsonl", "--json"});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const std::vector<Json> lines = json_lines_of(ended.out);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["id"] == "b");
  CHECK(lines[0]["finish_reason"] == "length");
  CHECK(lines[1]["text"] == "first");
  for (const char* key : {"id", "prompt_tokens", "tokens", "text", "finish_reason", "timings"}) {
    CHECK(lines[0].contains(key));
  }
  CHECK(call({"generate", "--model", model, "--prompts", folder / "p.jsonl"}).out == "# b\nsecond\n# a\nfirst\n");

  write_text(folder / "p.jsonl", "{\"id\":\"a\",\"prompt\":\"A?\"}\n{\"id\":\"c\",\"prompt\":\"C?\"}\n");
  const Ended failed = call({"generate", "--model", model, "--prompts", folder / "p.jsonl", "--json"});
  CHECK(failed.exit_code == 3);
  CHECK(json_lines_of(failed.out).at(1).contains("failure"));
  write_text(folder / "p.jsonl", "{\"id\":\"a\",\"prompt\":\"A?\"}\n{\"id\":\"a\",\"prompt\":\"A?\"}\n");
  CHECK_THAT(call({"generate", "--model", model, "--prompts", folder / "p.jsonl"}).err, Contains("p.jsonl:2"));
}

// Golden activations by transformers, see tests/data/README.md; an engine that computes in float32 agrees to about
// 1e-4.
TEST_CASE("logits: names, shapes and values are those of the golden file", "[cli]") {
  const TemporaryFolder folder;
  const std::string model = std::string(ASSAY_SOURCE_DIR) + "/tests/data/golden/deepseek_v3_yarn";
  const Ended ended = call({"logits", "--model", model, "--tokens", model + "/golden.safetensors", "--out",
                            folder / "out.safetensors", "--hidden", "--json"});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const auto golden = runners::SafetensorsFile::open(model + "/golden.safetensors");
  const auto written = runners::SafetensorsFile::open(folder / "out.safetensors");
  REQUIRE(golden);
  REQUIRE(written);
  CHECK(json_of(ended.out)["tensors"] == written->tensors().size());
  for (const runners::TensorView& expected : golden->tensors()) {
    if (expected.name.starts_with("tokens.")) continue;
    INFO(expected.name);
    const runners::TensorView* tensor = written->find(expected.name);
    REQUIRE(tensor != nullptr);
    CHECK(tensor->shape == expected.shape);
    const std::vector<float> values = *runners::read_floats(*tensor);
    const std::vector<float> expected_values = *runners::read_floats(expected);
    float largest = 0, difference = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      largest = std::max(largest, std::abs(expected_values[i]));
      difference = std::max(difference, std::abs(values[i] - expected_values[i]));
    }
    CHECK(difference <= 1e-4f * largest);
  }
  CHECK_FALSE(
      call({"logits", "--model", model, "--tokens", model + "/model.safetensors", "--out", folder / "x"}).exit_code ==
      0);
}

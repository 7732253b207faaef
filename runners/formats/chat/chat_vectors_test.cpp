// Whole conversations against transformers' apply_chat_template. How the records were made: testdata/make_rendered.py.

#include <map>
#include <string>
#include <vector>

#include "runners/formats/chat/chat_template.h"
#include "runners/formats/chat/messages.h"
#include "runners/formats/chat/template_recognition.h"
#include "runners/formats/chat/test_tokenizers.h"
#include "runners/formats/tokenizer/test_files.h"

using namespace assay;
using namespace assay::runners;
using namespace assay::runners::testing;

namespace {

Tokenizer load_with_config(const std::string& name) {
  auto data = parse_tokenizer_json(read_testdata(name + ".tokenizer.json.xz"), name);
  if (!data) FAIL(data.error().message);
  const auto applied = apply_tokenizer_config(read_testdata(name + ".tokenizer_config.json"), name, *data);
  if (!applied) FAIL(applied.error().message);
  auto tokenizer = Tokenizer::create(std::move(*data), name);
  if (!tokenizer) FAIL(tokenizer.error().message);
  return std::move(*tokenizer);
}

const Tokenizer& shipped_tokenizer(const std::string& name) {
  static std::map<std::string, Tokenizer> loaded;
  const auto found = loaded.find(name);
  return found != loaded.end() ? found->second : loaded.emplace(name, load_with_config(name)).first->second;
}

ChatTemplate named(const std::string& name, const Tokenizer& tokenizer) {
  auto chosen = choose_template(std::nullopt, tokenizer, name);
  if (!chosen) FAIL(chosen.error().message);
  return *chosen;
}

}  // namespace

TEST_CASE("ChatTemplate: prompts are those that transformers makes of the models' own templates", "[chat]") {
  std::map<std::string, int> n_texts;
  for (const Json& record : read_records("../../chat/testdata/rendered.jsonl.gz")) {
    const JsonObject object = *JsonObject::of(record, "rendered.jsonl");
    const std::string name = record["template"];
    INFO(name << ": " << record["messages"] << ", opens_reply " << record["opens_reply"]);
    const auto messages = read_messages(object);
    REQUIRE(messages);
    const ReplyOpening opening = record["opens_reply"].get<bool>() ? ReplyOpening::write : ReplyOpening::leave_out;
    const auto prompt = named(name, tokenizer_of(name)).render(*messages, opening);
    ++n_texts[name];
    if (record["text"].is_null()) {
      CHECK_FALSE(prompt);
      continue;
    }
    if (!prompt) FAIL(prompt.error().message);
    CHECK(prompt->text == record["text"].get<std::string>());
    std::string joined;
    for (const Segment& segment : prompt->segments) joined += segment.text;
    CHECK(joined == prompt->text);
    CHECK(prompt->text.ends_with(prompt->prefill));
    CHECK((opening == ReplyOpening::write || prompt->prefill.empty()));
  }
  CHECK(n_texts.size() + 1 == chat_template_names().size());  // all but raw
  for (const auto& [name, n] : n_texts) CHECK(n == 40);
}

TEST_CASE("encode_prompt: ids are those that transformers makes of the models' own templates", "[chat]") {
  int n_records = 0;
  for (const Json& record : read_records("../../chat/testdata/rendered.jsonl.gz")) {
    if (!record.contains("ids")) continue;
    const std::string name = record["template"];
    INFO(name << ": " << record["messages"]);
    const Tokenizer& tokenizer = shipped_tokenizer(record["tokenizer"]);
    const auto messages = read_messages(*JsonObject::of(record, "rendered.jsonl"));
    REQUIRE(messages);
    const ReplyOpening opening = record["opens_reply"].get<bool>() ? ReplyOpening::write : ReplyOpening::leave_out;
    const auto prompt = named(name, tokenizer).render(*messages, opening);
    REQUIRE(prompt);
    const auto expected = record["ids"].get<std::vector<std::int32_t>>();
    CHECK(*encode_prompt(tokenizer, *prompt, PromptEncoding::flat) == expected);
    // Keeping control tokens out of messages changes nothing where messages hold none.
    if (record["messages"].dump().find("<") == std::string::npos) CHECK(*encode_prompt(tokenizer, *prompt) == expected);
    ++n_records;
  }
  CHECK(n_records > 250);
}

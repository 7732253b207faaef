#include "suites/load.h"

#include <sys/stat.h>

#include <map>

#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::suites;

namespace {

namespace fs = std::filesystem;

/// A suite folder that goes with the test.
class SuiteFolder {
 public:
  SuiteFolder(const std::string& header, const std::string& items) {
    folder_.write("suite.json", header);
    folder_.write("items.jsonl", items);
  }
  const fs::path& path() const { return folder_.path(); }

 private:
  test_support::TemporaryFolder folder_;
};

std::string header(const std::string& kind, const std::string& more = "") {
  return R"({"name":"mine","version":"1","kind":")" + kind + R"(","title":"Mine","licence":"CC0","source":"here")" +
         more + "}";
}

Result<Suite> load(const std::string& header_text, const std::string& items) {
  return load_suite_folder(SuiteFolder(header_text, items).path());
}

/// The message without the suite's folder, which is gone by now.
std::string message_of(const Error& error) {
  const auto begin = error.message.find(fs::temp_directory_path().string() + "/");
  if (begin == std::string::npos) return error.message;
  const auto end = error.message.find('/', begin + fs::temp_directory_path().string().size() + 1);
  return std::string(error.message).erase(begin, end + 1 - begin);
}

}  // namespace

TEST_CASE("load_suite_folder: prompts of each kind carry question and instruction", "[suites]") {
  auto suite = load(header("integer"), R"({"id":"1","question":"1+1?","answer":"2","tag":"sum"})");
  REQUIRE(suite);
  CHECK(suite->items[0].tag == "sum");
  CHECK_THAT(suite->items[0].prompt, Catch::Matchers::StartsWith("1+1?\n\n") && Catch::Matchers::Contains("\\boxed{}"));
  suite = load(header("choice"), R"({"id":"1","question":"Q?","choices":["x","y","z"],"answer":1})");
  REQUIRE(suite);
  CHECK_THAT(suite->items[0].prompt,
             Catch::Matchers::StartsWith("Q?\n\nA) x\nB) y\nC) z\n\n") && Catch::Matchers::EndsWith("A, B or C."));
  const std::string grid = R"({"id":"1","question":"Q?","solution":{"House 1":{"Name":"Eric"}}})";
  suite = load(header("grid"), grid);
  REQUIRE(suite);
  CHECK_THAT(suite->items[0].prompt, Catch::Matchers::Contains("\"reasoning\": \"___\"") &&
                                         Catch::Matchers::Contains("\"Name\": \"___\"") &&
                                         !Catch::Matchers::Contains("Eric"));
  suite = load(header("grid", R"(,"prompt":{"answer_form":"bare"})"), grid);
  REQUIRE(suite);
  CHECK(suite->prompt.answer_form == AnswerForm::bare);
  CHECK_THAT(suite->items[0].prompt, !Catch::Matchers::Contains("reasoning\":"));
  suite = load(header("text"), R"({"id":"1","question":"Q?","answer":["a"]})");
  REQUIRE(suite);
  CHECK_THAT(suite->items[0].prompt, Catch::Matchers::StartsWith("Q?\n\n") && Catch::Matchers::Contains("<answer>"));
  suite = load(header("code"), R"({"id":"1","prompt":"def f(x):\n","entry_point":"f","test":"def check(f): pass"})"
                               "\n"
                               R"({"id":"2","question":"Add.","io_tests":[{"stdin":"1 2","stdout":"3"}]})"
                               "\n"
                               R"({"id":"3","prompt":"Do it.","entry_point":"f","tests":["assert f"]})");
  REQUIRE(suite);
  CHECK_THAT(suite->items[0].prompt, Catch::Matchers::Contains("```python\ndef f(x):\n"));
  CHECK_THAT(suite->items[1].prompt,
             Catch::Matchers::StartsWith("Add.\n\n") && Catch::Matchers::Contains("standard input"));
  CHECK(suite->items[2].prompt == "Do it.");
}

TEST_CASE("load_suite_folder: a record's prompt is used as it is, a suite's text is filled in once", "[suites]") {
  const auto suite = load(header("integer", R"(,"prompt":{"text":"<{question}> {x} \\boxed{}"})"),
                          R"({"id":"1","question":"{question}","answer":"2"})"
                          "\n"
                          R"({"id":"2","prompt":" as is\n","answer":"2"})");
  REQUIRE(suite);
  CHECK(suite->items[0].prompt == "<{question}> {x} \\boxed{}");
  CHECK(suite->items[1].prompt == " as is\n");
}

TEST_CASE("load_suite_folder: sampling of suite.json", "[suites]") {
  const std::string item = R"({"id":"1","question":"Q","answer":"2"})";
  const auto suite = load(
      header("integer", R"(,"sampling":{"temperature":0.6,"top_p":0.95,"max_output_tokens":100,"samples":4})"), item);
  REQUIRE(suite);
  CHECK(suite->sampling.temperature == 0.6);
  CHECK(suite->sampling.top_p == 0.95);
  CHECK(suite->sampling.max_output_tokens == 100);
  CHECK(suite->sampling.samples == 4);
}

TEST_CASE("load_suite_folder: the card's fields, which change no hash", "[suites]") {
  const std::string item = R"({"id":"1","question":"Q","answer":"2"})";
  const auto suite =
      load(header("integer",
                  R"(,"language":"en","canary":"c","contamination":"public","items_from":"x of y","errata":["1: no"],)"
                  R"("protocols":{"deepseek-r1":{"samples":16}})"),
           item);
  REQUIRE(suite);
  CHECK(suite->notes.language == "en");
  CHECK(suite->notes.canary == "c");
  CHECK(suite->notes.contamination == "public");
  CHECK(suite->notes.items_from == "x of y");
  CHECK(suite->notes.errata == std::vector<std::string>{"1: no"});
  CHECK(suite->protocol_samples.at("deepseek-r1") == 16);
  CHECK(suite->sha256 == load(header("integer"), item)->sha256);
}

TEST_CASE("load_suite_folder: records may stand in one JSON array", "[suites]") {
  const std::string first = R"({"id":"1","question":"Q","answer":"2"})",
                    second = R"({"id":"2","question":"Q","answer":"3"})";
  const auto suite = load(header("integer"), " [" + first + ",\n" + second + "]\n");
  REQUIRE(suite);
  CHECK(suite->items.size() == 2);
  CHECK(suite->sha256 == load(header("integer"), first + "\n" + second)->sha256);
  const auto repeated = load(header("integer"), "[" + first + "," + first + "]");
  REQUIRE_FALSE(repeated);
  CHECK(message_of(repeated.error()) ==
        "items.jsonl: record 2: field \"id\" repeats \"1\" of record 1; ids must differ");
  CHECK(message_of(load(header("integer"), "[" + first + ",7]").error()) ==
        "items.jsonl: record 2: must be a JSON object, is number");
  CHECK_FALSE(load(header("integer"), "[]"));
  CHECK_FALSE(load(header("integer"), "[" + first));
}

TEST_CASE("load_suite_folder: a broken suite.json is refused with its field", "[suites]") {
  struct Case {
    std::string header, message;
  };
  const auto [text, message] = GENERATE(values<Case>({
      {"{", "suite.json: byte 2: no valid JSON"},
      {"[]", "suite.json: must be a JSON object, is array"},
      {R"({"name":"x"})", "suite.json: field \"version\" is missing"},
      {header("integer", R"(,"colour":"red")"), "suite.json: unknown field \"colour\""},
      {header("riddle"), "suite.json: field \"kind\" is an unknown kind \"riddle\"; known are: integer, "},
      {header("text", R"(,"archive":{"file":"a.zip","member":"m"})"),
       "suite.json: field \"archive\" is for suites of kind"},
      {header("choice", R"(,"archive":{"file":"a.zip"})"), "suite.json: archive: field \"member\" is missing"},
      {header("choice", R"(,"archive":{"file":"a.zip","member":"m","option_order":"x"})"),
       "suite.json: archive: field \"option_order\" must be"},
      {R"({"name":"a,b","version":"1","kind":"text","title":"t","licence":"l","source":"s"})",
       "suite.json: field \"name\" must have 1 to 64 letters"},
      {R"({"name":"a","version":"1","kind":"text","title":" ","licence":"l","source":"s"})",
       "suite.json: field \"title\" is empty"},
      {header("integer", R"(,"sampling":{"temperature":-1})"), "suite.json: sampling: field \"temperature\" must be"},
      {header("integer", R"(,"sampling":{"top_p":0})"), "suite.json: sampling: field \"top_p\" must be"},
      {header("integer", R"(,"sampling":{"samples":0})"), "suite.json: sampling: field \"samples\" must be"},
      {header("integer", R"(,"sampling":{"seed":0})"), "suite.json: sampling: unknown field \"seed\""},
      {header("integer", R"(,"prompt":{"text":"no place"})"),
       "suite.json: prompt: field \"text\" must hold {question}"},
      {header("choice", R"(,"prompt":{"text":"{question}"})"),
       "suite.json: prompt: field \"text\" must hold {options}"},
      {header("integer", R"(,"canary":7)"), "suite.json: field \"canary\" must be text"},
      {header("integer", R"(,"errata":"item 3")"), "suite.json: field \"errata\" must be a list of texts"},
      {header("integer", R"(,"protocols":{"deepseek-r2":{"samples":4}})"),
       "suite.json: protocols: unknown field \"deepseek-r2\""},
      {header("integer", R"(,"protocols":{"deepseek-r1":{"samples":0}})"),
       "suite.json: protocols: deepseek-r1: field \"samples\" must be between 1 and 100000"},
      {header("integer", R"(,"prompt":{"answer_form":"bare"})"), "suite.json: prompt: field \"answer_form\" is for"},
      {header("grid", R"(,"prompt":{"answer_form":"x"})"), "suite.json: prompt: field \"answer_form\" must be"},
  }));
  const auto suite = load(text, R"({"id":"1","question":"Q","answer":"2"})");
  REQUIRE_FALSE(suite);
  CHECK(suite.error().kind == ErrorKind::bad_input);
  CHECK_THAT(message_of(suite.error()), Catch::Matchers::StartsWith(message));
}

TEST_CASE("load_suite_folder: a broken record is refused with line and field", "[suites]") {
  struct Case {
    std::string kind, record, message;
  };
  const auto [kind, record, message] = GENERATE(values<Case>({
      {"integer", R"({"question":"Q","answer":"2"})", "field \"id\" is missing"},
      {"integer", R"({"id":"","question":"Q","answer":"2"})", "field \"id\" is empty"},
      {"integer", R"({"id":7,"question":"Q","answer":"2"})", "field \"id\" must be text, is number"},
      {"integer", R"({"id":"a\nb","question":"Q","answer":"2"})", "field \"id\" holds a control character"},
      {"integer", R"({"id":"first","question":"Q","answer":"2"})", "field \"id\" repeats \"first\" of line 1"},
      {"integer", R"({"id":"2","answer":"2"})", "field \"question\" is missing"},
      {"integer", R"({"id":"2","question":"  ","answer":"2"})", "field \"question\" is empty"},
      {"integer", R"({"id":"2","question":"Q","prompt":"P","answer":"2"})", "field \"question\" stands beside"},
      {"integer", R"({"id":"2","question":"Q"})", "field \"answer\" is missing"},
      {"integer", R"({"id":"2","question":"Q","answer":"two"})", "field \"answer\" must be an integer as text"},
      {"integer", R"({"id":"2","question":"Q","answer":2.5})", "field \"answer\" must be text, is number"},
      {"integer", R"({"id":"2","question":"Q","answer":"2","tag":1})", "field \"tag\" must be text"},
      {"integer", R"({"id":"2","id":"3"})", "key \"id\" stands twice"},
      {"integer", R"(["2"])", "must be a JSON object"},
      {"integer", R"({"id":"2",)", "byte 11: no valid JSON"},
      {"integer", R"({"id":7,"problem":"Q"})", "field \"answer\" is missing"},
      {"integer", R"({"problem":"Q","answer":"2"})", "field \"id\" is missing"},
      {"math", R"({"id":"2","question":"Q"})", "field \"answer\" is missing"},
      {"math", R"({"id":"2","question":"Q","answer":" "})", "field \"answer\" is empty"},
      {"math", R"({"id":"2","question":"Q","answer":["1"]})", "field \"answer\" must be text, is array"},
      {"choice", R"({"id":"2","question":"Q","answer":"A"})", "field \"choices\" is missing"},
      {"choice", R"({"id":"2","question":"Q","choices":["x"],"answer":"A"})", "field \"choices\" must hold 2 to 26"},
      {"choice", R"({"id":"2","question":"Q","choices":["x",1],"answer":"A"})",
       "field \"choices\" must be a list of texts"},
      {"choice", R"({"id":"2","question":"Q","choices":["x",""],"answer":"A"})",
       "field \"choices\" holds an empty text"},
      {"choice", R"({"id":"2","question":"Q","choices":["x","y"]})", "field \"answer\" is missing"},
      {"choice", R"({"id":"2","question":"Q","choices":["x","y"],"answer":"C"})",
       "field \"answer\" names option C, but"},
      {"choice", R"({"id":"2","question":"Q","choices":["x","y"],"answer":2})", "field \"answer\" names option C, but"},
      {"choice", R"({"id":"2","question":"Q","choices":["x","y"],"answer":-1})", "field \"answer\" must be a letter"},
      {"choice", R"({"id":"2","question":"Q","choices":["x","y"],"answer":"x"})",
       "field \"answer\" names option X, but"},
      {"choice", R"({"id":"2","question":"Q","choices":["x","y"],"answer":"AB"})", "field \"answer\" must be a letter"},
      {"grid", R"({"id":"2","question":"Q"})", "field \"solution\" is missing"},
      {"grid", R"({"id":"2","question":"Q","solution":{}})", "field \"solution\" must hold 1 to 100 houses"},
      {"grid", R"({"id":"2","question":"Q","solution":{"House 1":{}}})",
       "solution: field \"House 1\" must be an object"},
      {"grid", R"({"id":"2","question":"Q","solution":{"House 1":{"Name":1}}})",
       "solution: field \"House 1\" must give \"Name\" a text"},
      {"grid", R"({"id":"2","question":"Q","solution":{"House 1":{"Name":"A"},"House 2":{"Name":"B","Pet":"C"}}})",
       "solution: field \"House 2\" and \"House 1\" must have the same attributes; only one of them has \"Pet\""},
      {"grid", R"({"id":"2","question":"Q","solution":{"House 1":{"Name":"A","Pet":"C"},"House 2":{"Name":"B"}}})",
       "solution: field \"House 2\" and \"House 1\" must have the same attributes; only one of them has \"Pet\""},
      {"code", R"({"id":"2","prompt":"def f(): ..."})", "field \"test\" is missing"},
      {"code", R"({"id":"2","prompt":"P","test":"t"})", "field \"entry_point\" is missing"},
      {"code", R"({"id":"2","prompt":"P","test":"t","entry_point":"f g"})",
       "field \"entry_point\" must be a Python name"},
      {"code", R"({"id":"2","prompt":"P","test":"t","tests":["t"],"entry_point":"f"})",
       "field \"tests\" is one of several"},
      {"code", R"({"id":"2","prompt":"P","tests":[],"entry_point":"f"})", "field \"tests\" is empty"},
      {"code", R"({"id":"2","prompt":"P","cases":[{"args":1}],"entry_point":"f"})",
       "cases[0]: field \"args\" must be a list"},
      {"code", R"({"id":"2","prompt":"P","cases":[{"args":[]}],"entry_point":"f"})",
       "cases[0]: field \"expected\" is missing"},
      {"code", R"({"id":"2","question":"Q","io_tests":[]})", "field \"io_tests\" must be a list"},
      {"code", R"({"id":"2","question":"Q","io_tests":[{"stdin":"1"}]})", "io_tests[0]: field \"stdout\" is missing"},
      {"text", R"({"id":"2","question":"Q","answer":"a"})", "field \"answer\" must be a list of texts"},
      {"text", R"({"id":"2","question":"Q","answer":[]})", "field \"answer\" is empty"},
      {"text", R"({"id":"2","question":"Q","answer":[" "]})", "field \"answer\" holds an empty text"},
  }));
  const std::map<std::string, std::string> good{
      {"integer", R"({"id":"first","question":"Q","answer":"2"})"},
      {"math", R"({"id":"first","question":"Q","answer":"\\frac{1}{2}"})"},
      {"choice", R"({"id":"first","question":"Q","choices":["x","y"],"answer":"A"})"},
      {"grid", R"({"id":"first","question":"Q","solution":{"House 1":{"Name":"Eric"}}})"},
      {"code", R"({"id":"first","prompt":"P","entry_point":"f","tests":["assert f"]})"},
      {"text", R"({"id":"first","question":"Q","answer":["a"]})"}};
  const auto suite = load(header(kind), good.at(kind) + "\n\n" + record + "\n");
  REQUIRE_FALSE(suite);
  CHECK(suite.error().kind == ErrorKind::bad_input);
  CHECK_THAT(message_of(suite.error()), Catch::Matchers::StartsWith("items.jsonl:3: " + message));
}

TEST_CASE("load_suite_folder: missing and empty files", "[suites]") {
  const SuiteFolder folder(header("integer"), "\n \n");
  auto suite = load_suite_folder(folder.path());
  REQUIRE_FALSE(suite);
  CHECK(message_of(suite.error()) == "items.jsonl: holds no records; it must hold one a line");
  fs::remove(folder.path() / "items.jsonl");
  CHECK_FALSE(load_suite_folder(folder.path()));
  CHECK_FALSE(load_suite_folder(folder.path() / "nowhere"));
}

TEST_CASE("load_suite_folder: what is no file is refused and not waited for", "[suites]") {
  const test_support::TemporaryFolder folder;
  const auto refusal = [&] { return load_suite_folder(folder.path()).error().message; };
  REQUIRE(::mkfifo((folder.path() / "suite.json").c_str(), 0600) == 0);
  CHECK_THAT(refusal(), Catch::Matchers::EndsWith("suite.json: is no regular file"));
  std::filesystem::remove(folder.path() / "suite.json");
  folder.write("suite.json", header("integer"));
  REQUIRE(::mkfifo((folder.path() / "items.jsonl").c_str(), 0600) == 0);
  CHECK_THAT(refusal(), Catch::Matchers::EndsWith("items.jsonl: is no regular file"));
  std::filesystem::remove(folder.path() / "items.jsonl");
  std::filesystem::create_symlink("items.jsonl", folder.path() / "items.jsonl");
  CHECK_THAT(refusal(), Catch::Matchers::EndsWith("items.jsonl: Too many levels of symbolic links"));
}

TEST_CASE("load_suite_folder: every truncation of a record is refused or read whole", "[suites]") {
  const std::string record = R"({"id":"1","question":"Q","choices":["x","y"],"answer":"A"})";
  for (std::size_t n = 1; n < record.size(); ++n) CHECK_FALSE(load(header("choice"), record.substr(0, n)));
  for (std::size_t i = 0; i < record.size(); ++i) {
    for (const char c : {'"', '{', '\0', '\xFF', '7'}) {
      std::string mutated = record;
      mutated[i] = c;
      const auto suite = load(header("choice"), mutated);
      CHECK((suite ? suite->items.size() == 1 : suite.error().kind == ErrorKind::bad_input));
    }
  }
}

TEST_CASE("hash_suite: changes with any record, prompt, name or answer form, not with key order or title", "[suites]") {
  const auto hash = [](const std::string& header_text, const std::string& items) {
    const auto suite = load(header_text, items);
    REQUIRE(suite);
    return suite->sha256;
  };
  const std::string item = R"({"id":"1","question":"Q","solution":{"House 1":{"Name":"Eric"}}})";
  const std::string base = hash(header("grid"), item);
  CHECK(base == hash(header("grid"), R"({"question":"Q","tag":null,"id":"1","solution":{"House 1":{"Name":"Eric"}}})"));
  std::string titled = header("grid");
  titled.replace(titled.find("Mine"), 4, "Ours");
  CHECK(base == hash(titled, item));
  CHECK(base != hash(header("grid"), R"({"id":"1","question":"Q","solution":{"House 1":{"Name":"Bob"}}})"));
  CHECK(base != hash(header("grid", R"(,"prompt":{"text":"{question}"})"), item));
  const std::string with_prompt = R"({"id":"1","prompt":"Q","solution":{"House 1":{"Name":"Eric"}}})";
  CHECK(hash(header("grid"), with_prompt) != hash(header("grid", R"(,"prompt":{"answer_form":"bare"})"), with_prompt));
}

TEST_CASE("load_items: the fields of public data sets of mathematics", "[suites]") {
  const SuiteFolder folder("", R"({"id":60,"problem":"P","question":"Q","answer":"025","url":"u"})"
                               "\n"
                               R"({"id":"aime24-1","problem":"P","expected_answer":"73"})"
                               "\n"
                               R"({"unique_id":"test/algebra/1.json","problem":"P","answer":70})");
  const auto items = load_items(folder.path() / "items.jsonl", ItemKind::integer);
  REQUIRE(items);
  REQUIRE(items->size() == 3);
  CHECK((*items)[0].id.value == "60");
  CHECK((*items)[0].record.at("question") == "Q");
  CHECK((*items)[1].record.at("question") == "P");
  CHECK((*items)[1].record.at("answer") == "73");
  CHECK((*items)[2].id.value == "test/algebra/1.json");
}

TEST_CASE("load_items: records for `grade --items`", "[suites]") {
  const SuiteFolder folder("", R"({"id":"a","question":"Q","answer":"2"})");
  const auto items = load_items(folder.path() / "items.jsonl", ItemKind::integer);
  REQUIRE(items);
  CHECK(items->size() == 1);
  CHECK(load_items(folder.path() / "items.jsonl", ItemKind::math));
}

TEST_CASE("load_suite_folder: items may be compressed", "[suites]") {
  const auto suite = load_suite_folder(fs::path(ASSAY_SOURCE_DIR) / "suites" / "simpleqa");
  REQUIRE(suite);
  CHECK(suite->items.size() == 4326);
  CHECK(suite->items[0].record.at("answer") == Json::array({"Michio Sugeno"}));
}

TEST_CASE("load_items: records of kinds language and refusal", "[suites]") {
  const auto load_one = [](ItemKind kind, const std::string& record) {
    const SuiteFolder folder("", record);
    return load_items(folder.path() / "items.jsonl", kind);
  };
  const auto language = load_one(ItemKind::language, R"({"id":"1","question":"Wie viele?","language":"de"})");
  REQUIRE(language);
  CHECK(language->front().prompt == "Wie viele?");
  CHECK(load_one(ItemKind::refusal, R"({"id":"1","question":"How?","expected":"any"})"));
  CHECK_THAT(load_one(ItemKind::language, R"({"id":"1","question":"Q"})").error().message,
             Catch::Matchers::EndsWith("items.jsonl:1: field \"language\" is missing; it must be text"));
  CHECK_THAT(
      load_one(ItemKind::language, R"({"id":"1","question":"Q","language":"nl"})").error().message,
      Catch::Matchers::EndsWith("field \"language\" must be one of en, de, fr, es, it, pt, ru, ar, hi, zh, ja, ko, "
                                "is \"nl\""));
  CHECK_THAT(load_one(ItemKind::refusal, R"({"id":"1","question":"Q","expected":"no"})").error().message,
             Catch::Matchers::EndsWith("field \"expected\" must be \"comply\", \"refuse\" or \"any\", is \"no\""));
}

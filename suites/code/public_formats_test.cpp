// Public files of code suites. The packed tests below were made with Python 3.11's pickle, zlib and base64.

#include "suites/code/public_formats.h"

#include <string>

#include "suites/code/code_task.h"
#include "suites/code/code_window.h"
#include "suites/code/packed_tests.h"
#include "suites/load.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::suites;
using Catch::Matchers::Contains;
using test_support::TemporaryFolder;

namespace {

// base64(zlib(pickle.dumps('[{"input": "1 2\\n", "output": "3", "testtype": "stdin"}]', protocol=4)))
constexpr const char* kPacked =
    "eJxrYJlqwwABPRbR1UqZeQWlJUpWCkqGCkYxeUo6Ckr5pSVQIWMQtyS1uKSksiAVJFBckpKZp1QbO0UPAIP8E88=";
constexpr const char* kPackedProtocol2 =
    "eJxrYIqwYGBgiK5WyswrKC1RslJQMlQwislT0lFQyi8tgQoZg7glqcUlJZUFqSCB4pKUzDyl2thCBj0AT/YSpQ==";
// base64(zlib(pickle.dumps(os.system))): a pickle that would name a function
constexpr const char* kPackedFunction = "eJxrYJkqwgABPawF+cWZFVN62Iori0tSc6dMnqIHAHlUCaY=";

CodeTask task_of(const Json& record) {
  const auto fields = JsonObject::of(record, "record");
  REQUIRE(fields);
  auto task = read_code_task(*fields);
  REQUIRE(task);
  return std::move(*task);
}

std::string problem(const std::string& id, const std::string& date, const std::string& packed,
                    const std::string& metadata) {
  return to_json_text({{"question_id", id},
                       {"question_title", "t"},
                       {"question_content", "Add."},
                       {"platform", "atcoder"},
                       {"contest_id", "c"},
                       {"contest_date", date},
                       {"starter_code", ""},
                       {"difficulty", "easy"},
                       {"public_test_cases", "[{\"input\": \"0 0\\n\", \"output\": \"0\", \"testtype\": \"stdin\"}]"},
                       {"private_test_cases", packed},
                       {"metadata", metadata}});
}

}  // namespace

TEST_CASE("packed tests: LiveCodeBench's layers are taken off, and nothing is executed", "[code]") {
  const std::string text = "[{\"input\": \"1 2\\n\", \"output\": \"3\", \"testtype\": \"stdin\"}]";
  CHECK(*unpack_tests(kPacked, "x") == text);
  CHECK(*unpack_tests(kPackedProtocol2, "x") == text);
  CHECK(*unpack_tests(text, "x") == text);
  CHECK_THAT(unpack_tests("?!", "a:1").error().message, Contains("a:1: is neither a JSON list nor base64"));
  CHECK_THAT(unpack_tests("AAAA", "a:1").error().message, Contains("no whole zlib stream"));
  CHECK_THAT(unpack_tests(kPackedFunction, "a:1").error().message, Contains("no pickle of one text"));
  const std::string whole = kPacked;
  for (std::size_t n = 0; n < whole.size() - 4; ++n) {
    INFO(n);
    CHECK_FALSE(unpack_tests(whole.substr(0, n), "x"));
  }
  CHECK_FALSE(unpack_tests(kPacked, "x", 10));
}

TEST_CASE("public formats: EvalPlus's inputs keep numbers that JSON's readers lose", "[code]") {
  const std::string line =
      R"({"task_id": "Mbpp/7", "prompt": "\"\"\"\nDo it.\n\"\"\"\n", "entry_point": "f", "canonical_solution": "def f(x): return x",)"
      R"( "base_input": [[NaN], ["a]\"{"]], "atol": 0, "plus_input": [[123456789012345678901234567890], [-Infinity], []], "assertion": ""})";
  const auto record = read_code_record(line, "x:1");
  REQUIRE(record);
  CHECK(record->at("base_input") == R"([[NaN], ["a]\"{"]])");
  CHECK(record->at("plus_input") == "[[123456789012345678901234567890], [-Infinity], []]");
  CHECK(record->at("question") == "Do it.");
  const CodeTask task = task_of(*record);
  CHECK(task.kind == CodeTests::differential);
  CHECK(task.n_tests() == 5);
  CHECK(task.dataset == "mbpp");
  CHECK(task.task_number == 7);
  CHECK_FALSE(read_code_record(line.substr(0, line.size() - 40), "x:1"));
}

TEST_CASE("public formats: HumanEval, MBPP and MultiPL-E", "[code]") {
  const auto human_eval = read_code_record(
      R"({"task_id": "test/0", "prompt": "def return1():\n", "canonical_solution": "    return 1", "test": "def check(candidate):\n    assert candidate() == 1", "entry_point": "return1"})",
      "x:1");
  REQUIRE(human_eval);
  CHECK(human_eval->at("id") == "test/0");
  CHECK(task_of(*human_eval).kind == CodeTests::check);
  const auto mbpp = read_code_record(
      R"j({"text": "Add.", "code": "def add(a, b):\n  return a+b", "task_id": 12, "test_setup_code": "root = Node(1)", )j"
      R"j("test_list": ["assert add(1, 2) == 3"], "challenge_test_list": []})j",
      "x:1");
  REQUIRE(mbpp);
  CHECK(mbpp->at("id") == "12");
  CHECK(mbpp->at("entry_point") == "add");
  CHECK(task_of(*mbpp).asserts == std::vector<std::string>{"root = Node(1)\nassert add(1, 2) == 3"});
  const auto cpp = read_code_record(
      R"j({"name": "n", "language": "cpp", "prompt": "int f() {\n", "tests": "}\nint main() {}", "stop_tokens": []})j",
      "x:1");
  REQUIRE(cpp);
  CHECK(task_of(*cpp).language == CodeLanguage::cpp);
  const auto own = read_code_record(R"({"id": "mine", "task_id": "x", "prompt": "p"})", "x:1");
  REQUIRE(own);
  CHECK(own->at("id") == "mine");
}

TEST_CASE("public formats: LiveCodeBench's problems", "[code]") {
  const auto stdin_problem = read_code_record(problem("abc1", "2024-08-01T00:00:00", kPacked, "{}"), "x:1");
  REQUIRE(stdin_problem);
  const CodeTask program = task_of(*stdin_problem);
  CHECK(program.kind == CodeTests::io);
  REQUIRE(program.io_tests.size() == 2);
  CHECK(program.io_tests[1].stdin_text == "1 2\n");
  const auto function_problem =
      read_code_record(problem("abc2", "2024-08-01T00:00:00", kPacked, R"({"func_name": "add"})"), "x:1");
  REQUIRE(function_problem);
  const CodeTask function = task_of(*function_problem);
  CHECK(function.kind == CodeTests::cases);
  CHECK(function.entry_point == "add");
  CHECK(livecodebench_erratum("abc337_e") == "interactive");
  CHECK(livecodebench_erratum("abc338_e").empty());
}

TEST_CASE("code window: a part of a suite by date, and without errata", "[code]") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "lcb.jsonl";
  folder.write("lcb.jsonl", problem("a", "2024-07-31T00:00:00", kPacked, "{}") + "\n" +
                                problem("abc362_c", "2024-08-01T00:00:00", kPacked, "{}") + "\n" +
                                problem("c", "2025-01-31T00:00:00", kPacked, "{}") + "\n");
  Suite suite;
  suite.name = "livecodebench";
  suite.kind = ItemKind::code;
  const auto whole = with_items(suite, file);
  REQUIRE(whole);
  const auto part = [&](const std::string& name) {
    const auto window = parse_code_window(name);
    REQUIRE(window);
    return within_window(*whole, *window);
  };
  const auto august = part("livecodebench:to=2025-01-31:from=2024-08-01");
  REQUIRE(august);
  CHECK(august->name == "livecodebench:from=2024-08-01:to=2025-01-31");
  CHECK(august->items.size() == 2);
  CHECK(august->sha256 != whole->sha256);
  CHECK(part("livecodebench:errata=exclude")->items.size() == 2);
  CHECK(part("livecodebench")->items.size() == 3);
  CHECK_FALSE(part("livecodebench:from=2030-01-01"));
  CHECK_THAT(parse_code_window("livecodebench:from=August").error().message, Contains("must be a day such as"));
  CHECK_THAT(parse_code_window("livecodebench:from=2025-01-01:to=2024-01-01").error().message,
             Contains("before it begins"));
  CHECK_THAT(parse_code_window("livecodebench:n=3").error().message, Contains("is unknown"));
  CHECK_THAT(parse_code_window("livecodebench:from=2025-02-29").error().message, Contains("must be a day such as"));
  CHECK(parse_code_window("livecodebench:from=2024-02-29"));
  CHECK_THAT(parse_code_window("livecodebench:to=2025-01-01:to=2025-01-02").error().message,
             Contains("to is given twice"));
  CHECK(parse_code_window("zebra:3x4")->suite == "zebra:3x4");
}

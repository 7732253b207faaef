#include "suites/code/code_task.h"

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;
using Catch::Matchers::Contains;

namespace {

Result<CodeTask> read(std::string_view text) {
  const auto document = parse_json(text, "items.jsonl:7");
  REQUIRE(document);
  const auto record = JsonObject::of(*document, "items.jsonl:7");
  REQUIRE(record);
  return read_code_task(*record);
}

}  // namespace

TEST_CASE("read_code_task: reads the four forms that INTERFACE lists", "[code]") {
  const auto check = read(
      R"j({"id":"a","prompt":"import math\ndef f(x):\n    pass\n","entry_point":"f","test":"def check(c): pass"})j");
  REQUIRE(check);
  CHECK(check->kind == CodeTests::check);
  CHECK(check->stub == "import math\ndef f(x):\n    pass\n");
  CHECK(check->n_tests() == 1);

  const auto asserts = read(
      R"j({"id":"a","prompt":"Do it:\n```python\ndef f(x):\n```\n","entry_point":"f","tests":["assert f(1)","assert f(2)"]})j");
  REQUIRE(asserts);
  CHECK(asserts->kind == CodeTests::asserts);
  CHECK(asserts->stub == "def f(x):\n");
  CHECK(asserts->n_tests() == 2);

  const auto cases = read(
      R"j({"id":"a","prompt":"Add.","entry_point":"f","cases":[{"args":[1,2],"expected":3},{"args":[],"expected":null}]})j");
  REQUIRE(cases);
  CHECK(cases->kind == CodeTests::cases);
  CHECK(cases->stub.empty());
  CHECK(cases->n_tests() == 2);

  const auto io =
      read(R"j({"id":"a","question":"Echo.","io_tests":[{"stdin":"1\n","stdout":"1\n"}],"time_limit_s":2})j");
  REQUIRE(io);
  CHECK(io->kind == CodeTests::io);
  CHECK(io->io_tests.at(0).stdin_text == "1\n");
  CHECK(io->test_s == 2);
}

TEST_CASE("read_code_task: a broken record is refused with place and field", "[code]") {
  const auto [record, field] = GENERATE(table<const char*, const char*>({
      {R"j({"id":"a","prompt":"p","entry_point":"f"})j", "exactly one"},
      {R"j({"id":"a","test":"t","tests":["t"],"entry_point":"f"})j", "exactly one"},
      {R"j({"id":"a","test":"t"})j", "entry_point"},
      {R"j({"id":"a","test":"t","entry_point":""})j", "entry_point"},
      {R"j({"id":"a","test":1,"entry_point":"f"})j", "test"},
      {R"j({"id":"a","tests":[],"entry_point":"f"})j", "tests"},
      {R"j({"id":"a","tests":[1],"entry_point":"f"})j", "tests"},
      {R"j({"id":"a","cases":{},"entry_point":"f"})j", "cases"},
      {R"j({"id":"a","cases":[1],"entry_point":"f"})j", "cases[0]"},
      {R"j({"id":"a","cases":[{"args":1,"expected":1}],"entry_point":"f"})j", "args"},
      {R"j({"id":"a","cases":[{"args":[]}],"entry_point":"f"})j", "expected"},
      {R"j({"id":"a","io_tests":[]})j", "io_tests"},
      {R"j({"id":"a","io_tests":[{"stdin":"x"}]})j", "stdout"},
      {R"j({"id":"a","io_tests":[{"stdin":1,"stdout":"x"}]})j", "stdin"},
      {R"j({"id":"a","io_tests":[{"stdin":"","stdout":""}],"time_limit_s":0})j", "time_limit_s"},
      {R"j({"id":"a","io_tests":[{"stdin":"","stdout":""}],"time_limit_s":"6"})j", "time_limit_s"},
      {R"j({"id":"a","io_tests":[{"stdin":"","stdout":""}],"time_limit_s":1e9})j", "time_limit_s"},
  }));
  INFO(record);
  const auto task = read(record);
  REQUIRE_FALSE(task);
  CHECK(task.error().kind == ErrorKind::bad_input);
  CHECK_THAT(task.error().message, Contains("items.jsonl:7") && Contains(field));
}

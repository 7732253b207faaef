#include "results/import/python_json.h"

#include "harness/base/file.h"
#include "results/import/import.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::results;
using assay::test_support::TemporaryFolder;
using Catch::Matchers::Contains;

TEST_CASE("without_nan: constants become null, strings and broken texts stay", "[results][import]") {
  // As Python 3.11 writes json.dumps([float("nan"), float("inf"), -float("inf"), "NaN", -1.5]).
  CHECK(without_nan("[NaN, Infinity, -Infinity, \"NaN\", -1.5]") == "[null, null, null, \"NaN\", -1.5]");
  CHECK(without_nan(R"({"a\"NaN": "\\", "b": NaN})") == R"({"a\"NaN": "\\", "b": null})");
  for (const char* text : {"", "\"NaN", "\"\\", "Na", "-", "{\"a\": nan}", "null"}) CHECK(without_nan(text) == text);
}

TEST_CASE("import: a sample that Inspect left without a score waits for a grader of ours", "[results][import]") {
  const TemporaryFolder folder;
  const std::string file = folder / "log.json";
  REQUIRE(write_file(file, R"({"eval":{"task":"t","model":"m"},"samples":[{"id":1,"epoch":1,"input":"?","target":"5",)"
                           R"("output":{"choices":[{"message":{"content":"5"}}]},"scores":{"math":{"value":NaN}}}]})"));
  const auto runs = read_import(ImportFormat::inspect, file, {}, 0);
  REQUIRE(runs);
  CHECK(runs->front().samples.at(0).sample.text == "5");
  CHECK(runs->front().samples.at(0).verdict.verdict == Verdict::error);
}

TEST_CASE("import: an archive of Inspect is refused with what writes JSON", "[results][import]") {
  const TemporaryFolder folder;
  const std::string file = folder / "log.eval";
  REQUIRE(write_file(file, "PK\x03\x04rest"));
  const auto runs = read_import(ImportFormat::inspect, file, {}, 0);
  REQUIRE_FALSE(runs);
  CHECK(runs.error().kind == ErrorKind::bad_input);
  CHECK_THAT(runs.error().message, Contains("log.eval") && Contains("inspect log dump"));
}

// assay grade: verdicts for outputs made elsewhere, a line each, in the order of the input.

#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

namespace {

const char* const kOutputs =
    "{\"id\":\"q2\",\"output\":\"Answer: A2\",\"sample\":4}\n"
    "{\"id\":\"q1\",\"output\":\"Answer: a2\"}\n"
    "{\"id\":\"q0\",\"output\":\"<think>a0\"}\n"
    "{\"id\":\"q2\",\"output\":\"<think>hm</think>a2\",\"finish_reason\":\"length\"}\n";

}  // namespace

// The verdicts follow from INTERFACE.md's rules for kind `text` and for open thoughts.
TEST_CASE("grade: one line per output in input order, with every field", "[cli]") {
  const TemporaryFolder folder;
  const std::string suite = write_suite(folder, "words", 3);
  write_text(folder / "outputs.jsonl", kOutputs);
  const Ended ended = call({"grade", "--suite", suite, "--in", folder / "outputs.jsonl"});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const std::vector<Json> lines = json_lines_of(ended.out);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0]["id"] == "q2");
  CHECK(lines[0]["sample"] == 4);
  CHECK(lines[0]["verdict"] == "correct");
  CHECK(lines[0]["score"] == 1);
  CHECK(lines[1]["verdict"] == "incorrect");
  CHECK(lines[1]["sample"] == 0);
  CHECK(lines[2]["verdict"] == "truncated");
  CHECK(lines[2]["answer"].is_null());
  CHECK(lines[3]["verdict"] == "correct");
  for (const Json& line : lines) {
    for (const char* key : {"id", "sample", "verdict", "answer", "expected", "score", "rule", "detail"}) {
      CHECK(line.contains(key));
    }
    CHECK(line["detail"].is_object());
  }

  const Ended to_file =
      call({"grade", "--suite", suite, "--in", folder / "outputs.jsonl", "--out", folder / "v.jsonl"});
  CHECK(to_file.exit_code == 0);
  CHECK(to_file.out.empty());
  CHECK(read_text(folder / "v.jsonl") == ended.out);
}

TEST_CASE("grade: --items replaces the suite's items", "[cli]") {
  const TemporaryFolder folder;
  write_text(folder / "items.jsonl", "{\"id\":\"x\",\"question\":\"6*7?\",\"answer\":\"42\"}\n");
  write_text(folder / "outputs.jsonl", "{\"id\":\"x\",\"output\":\"\\\\boxed{42}\"}\n");
  const Ended ended =
      call({"grade", "--suite", "aime-smoke", "--items", folder / "items.jsonl", "--in", folder / "outputs.jsonl"});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  CHECK(json_lines_of(ended.out).at(0)["verdict"] == "correct");
}

TEST_CASE("grade: verdicts never replace what is read, nor a folder", "[cli]") {
  const TemporaryFolder folder;
  const std::string line = "{\"id\":\"x\",\"output\":\"\\\\boxed{42}\"}\n";
  write_text(folder / "items.jsonl", "{\"id\":\"x\",\"question\":\"6*7?\",\"answer\":\"42\"}\n");
  write_text(folder / "outputs.jsonl", line);
  for (const char* out : {"outputs.jsonl", "items.jsonl", "../", "./outputs.jsonl", "missing/out.jsonl"}) {
    const Ended ended = call({"grade", "--suite", "aime-smoke", "--items", folder / "items.jsonl", "--in",
                              folder / "outputs.jsonl", "--out", folder / out});
    CHECK(ended.exit_code == 2);
    CHECK_THAT(ended.err, Contains("--out: "));
  }
  CHECK(read_text(folder / "outputs.jsonl") == line);
}

TEST_CASE("grade: broken lines are refused with file, line and field, and nothing is printed", "[cli]") {
  const TemporaryFolder folder;
  const std::string suite = write_suite(folder, "words", 3);
  const auto refusal = [&](const std::string& line) {
    write_text(folder / "outputs.jsonl", "{\"id\":\"q0\",\"output\":\"a0\"}\n" + line + "\n");
    const Ended ended = call({"grade", "--suite", suite, "--in", folder / "outputs.jsonl"});
    CHECK(ended.exit_code == 2);
    CHECK(ended.out.empty());
    CHECK_THAT(ended.err, Contains("outputs.jsonl:2"));
    return ended.err;
  };
  CHECK_THAT(refusal("{\"id\":\"q9\",\"output\":\"\"}"), Contains("\"q9\""));
  CHECK_THAT(refusal("{\"id\":\"q1\"}"), Contains("\"output\""));
  CHECK_THAT(refusal("{\"output\":\"x\"}"), Contains("\"id\""));
  CHECK_THAT(refusal("{\"id\":\"q1\",\"output\":\"\",\"sample\":-1}"), Contains("\"sample\""));
  CHECK_THAT(refusal("{\"id\":\"q1\",\"output\":\"\",\"finish_reason\":\"tired\"}"), Contains("finish_reason"));
  CHECK_THAT(refusal("{\"id\":\"q1\",\"output\":\"\""), Contains("JSON"));
  CHECK(call({"grade", "--suite", suite, "--in", folder / "missing.jsonl"}).exit_code == 2);
  write_text(folder / "outputs.jsonl", kOutputs);
  CHECK(call({"grade", "--suite", suite, "--profile", "none", "--in", folder / "outputs.jsonl"}).exit_code == 2);
}

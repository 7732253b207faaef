// assay suites, generated puzzles from end to end, and a user's own suite as README.md shows it.

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

namespace {

/// The first ```bash block behind a heading of README.md.
std::string shell_block_behind(const std::string& heading) {
  const std::string text = read_text(std::string(ASSAY_SOURCE_DIR) + "/README.md");
  const auto section = text.find(heading);
  REQUIRE(section != std::string::npos);
  const std::string fence = "```bash\n";
  const auto begin = text.find(fence, section) + fence.size();
  const auto end = text.find("\n```", begin);
  REQUIRE(end != std::string::npos);
  return text.substr(begin, end - begin);
}

/// A recording of right answers to `records`, but for the last one's.
std::string recording_of(const std::vector<Json>& records) {
  std::string lines;
  for (const Json& record : records) {
    const bool is_last = &record == &records.back();
    const Json reply = {{"reasoning", ""}, {"solution", is_last ? Json::object() : record.at("solution")}};
    lines += Json{{"id", record.at("id")}, {"sample", 0}, {"output", reply.dump()}}.dump() + "\n";
  }
  return lines;
}

}  // namespace

TEST_CASE("README: the suite of one's own works as it is pasted", "[cli]") {
  const TemporaryFolder folder;
  write_text(folder / "pasted.sh", "set -e\n" + shell_block_behind("## A suite of your own"));
  const std::string bin = std::filesystem::path(ASSAY_PROGRAM).parent_path();
  const std::string command =
      "cd '" + folder.path().string() + "' && PATH='" + bin + "':\"$PATH\" bash pasted.sh > out.txt 2> err.txt";
  const int status = std::system(command.c_str());
  const std::string out = read_text(folder / "out.txt");
  INFO(out << read_text(folder / "err.txt"));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK_THAT(out, Contains("title: Capitals"));
  CHECK_THAT(out, Contains(R"("id":"fr","sample":0,"verdict":"correct","answer":"Paris")"));
  CHECK_THAT(out, Contains(R"("id":"bo","sample":0,"verdict":"incorrect","answer":"Lima")"));
  CHECK_THAT(out, Contains("capitals") && Contains("50.0 %"));
}

TEST_CASE("suites: the list and every card, as text and JSON", "[cli]") {
  const Json list = json_of(call({"suites", "--json"}).out);
  std::set<std::string> names;
  for (const Json& suite : list.at("suites")) {
    const std::string name = suite.at("suite");
    CAPTURE(name);
    names.insert(name);
    const Ended shown = call({"suites", "show", name, "--json"});
    REQUIRE(shown.exit_code == 0);
    const Json card = json_of(shown.out);
    for (const char* key :
         {"suite", "version", "kind", "title", "licence", "source", "language", "canary", "contamination", "errata",
          "items", "sha256", "grader", "sampling", "protocols", "prompt", "published"}) {
      CHECK(card.contains(key));
    }
    CHECK(card.at("items") == suite.at("items"));
    CHECK(card.at("protocols").at("deepseek-r1").at("temperature") == 0.6);
    CHECK(card.at("protocols").at("deepseek-r1").at("reply_opening") == "<think>\n");
    CHECK(call({"suites", "show", name}).exit_code == 0);
  }
  CHECK(names.contains("zebra"));
  CHECK(list.at("groups")[0].at("group") == "strawberry");
  CHECK(list.at("groups")[0].at("members") == Json{"aime", "gpqa", "code", "zebra"});
  const Json zebra = json_of(call({"suites", "show", "zebra", "--json"}).out);
  CHECK(zebra.at("items") == 1000);
  CHECK(zebra.at("grader").at("profiles") == Json{"canonical", "zeroeval"});
  CHECK(zebra.at("published")[0].at("model") == "DeepSeek-R1");
  CHECK(zebra.at("published")[0].at("value_pct") == 78.7);
  CHECK(zebra.at("published")[0].at("provenance") == "published");
  CHECK(json_of(call({"suites", "show", "smoke", "--json"}).out).at("suites").size() == 4);
}

TEST_CASE("suites show --items: generated puzzles, and no other suite's", "[cli]") {
  const Ended ended = call({"suites", "show", "zebra:3x2:seed=4:n=3", "--items"});
  REQUIRE(ended.exit_code == 0);
  const std::vector<Json> records = json_lines_of(ended.out);
  REQUIRE(records.size() == 3);
  CHECK(records[2].at("id") == "zebra-3x2-s4-0002");
  CHECK(records[2].at("solution").size() == 3);
  const Ended refused = call({"suites", "show", "zebra-smoke", "--items"});
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.err, Contains("--items"));
  CHECK(call({"suites", "show", "zebra:3x2:n=0"}).exit_code == 2);
}

TEST_CASE("zebra: puzzles are run, regraded under a profile, and found again by their name", "[cli]") {
  const TemporaryFolder folder;
  const std::string suite = "zebra:2x3:seed=8:n=4", db = folder / "results.db";
  const std::vector<Json> records = json_lines_of(call({"suites", "show", suite, "--items"}).out);
  write_text(folder / "replies.jsonl", recording_of(records));
  const Ended run =
      call({"run", "--model", "replay:" + (folder / "replies.jsonl"), "--suite", suite, "--db", db, "--json"});
  INFO(run.err);
  REQUIRE(run.exit_code == 0);
  const Json of_suite = json_of(run.out).at("suites")[0];
  CHECK(of_suite.at("suite") == suite);
  CHECK(of_suite.at("accuracy") == 0.75);
  const Ended regraded = call({"regrade", "latest", "--profile", "zeroeval", "--db", db, "--json"});
  INFO(regraded.err);
  REQUIRE(regraded.exit_code == 0);
  CHECK(json_of(regraded.out).at("regraded")[0].at("profile") == "zeroeval");
  CHECK(json_of(regraded.out).at("regraded")[0].at("correct") == 3);
  const Ended graded = call({"grade", "--suite", "zebra:2x3:n=4:seed=8", "--in", folder / "replies.jsonl"});
  CHECK(json_lines_of(graded.out).at(0).at("verdict") == "correct");
  CHECK(json_lines_of(graded.out).at(0).at("detail").at("bucket") == "small");
}

TEST_CASE("regrade: a profile that only some suites of a run have leaves the others as they are", "[cli]") {
  const TemporaryFolder folder;
  const std::string words = write_suite(folder, "words", 2), puzzles = "zebra:2x2:seed=1:n=2",
                    db = folder / "results.db";
  const std::vector<Json> records = json_lines_of(call({"suites", "show", puzzles, "--items"}).out);
  write_text(folder / "replies.jsonl", recording_of(records) + "{\"id\":\"q0\",\"sample\":0,\"output\":\"a0\"}\n" +
                                           "{\"id\":\"q1\",\"sample\":0,\"output\":\"a1\"}\n");
  REQUIRE(call({"run", "--model", "replay:" + (folder / "replies.jsonl"), "--suite", words + "," + puzzles, "--db", db})
              .exit_code == 0);
  const Ended ended =
      call({"regrade", "latest", "--suite", words + "," + puzzles, "--profile", "zeroeval", "--db", db, "--json"});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  CHECK(json_of(ended.out).at("regraded").size() == 1);
  CHECK_THAT(ended.err, Contains("suite words has no profile \"zeroeval\"; it keeps its grading"));
  const Ended none = call({"regrade", "latest", "--suite", words + "," + puzzles, "--profile", "lcb", "--db", db});
  CHECK(none.exit_code == 2);
  CHECK(std::count(none.err.begin(), none.err.end(), '\n') == 1);
}

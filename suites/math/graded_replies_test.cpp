// Replies with verdicts of official graders. testdata/qwen25-math.jsonl.gz: the ends of 1,010 replies of
// Qwen2.5-3B-Instruct with the verdicts of the Qwen2.5-Math grader, from open-thought/reasoning-gym-eval at 5f09fec
// (Apache-2.0); three records without a key are left out. With ASSAY_GRADED_MATH=FOLDER also ZeroEval's math-l5
// replies, zeroeval_math-l5_*.json of WildEval/ZeroEval at 8c1485e, which are too long to ship.

#include <cstdlib>
#include <set>

#include "harness/base/archive.h"
#include "harness/base/file.h"
#include "suites/load.h"
#include "suites/suite.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;

namespace {

Suite math_suite() {
  Suite suite;
  suite.name = "math";
  suite.kind = ItemKind::math;
  return suite;
}

Item item_of(const std::string& question, const std::string& key) {
  Item item;
  item.prompt = question;
  item.record = {{"id", "1"}, {"question", question}, {"answer", key}};
  return item;
}

}  // namespace

TEST_CASE("grade_math: agrees with the Qwen2.5-Math grader but for the cases of AGREEMENT.md", "[suites][math]") {
  const std::set<std::string> listed{"minerva_math/72",  "minerva_math/81",  "minerva_math/85",  "minerva_math/86",
                                     "gaokao2023en/0",   "gaokao2023en/74",  "gaokao2023en/172", "gaokao2023en/185",
                                     "gaokao2023en/225", "gaokao2023en/274", "gaokao2023en/297", "gaokao2023en/366",
                                     "gaokao2023en/370", "aqua/35",          "aqua/217"};
  const auto text =
      read_packed_file(std::filesystem::path(ASSAY_SOURCE_DIR) / "suites/math/testdata/qwen25-math.jsonl.gz");
  REQUIRE(text);
  const Suite suite = math_suite();
  std::set<std::string> differing;
  std::size_t n_replies = 0;
  REQUIRE(for_each_line(*text, [&](std::string_view line, int) -> Result<> {
    ASSAY_ASSIGN(const Json record, parse_json(line, "qwen25-math.jsonl"));
    const Item item = item_of(record.at("question").get<std::string>(), record.at("answer").get<std::string>());
    const std::string reply = record.at("reply").get<std::string>();
    const bool correct = grade(suite, item, {reply}, {}).verdict == Verdict::correct;
    if (correct != record.at("correct").get<bool>()) differing.insert(record.at("id").get<std::string>());
    ++n_replies;
    return {};
  }));
  CHECK(n_replies == 1010);
  CHECK(differing == listed);
}

TEST_CASE("zeroeval profile: ZeroEval's published accuracies of whole runs", "[suites][math]") {
  const char* folder = std::getenv("ASSAY_GRADED_MATH");
  if (folder == nullptr) return;  // the files are not shipped
  struct Run {
    std::string file;
    int n_correct, n_no_answer;  // published in per cent of 721: math-l5.summary.json
  };
  const auto [file, n_correct, n_no_answer] = GENERATE(values<Run>({
      {"zeroeval_math-l5_o1-mini-2024-09-12.json", 644, 38},  // 89.32 and 5.27
      {"zeroeval_math-l5_deepseek-v2.5-0908.json", 322, 12},  // 44.66 and 1.66
  }));
  const auto text = read_packed_file(std::filesystem::path(folder) / file);
  REQUIRE(text);
  const auto records = parse_json(*text, file);
  REQUIRE(records);
  const Suite suite = math_suite();
  GradeContext zeroeval;
  zeroeval.profile = "zeroeval";
  int correct = 0, no_answer = 0, canonical = 0;
  for (const Json& record : *records) {
    const Item item = item_of("?", record.at("answer").get<std::string>());
    const std::string reply = record.at("output").at(0).get<std::string>();
    const Verdict verdict = grade(suite, item, {reply}, zeroeval).verdict;
    correct += verdict == Verdict::correct ? 1 : 0;
    no_answer += verdict == Verdict::no_answer ? 1 : 0;
    canonical += grade(suite, item, {reply}, {}).verdict == Verdict::correct ? 1 : 0;
  }
  CHECK(correct == n_correct);
  CHECK(no_answer == n_no_answer);
  CHECK(canonical == n_correct - 3);  // the first number of "6√2", "100100_b" or "2,-1" is the key: AGREEMENT.md
}

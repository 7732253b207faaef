// Reasoning Gym's verdicts on its zebra puzzles, which a text grader has to reproduce: testdata/ holds every fourth
// reply of its published runs. ASSAY_REASONING_GYM_ZEBRA=FOLDER has the test read all of them, from the runs' own
// files.

#include <cstdlib>
#include <filesystem>

#include "harness/base/archive.h"
#include "harness/base/file.h"
#include "suites/text/text_grader.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;
namespace fs = std::filesystem;

namespace {

/// Whether the grader finds what the official score says of one reply.
bool agrees(const Json& expected, const std::string& reply, double official_score) {
  Item item;
  item.record = {{"id", "1"}, {"question", "?"}, {"answer", Json::array({expected})}};
  return (grade_text(item, {reply, false}).verdict == Verdict::correct) == (official_score == 1);
}

std::string text_or_empty(const Json& object, const char* key) {
  return object.contains(key) && object.at(key).is_string() ? object.at(key).get<std::string>() : "";
}

}  // namespace

TEST_CASE("grade_text: Reasoning Gym's verdicts on zebra puzzles", "[suites][text]") {
  const auto text =
      read_packed_file(std::string(ASSAY_SOURCE_DIR) + "/suites/text/testdata/reasoning-gym-zebra.jsonl.xz");
  REQUIRE(text);
  int n = 0, n_correct = 0;
  REQUIRE(for_each_line(*text, [&](std::string_view line, int number) -> Result<> {
    const Json record = Json::parse(line);
    INFO("line " << number);
    CHECK(agrees(record.at("expected"), record.at("output").get<std::string>(), record.at("score").get<double>()));
    ++n;
    n_correct += record.at("score") == 1.0;
    return {};
  }));
  CHECK(n == 345);
  CHECK(n_correct == 217);
}

TEST_CASE("grade_text: all of Reasoning Gym's verdicts on zebra puzzles", "[suites][text]") {
  const char* folder = std::getenv("ASSAY_REASONING_GYM_ZEBRA");
  if (folder == nullptr) {
    WARN("ASSAY_REASONING_GYM_ZEBRA is not set: only the stored sample of the verdicts was compared");
    return;
  }
  int n = 0;
  for (const auto& file : fs::directory_iterator(folder)) {
    const auto text = read_file(file.path());
    REQUIRE(text);
    const Json document = Json::parse(*text);
    for (const Json& result : document.at("results")) {
      for (const Json& completion : result.at("completions")) {
        std::string reply = text_or_empty(completion, "full_model_response");
        if (reply.empty()) reply = text_or_empty(completion, "model_answer");
        INFO(file.path().filename() << ": " << reply);
        CHECK(agrees(result.at("expected_answer"), reply, completion.at("score").get<double>()));
        ++n;
      }
    }
  }
  CHECK(n > 0);
}

#include "suites/published.h"

#include <algorithm>

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;

namespace {

double value_of(const std::vector<PublishedScore>& scores, const std::string& model, const std::string& metric) {
  const auto found = std::find_if(scores.begin(), scores.end(),
                                  [&](const auto& score) { return score.model == model && score.metric == metric; });
  REQUIRE(found != scores.end());
  return found->value_pct;
}

}  // namespace

// DeepSeek-R1's paper, tables 2, 4 and 5; ZeroEval's summary.
TEST_CASE("published_scores: the shipped figures, with their sources", "[suites]") {
  const auto aime = published_scores("aime2024");
  REQUIRE(aime);
  CHECK(value_of(*aime, "DeepSeek-R1", "pass@1") == 79.8);
  CHECK(value_of(*aime, "DeepSeek-R1-Zero", "cons@64") == 86.7);
  CHECK(value_of(*published_scores("math500"), "DeepSeek-R1", "pass@1") == 97.3);
  CHECK(value_of(*published_scores("gpqa-diamond"), "DeepSeek-R1", "pass@1") == 71.5);
  CHECK(value_of(*published_scores("livecodebench"), "DeepSeek-R1", "pass@1") == 65.9);
  CHECK(value_of(*published_scores("zebra"), "DeepSeek-R1", "puzzle accuracy") == 78.7);
  CHECK(value_of(*published_scores("zebra"), "DeepSeek-R1", "puzzle accuracy, xl") == 28.5);
  CHECK(published_scores("zebra:3x4:seed=0:n=40")->empty());
  // Sources that disagree stand side by side.
  CHECK(std::count_if(aime->begin(), aime->end(), [](const auto& score) { return score.model == "QwQ-32B-Preview"; }) ==
        3);  // paper: pass@1 and cons@64; README: pass@1
}

TEST_CASE("read_published_scores: a broken file is refused with its place", "[suites]") {
  const auto message = [](const char* text) {
    const auto read = read_published_scores(Json::parse(text), "p.json", "a");
    REQUIRE_FALSE(read);
    return read.error().message;
  };
  CHECK(message("[]") == "p.json: must be a JSON object, is array");
  CHECK(message(R"({"sources":{}})") == "p.json: field \"scores\" must be a list");
  CHECK_THAT(message(R"({"sources":{},"scores":[{"suite":"a","metric":"m","source":"s","values_pct":{"x":1}}]})"),
             Catch::Matchers::Contains("field \"s\""));
  CHECK_THAT(
      message(R"({"sources":{"s":"t"},"scores":[{"suite":"b","metric":"m","source":"s","values_pct":{"x":101}}]})"),
      Catch::Matchers::Contains("scores[0]") && Catch::Matchers::Contains("from 0 to 100"));
}

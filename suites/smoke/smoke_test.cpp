// The shipped smoke suites, and the reference model's outputs for them. The verdicts in
// testdata/reference-answers.jsonl were recorded with those outputs, by other graders, when the model was made;
// "answer" is the text behind </think>.

#include <map>

#include "harness/base/file.h"
#include "suites/load.h"
#include "suites/suite.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;

namespace {

const std::filesystem::path kSmoke = std::filesystem::path(ASSAY_SOURCE_DIR) / "suites" / "smoke";

Suite load(const std::string& name) {
  auto suite = load_suite_folder(kSmoke / name);
  if (!suite) FAIL(suite.error().message);
  return *std::move(suite);
}

struct Reference {
  std::string answer;
  bool correct = false;
};

std::map<std::string, Reference> reference_answers() {
  std::map<std::string, Reference> answers;
  const auto text = read_file(kSmoke / "testdata" / "reference-answers.jsonl");
  REQUIRE(text);
  REQUIRE(for_each_line(*text, [&](std::string_view line, int) -> Result<> {
    ASSAY_ASSIGN(const Json record, parse_json(line, "reference-answers.jsonl"));
    answers[record.at("id").get<std::string>()] = {record.at("answer").get<std::string>(),
                                                   record.at("correct").get<bool>()};
    return {};
  }));
  return answers;
}

}  // namespace

TEST_CASE("smoke suites: a hundred items each, greedy, one sample", "[suites]") {
  const auto [name, kind] = GENERATE(table<std::string, ItemKind>({{"zebra-smoke", ItemKind::grid},
                                                                   {"aime-smoke", ItemKind::integer},
                                                                   {"choice-smoke", ItemKind::choice},
                                                                   {"code-smoke", ItemKind::code}}));
  const Suite suite = load(name);
  CHECK(suite.name == name);
  CHECK(suite.kind == kind);
  CHECK(suite.items.size() == 100);
  CHECK(suite.sampling.temperature == 0);
  CHECK(suite.sampling.samples == 1);
  CHECK(suite.sha256.size() == 64);
}

TEST_CASE("smoke suites: items hold the reference model's own prompts and answers", "[suites]") {
  const Item zebra = load("zebra-smoke").items[0];
  CHECK(zebra.id == ItemId("zebra-0001"));
  CHECK(zebra.tag == "3x3");
  CHECK_THAT(zebra.prompt, Catch::Matchers::StartsWith("There are 3 houses, numbered 1 to 3 from left to right."));
  CHECK_THAT(zebra.prompt,
             Catch::Matchers::EndsWith("Give the solution as a JSON object with keys \"House 1\" to \"House 3\"."));
  CHECK(zebra.record.at("solution").at("House 2").at("Pet") == "fish");
  const Item aime = load("aime-smoke").items[1];
  CHECK(aime.prompt ==
        "Find the number of positive divisors of 2^4 * 7^2 * 13^6. Put the final answer, an integer from 0 to 999, in "
        "\\boxed{}.");
  CHECK(aime.record.at("answer") == "105");
  const Item choice = load("choice-smoke").items[1];
  CHECK(choice.record.at("answer") == "B");
  CHECK(choice.tag == "wave");
  const Item code = load("code-smoke").items[0];
  CHECK(code.record.at("entry_point") == "compute");
  CHECK(code.record.at("tests").size() == 8);
  CHECK_THAT(code.prompt,
             Catch::Matchers::StartsWith("Complete this Python function.\n\n```python\ndef compute(nums):\n"));
}

TEST_CASE("smoke suites: graders agree with every recorded verdict", "[suites]") {
  const auto answers = reference_answers();
  REQUIRE(answers.size() == 400);
  const std::string name = GENERATE("zebra-smoke", "aime-smoke", "choice-smoke");
  const Suite suite = load(name);
  int n_correct = 0;
  for (const Item& item : suite.items) {
    const Reference& reference = answers.at(item.id.value);
    const std::string text = "<think>\nthoughts\n</think>" + reference.answer;
    const Grade graded = grade(suite, item, {text, false}, {});
    INFO(item.id << ": " << reference.answer);
    CHECK((graded.verdict == Verdict::correct) == reference.correct);
    CHECK(graded.answer.has_value());
    CHECK(graded.score == (reference.correct ? 1 : 0));
    n_correct += graded.verdict == Verdict::correct ? 1 : 0;
  }
  // The reference model's card: 99 zebra, 96 aime, 100 choice.
  CHECK(n_correct == (name == "zebra-smoke" ? 99 : name == "aime-smoke" ? 96 : 100));
}

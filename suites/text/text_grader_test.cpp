#include "suites/text/text_grader.h"

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;

namespace {

Grade grade_of(const std::string& text, bool hit_length_limit = false) {
  Item item;
  item.record = {{"id", "1"}, {"question", "?"}, {"answer", {"New York", "Stra\u00DFe"}}};
  return grade_text(item, {text, hit_length_limit});
}

struct Vector {
  std::string reply;
  Verdict verdict;
  std::string rule;
};

}  // namespace

// Cases of the interface's own words for kind `text`.
TEST_CASE("grade_text: tag, line, whole reply", "[suites][text]") {
  using enum Verdict;
  const auto [reply, verdict, rule] = GENERATE(values<Vector>({
      {"<answer>New York</answer>", correct, "answer_tag"},
      {"It was <answer>Rome</answer>, no: <answer>  new \n york </answer>.", correct, "answer_tag"},
      {"Answer: Rome\n<answer>New York</answer>", correct, "answer_tag"},
      {"<answer>Rome</answer>\nAnswer: New York", incorrect, "answer_tag"},
      {"<answer>New York</answer></answer>", correct, "answer_tag"},
      {"<answer><answer>New York</answer></answer>", correct, "answer_tag"},
      {"<answer>New York</answer> or <answer>Rome", correct, "answer_tag"},
      {"Thoughts.\nAnswer: New York\nIt is a city.", correct, "answer_line"},
      {"Answer: Rome\n  Answer: NEW\u00A0YORK", correct, "answer_line"},
      {"Answer:\n\nNew York", correct, "answer_line"},
      {"My Answer: New York", incorrect, "whole_reply"},
      {" new   york\n", correct, "whole_reply"},
      {"STRASSE", correct, "whole_reply"},
      {"New York City", incorrect, "whole_reply"},
      {"<answer>New York", incorrect, "whole_reply"},
      {"", no_answer, "nothing_extracted"},
      {"<answer> </answer>", no_answer, "nothing_extracted"},
      {"<think>New York", truncated, "thinking_not_closed"},
      {"<think>Rome</think>New York", correct, "whole_reply"},
  }));
  INFO(reply);
  const Grade graded = grade_of(reply);
  CHECK(to_string(graded.verdict) == to_string(verdict));
  CHECK(graded.rule == rule);
}

TEST_CASE("grade_text: a cut reply is only whole if it is right", "[suites][text]") {
  CHECK(grade_of("New York", true).verdict == Verdict::correct);
  CHECK(grade_of("The city is", true).verdict == Verdict::truncated);
  CHECK(grade_of("Answer: Rome", true).verdict == Verdict::incorrect);
}

TEST_CASE("grade_text: every truncation and mutation is read without harm", "[suites][text]") {
  const std::string reply = "Answer: x\n<answer>New\u00A0York</answer>";
  for (std::size_t n = 0; n < reply.size(); ++n) CHECK(grade_of(reply.substr(0, n)).verdict != Verdict::correct);
  for (std::size_t i = 0; i < reply.size(); ++i) {
    std::string mutated = reply;
    mutated[i] = '\xFF';
    CHECK(grade_of(mutated).verdict != Verdict::error);
  }
}

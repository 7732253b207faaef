#include "suites/choice/choice_profiles.h"

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;

namespace {

Item colour_item() {
  Item item;
  item.record = {{"id", "1"}, {"question", "?"}, {"choices", {"red", "green", "blue", "dark blue"}}, {"answer", "C"}};
  return item;
}

struct Vector {
  std::string reply;
  int simple_evals, inspect, lm_eval_strict, lm_eval;  ///< 1 if the official grader calls it right
};

int is_correct(const Grade& grade) { return grade.verdict == Verdict::correct ? 1 : 0; }

}  // namespace

// The GPQA vectors of the grading specification, columns S, I, Ls and Lf: the official code was run on each.
TEST_CASE("grade_choice_*: the specification's vectors", "[suites][choice]") {
  const auto v = GENERATE(values<Vector>({
      {/* 1*/ "Answer: C", 1, 1, 0, 1},
      {/* 1*/ "ANSWER: C", 1, 1, 0, 1},
      {/* 1*/ "Answer:C", 1, 1, 0, 1},
      {/* 2*/ "answer: c", 0, 1, 0, 0},
      {/* 4*/ "**Answer: C**", 1, 1, 0, 1},
      {/* 5*/ "**Answer:** C", 0, 0, 0, 0},
      {/* 7*/ "Answer: (C)", 0, 0, 0, 1},
      {/* 8*/ "Answer: C)", 1, 1, 0, 1},
      {/*10*/ "The answer is (C).", 0, 0, 1, 1},
      {/*11*/ "The answer is (C)", 0, 0, 1, 1},
      {/*13*/ "I think Answer: A is tempting.\nAnswer: C", 0, 1, 0, 1},
      {/*14*/ "Answer:\nC", 0, 1, 0, 1},
      {/*16*/ "Answer: \\text{C}", 0, 0, 0, 0},
      {/*17*/ "Answer: Carbon", 1, 0, 0, 1},
      {/*19*/ "Answer: dark blue", 0, 0, 0, 0},
      {/*20*/ "C", 0, 0, 0, 0},
      {/*22*/ "Answer: E", 0, 0, 0, 0},
      {/*23*/ "Answer: C, D", 1, 0, 0, 1},
      {/*23*/ "Answer: C and D", 1, 0, 0, 1},
      {/*25*/ "Final Answer: C", 1, 1, 0, 1},
      {/*25*/ "My answer : C", 1, 1, 0, 1},
      {/*26*/ "Answer -> C", 0, 0, 0, 0},
      {/*28*/ "Answer: \uFF23", 0, 0, 0, 0},
      {/*29*/ "<think>Answer: A</think>\nAnswer: C", 0, 1, 0, 1},
      {/*31*/ "Let's check (A) no, (B) no. So (C). But (D) is false", 0, 0, 0, 0},
      {/*32*/ "Answer: c.", 0, 1, 0, 0},
      {/*34*/ "", 0, 0, 0, 0},
      {/*35*/ "Answer: A or C", 0, 0, 0, 0},
      {/*37*/ "The correct answer is C", 0, 0, 0, 0},
      {/*38*/ "The answer is (C) because x", 0, 0, 0, 1},
  }));
  INFO(v.reply);
  const Item item = colour_item();
  const Output output{v.reply, false};
  CHECK(is_correct(grade_choice_simple_evals(item, output)) == v.simple_evals);
  CHECK(is_correct(grade_choice_inspect(item, output)) == v.inspect);
  CHECK(is_correct(grade_choice_lm_eval_strict(item, output)) == v.lm_eval_strict);
  CHECK(is_correct(grade_choice_lm_eval(item, output)) == v.lm_eval);
}

// Cases of the official patterns' own words; verdicts by Python's re on the published patterns.
TEST_CASE("grade_choice_inspect: a whole line goes before what stands inside one", "[suites][choice]") {
  const auto [reply, answer] = GENERATE(table<std::string, std::string>({
      {"ANSWER: A\nThough one may say Answer: B", "A"},
      {"\nANSWER: A.\nANSWER: C", "C"},
      {"Answer: c,", "C"},
      {"answer :\n\n  D  \n", "D"},
      {"Final ANSWER: B (sure)", "B"},
      {"Final ANSWER: B", "B"},
      {"ANSWER: \n**C**", ""},
      {"ANSWER:\n**C** or Answer: C", "C"},
      {"Answer: A B", ""},
      {"Answer: C ANSWER: D", ""},
  }));
  INFO(reply);
  CHECK(grade_choice_inspect(colour_item(), {reply, false}).answer.value_or("") == answer);
}

TEST_CASE("grade_choice_lm_eval: brackets, then options' texts, then colons", "[suites][choice]") {
  const Item item = colour_item();
  CHECK(grade_choice_lm_eval(item, {"(A) or (C), not (z)", false}).rule == "letter_in_brackets");
  const Grade by_text = grade_choice_lm_eval(item, {"It is DARK-blue? No: dark blue!", false});
  CHECK(by_text.rule == "option_text");
  CHECK(by_text.answer == "(D)");
  CHECK(grade_choice_lm_eval(item, {"so:\n C", false}).rule == "letter_behind_colon");
  CHECK(grade_choice_lm_eval(item, {"so:\n C", false}).detail.at("strict_match").at("is_correct") == false);
  CHECK(grade_choice_lm_eval_strict(item, {"The answer is \nThe answer is C.", false}).answer == "C");
}

TEST_CASE("grade_choice_*: without an answer, cut replies and hostile texts", "[suites][choice]") {
  using Grader = Grade (*)(const Item&, const Output&);
  const Grader grader = GENERATE(values<Grader>(
      {&grade_choice_simple_evals, &grade_choice_inspect, &grade_choice_lm_eval, &grade_choice_lm_eval_strict}));
  const Item item = colour_item();
  CHECK(grader(item, {"Hmm", false}).verdict == Verdict::no_answer);
  CHECK(grader(item, {"Hmm", true}).verdict == Verdict::truncated);
  CHECK(grader(item, {"<think>Hmm", false}).verdict == Verdict::truncated);
  const std::string text = "Answer:\u00A0C, \n The answer is (C\u2019). Answer \t: (D)\n";
  for (std::size_t n = 0; n <= text.size(); ++n)
    CHECK(grader(item, {text.substr(0, n), false}).verdict != Verdict::error);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string mutated = text;
    mutated[i] = '\xFF';
    CHECK(grader(item, {mutated, false}).verdict != Verdict::error);
  }
  const std::string part =
      GENERATE("answer: ", "answer:\n", "answer : A ", "The answer is ", ": ", "(", "blue ", "\n", " ");
  std::string repeated;
  for (int i = 0; i < 100'000; ++i) repeated += part;
  CHECK(grader(item, {repeated, false}).verdict != Verdict::error);
}

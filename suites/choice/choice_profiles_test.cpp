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

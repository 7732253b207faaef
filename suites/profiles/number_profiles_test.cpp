#include "suites/suite.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;

namespace {

Verdict verdict_of(ItemKind kind, const std::string& profile, const std::string& reply, const std::string& key) {
  Suite suite;
  suite.name = "numbers";
  suite.kind = kind;
  Item item;
  item.record = {{"id", "1"}, {"question", "?"}, {"answer", key}};
  GradeContext context;
  context.profile = profile;
  return grade(suite, item, {reply}, context).verdict;
}

struct Vector {
  std::string reply, key;
  bool correct;
};

}  // namespace

// Column LME of the grading specification, section 2a: lm-evaluation-harness's own process_results was run there.
TEST_CASE("lm-eval profile: kind integer, the specification's vectors", "[suites]") {
  const auto [reply, key, correct] = GENERATE(values<Vector>({
      {/* 1*/ "So the answer is $\\boxed{204}$.", "204", true},
      {/* 2*/ "\\boxed{10} ... wait, so \\boxed{204}", "204", true},
      {/* 4*/ "\\boxed{025}", "25", false},
      {/* 5*/ "\\boxed{25}", "025", false},
      {/* 7*/ "204", "204", true},
      {/* 8*/ "**204**", "204", false},
      {/*10*/ "\\boxed{204^\\circ}", "204", true},
      {/*11*/ "\\boxed{m+n = 204}", "204", false},
      {/*13*/ "\\boxed{\\text{204}}", "204", false},
      {/*14*/ "\\boxed{1{,}000}", "1000", false},
      {/*14*/ "\\boxed{1,000}", "1000", false},
      {/*16*/ "\\boxed{204\\text{ units}}", "204", true},
      {/*17*/ "\\boxed 204", "204", true},
      {/*19*/ "\\fbox{204}", "204", false},
      {/*20*/ "\\boxed{\\boxed{204}}", "204", true},
      {/*22*/ "\\boxed{204}\\boxed{}", "204", false},
      {/*23*/ "\\boxed{}", "204", false},
      {/*23*/ "", "204", false},
      {/*25*/ "<think>maybe \\boxed{204}", "204", true},
      {/*26*/ "It costs $3 and then $204$", "204", false},
      {/*28*/ "\\boxed{-204}", "204", false},
      {/*29*/ "\\boxed{\uFF12\uFF10\uFF14}", "204", false},
      {/*31*/ "\\boxed{\\$204}", "204", true},
      {/*32*/ "\\boxed{204\\%}", "204", true},
      {/*34*/ "\\boxed{204 \\text{ or } 205}", "204", true},
      {/*35*/ "\\boxed{204, 205}", "204", false},
  }));
  INFO(reply);
  CHECK((verdict_of(ItemKind::integer, "lm-eval", reply, key) == Verdict::correct) == correct);
}

// Column HE of section 2e, and what section 2e says of boxes. The other cases were run with lm-eval 0.4.13.
TEST_CASE("lm-eval profile: kind math", "[suites]") {
  const auto [reply, key, correct] = GENERATE(values<Vector>({
      {/* 1*/ "$0.5$", "\\frac{1}{2}", true},
      {/* 1*/ "$1/2$", "\\frac{1}{2}", true},
      {/* 1*/ "$\\tfrac12$", "\\frac{1}{2}", true},
      {/* 2*/ "$0.333333$", "\\frac{1}{3}", false},
      {/* 6*/ "$\\sqrt{8}$", "2\\sqrt{2}", false},
      {/* 9*/ "$5$", "x=5", true},
      {/* 9*/ "$x=5$", "5", true},
      {/*10*/ "$y=5$", "x=5", true},
      {/*17*/ "$2,1$", "1,2", false},
      {/*19*/ "$10$", "10\\%", true},
      {/*20*/ "$10\\text{ cm}$", "10", true},
      {/*21*/ "$90^\\circ$", "90", true},
      {/*22*/ "$\\$15{,}000$", "15000", false},
      {/*24*/ "$1 000$", "1000", true},
      {/*25*/ "$Evelyn$", "\\text{Evelyn}", false},
      {/*37*/ "$5$", "-5", false},
      {"So $x$ is $5$", "5", false},
      {"\\boxed{5}", "5", false},
      {"5", "5", true},
      {"$\\frac{1}{2}", "\\frac{1}{2}", false},
      {"$\\sqrt$", "\\sqrt", true},
      {"$\\frac1$", "\\frac1", true},
      {"$x/2$", "x/2", true},
      {"$x/2 $", "x/2", false},
      {"$1/02$", "1/2", false},
      {"$.5$", "0.5", true},
  }));
  INFO(reply);
  CHECK((verdict_of(ItemKind::math, "lm-eval", reply, key) == Verdict::correct) == correct);
}

TEST_CASE("zeroeval profile: the first number of the JSON answer", "[suites]") {
  const auto [reply, key, correct] = GENERATE(values<Vector>({
      {R"({"reasoning": "3", "answer": "42"})", "42", true},
      {"```json\n{\"reasoning\": \"a\n{b}\",\n \"answer\": 42}\n```", "42", true},
      {R"({"answer": "$1,000 dollars"})", "1000", true},
      {R"({"answer": "6√2"})", "6", true},
      {R"({"answer": "1/2"})", "0.5", true},
      {R"({"answer": "x = -3"})", "-3", true},
      {R"({"answer": "-3"})", "3", false},
      {R"({"answer": "none"})", "3", false},
      {R"({"x": "\d", "answer": "7"})", "7", true},  // no valid JSON: found by the looser search
      {R"({"answer": "1"} {"answer": "2"})", "2", false},
      {"answer: 5, or so", "5", true},
  }));
  INFO(reply);
  CHECK((verdict_of(ItemKind::math, "zeroeval", reply, key) == Verdict::correct) == correct);
  CHECK((verdict_of(ItemKind::integer, "zeroeval", reply, key) == Verdict::correct) == correct);
  CHECK(verdict_of(ItemKind::math, "zeroeval", "It is 5.", "5") == Verdict::no_answer);
}

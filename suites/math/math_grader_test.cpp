#include "suites/math/math_grader.h"

#include "suites/math/math_extract.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;

namespace {

Grade grade_text_of(const std::string& text, const std::string& key, const std::string& question = "?",
                    bool hit_length_limit = false) {
  Item item;
  item.prompt = question;
  item.record = {{"id", "1"}, {"question", question}, {"answer", key}};
  return grade_math(item, {text, hit_length_limit});
}

struct Vector {
  std::string key, answer;
  bool correct;
};

}  // namespace

// The vectors of the grading specification, section 2e, its numbers in front. Verdicts are those of the canonical rule:
// exact comparison, so decimals do not answer for thirds and roots, and what a reader takes for the same is correct.
TEST_CASE("grade_math: the specification's vectors", "[suites][math]") {
  const auto [key, answer, correct] = GENERATE(values<Vector>({
      {/* 1*/ "\\frac{1}{2}", "0.5", true},
      {/* 1*/ "\\frac{1}{2}", "1/2", true},
      {/* 1*/ "\\frac{1}{2}", "\\tfrac12", true},
      {/* 2*/ "\\frac{1}{3}", "0.333333", false},
      {/* 3*/ "\\frac{1}{3}", "0.3333", false},
      {/* 4*/ "\\sqrt{2}", "1.414214", false},
      {/* 5*/ "\\pi", "3.14", false},
      {/* 6*/ "2\\sqrt{2}", "\\sqrt{8}", true},
      {/* 7*/ "x^2+2x+1", "(x+1)^2", true},
      {/* 8*/ "x", "y", false},
      {/* 9*/ "x=5", "5", true},
      {/* 9*/ "5", "x=5", true},
      {/*10*/ "x=5", "y=5", false},
      {/*11*/ "11", "2x+z=1", false},
      {/*12*/ "1<x<2", "(1,2)", true},
      {/*13*/ "x<2", "2>x", true},
      {/*14*/ "(1,2)", "\\{1,2\\}", false},
      {/*15*/ "(1,2)", "(2,1)", false},
      {/*16*/ "[1,2]", "(1,2)", false},
      {/*17*/ "1,2", "2,1", true},
      {/*18*/ "10\\%", "0.1", true},
      {/*19*/ "10\\%", "10", false},
      {/*20*/ "10", "10\\text{ cm}", true},
      {/*21*/ "90", "90^\\circ", true},
      {/*22*/ "15000", "\\$15{,}000", true},
      {/*23*/ "1000", "1,000", true},
      {/*24*/ "1000", "1 000", true},
      {/*25*/ "\\text{Evelyn}", "Evelyn", true},
      {/*26*/ "\\text{(C)}", "(C)", true},
      {/*27*/ "\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{bmatrix}1\\\\2\\end{bmatrix}", true},
      {/*28*/ "3+4i", "4i+3", true},
      {/*29*/ "e^{i\\pi}", "-1", true},
      {/*30*/ "2^{10}", "1024", true},
      {/*30*/ "10!", "3628800", true},
      {/*30*/ "\\binom{5}{2}", "10", true},
      {/*31*/ "6.02\\times 10^{23}", "602000000000000000000000", true},
      {/*32*/ "11\\frac{1}{2}", "11.5", true},
      {/*33*/ "52_8", "52", false},
      {/*34*/ "x \\in [-2,7]", "[-2,7]", true},
      {/*35*/ "3,-3", "\\pm 3", true},
      {/*36*/ "\\sin^2x+\\cos^2x", "1", true},
      {/*37*/ "-5", "5", false},
      {/*38*/ "5", "5.", true},
      {/*38*/ "5", "5.0", true},
  }));
  for (const std::string& reply :
       {"So it is $\\boxed{" + answer + "}$.", "The answer is $" + answer + "$.", "$" + answer + "$", answer}) {
    INFO(key << " for " << reply);
    CHECK(to_string(grade_text_of(reply, key).verdict) == (correct ? "correct" : "incorrect"));
  }
}

TEST_CASE("grade_math: shapes and spellings", "[suites][math]") {
  const auto [key, answer, correct] = GENERATE(values<Vector>({
      {"\\left( 3, \\frac{\\pi}{2} \\right)", "(3,\\pi/2)", true},
      {"(-\\infty,0)\\cup(0,\\infty)", "(0,+\\infty)\\cup(-\\infty,0)", true},
      {"(-\\infty,0)\\cup(0,\\infty)", "(0,\\infty)", false},
      {"[2,\\infty)", "x\\ge 2", true},
      {"[2,\\infty)", "x > 2", false},
      {"(2,\\infty)", "2 < x", true},
      {"\\{x \\mid -2 \\le x < 1\\}", "[-2,1)", true},
      {"\\{1\\pm\\sqrt{5},-2\\}", "\\{-2, 1+\\sqrt5, 1-\\sqrt5\\}", true},
      {"\\{1,2\\}", "1, 2", true},
      {"1,-2", "x=1 \\text{ or } x=-2", true},
      {"1,-2", "1", false},
      {"y = 2x + 3", "2x+3", true},
      {"y = 2x + 3", "2x-y+3=0", true},
      {"y = 2x + 3", "y = 2x - 3", false},
      {"5x - 7y + 11z + 4 = 0", "-5x+7y-11z=4", true},
      {"2x < 4", "x < 2", true},
      {"2x < 4", "x > 2", false},
      {"-x < 4", "x > -4", true},
      {"\\frac{270}7\\text{ degrees}", "\\frac{270}{7}", true},
      {"10\\text{ cm}", "10\\text{ m}", false},
      {"864 \\mbox{ inches}^2", "864", true},
      {"\\$18.90", "18.9", true},
      {"11,\\! 111,\\! 111,\\! 100", "11111111100", true},
      {".0000672", "6.72\\times10^{-5}", true},
      {"137 \\frac{1}{2}", "137.5", true},
      {"2\\frac58", "\\frac{21}{8}", true},
      {"\\frac9{19}", "9/19", true},
      {"4210_{5}", "4210_5", true},
      {"\\text{east}", "\\text{East}", true},
      {"\\text{even}", "odd", false},
      {"\\emptyset", "\\{\\}", true},
      {"C", "(C) 12", true},
      {"C", "D", false},
      {"\\frac{1}{6}", "0.1\\overline{6}", true},
      {"0.\\overline{3}", "\\frac13", true},
      {"(x,y)=(1,2)", "(1,2)", true},
      {"\\mathbb{R}", "(-\\infty,\\infty)", true},
      {"(-\\infty,2)\\cup(2,\\infty)", "x \\neq 2", true},
      {"\\frac{n(n-1)}{2}", "\\binom{n}{2}", true},
      {"f(x)", "g(x)", false},
      {"n!", "n\\cdot(n-1)!", false},
      {"C", "(C) or (D)", false},
      {"(2,4)", "(2,4)\\text{ cm}", true},
      {"(1,2,3)", "[1,2,3)", false},
      {"\\frac{2\\pic^{2}}{\\lambda}", "\\frac{2 \\pi c^2}{\\lambda}", true},
      {"x_{1}+x_2", "x_2 + x_{1}", true},
      {"\\frac{1}{7}\\begin{pmatrix}1\\\\3\\end{pmatrix}", "\\begin{pmatrix}1/7\\\\3/7\\end{pmatrix}", true},
      {"\\begin{pmatrix}1\\\\3\\end{pmatrix}", "(1,3)", true},
      {"\\begin{pmatrix}1&3\\end{pmatrix}", "\\begin{pmatrix}1\\\\3\\end{pmatrix}", false},
      {"\\left[\\begin{array}{cc}1&2\\\\3&4\\end{array}\\right]", "\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}", true},
      {"\\frac{1}{3}", "x = \\frac{1}{3} \\approx 0.333", true},
      {"I(0)", "0", false},
      {"f(x+1)", "f(1+x)", true},
  }));
  INFO(key << " for " << answer);
  CHECK((grade_text_of("\\boxed{" + answer + "}", key).verdict == Verdict::correct) == correct);
}

TEST_CASE("grade_math: a per cent sign is read as the question asks", "[suites][math]") {
  CHECK(grade_text_of("\\boxed{44\\%}", "44").verdict == Verdict::incorrect);
  CHECK(grade_text_of("\\boxed{44\\%}", "44", "What percent is that?").verdict == Verdict::correct);
  CHECK(grade_text_of("\\boxed{44\\%}", "45", "What percent is that?").verdict == Verdict::incorrect);
}

TEST_CASE("extract_math: where the answer stands", "[suites][math]") {
  struct Case {
    std::string reply, text, rule;
  };
  const auto [reply, text, rule] = GENERATE(values<Case>({
      {"\\boxed{1}, no: \\boxed{\\frac12}", "\\frac12", "boxed"},
      {"\\boxed{7}\\boxed{ }", "7", "boxed"},
      {"First, the answer is 3. No, the answer is $x = 5$.", "x = 5", "answer_line"},
      {"**Answer:** \\(\\frac{1}{2}\\)", "\\frac{1}{2}", "answer_line"},
      {"Final Answer: The largest $n$ is 34.", "34", "answer_line"},
      {"{\"reasoning\": \"r\", \"answer\": \"6\\\\sqrt{3}\"}", "6\\sqrt{3}", "answer_line"},
      {"The answer is (C) because 3 > 2", "(C) because 3 > 2", "answer_line"},
      {"(1, 2]", "(1, 2]", "whole_reply"},
      {"**Evelyn**", "Evelyn", "whole_reply"},
      {"Hence $x$ is $\\sqrt 2$, as was asked", "\\sqrt 2", "last_formula"},
      {"It costs $3 and then $204$", "204", "last_formula"},
      {"We get 3/4 of them", "3/4", "last_number"},
  }));
  INFO(reply);
  const MathExtraction found = extract_math(reply);
  REQUIRE(found.answer);
  CHECK(found.answer->text == text);
  CHECK(found.answer->rule == rule);
}

TEST_CASE("grade_math: verdicts that are neither correct nor incorrect", "[suites][math]") {
  CHECK(grade_text_of("", "5").verdict == Verdict::no_answer);
  CHECK(grade_text_of("I can't say", "5").verdict == Verdict::no_answer);
  CHECK(grade_text_of("<think>\\boxed{5}", "5").verdict == Verdict::truncated);
  CHECK(grade_text_of("\\boxed{\\frac{1", "5").verdict == Verdict::truncated);
  CHECK(grade_text_of("Let me see if that can be", "5", "?", true).verdict == Verdict::truncated);
  CHECK(grade_text_of("<think>\\boxed{6}</think>\\boxed{5}", "5").verdict == Verdict::correct);
}

TEST_CASE("grade_math: what is stored", "[suites][math]") {
  Grade grade = grade_text_of("\\boxed{0.5}", "\\frac{1}{2}");
  CHECK(grade.answer == "1/2");
  CHECK(grade.expected == "1/2");
  CHECK(grade.score == 1);
  CHECK(grade.rule == "boxed");
  CHECK(grade.detail.at("extracted") == "0.5");
  CHECK(grade.detail.at("fallback") == false);
  CHECK(grade.detail.at("undecided") == false);
  grade = grade_text_of("So there are 12 of them", "9^{9^{9^9}}");
  CHECK(grade.verdict == Verdict::incorrect);
  CHECK(grade.detail.at("fallback") == true);
  CHECK(grade.detail.at("undecided") == true);
}

#include "suites/integer/integer_grader.h"

#include "suites/integer/integer_extract.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;

namespace {

Grade grade_text_of(const std::string& text, const std::string& expected, bool hit_length_limit = false) {
  Item item;
  item.record = {{"id", "1"}, {"question", "?"}, {"answer", expected}};
  return grade_integer(item, {text, hit_length_limit});
}

struct Vector {
  std::string reply, expected;
  Verdict verdict;
};

}  // namespace

// The AIME vectors of the grading specification, column "Assay"; its numbers in front. That table compares
// lm-evaluation-harness and Math-Verify (both run there) with what a reader would accept.
TEST_CASE("grade_integer: the specification's vectors", "[suites][integer]") {
  using enum Verdict;
  const auto [reply, expected, verdict] = GENERATE(values<Vector>({
      {/* 1*/ "So the answer is $\\boxed{204}$.", "204", correct},
      {/* 2*/ "\\boxed{10} ... wait, so \\boxed{204}", "204", correct},
      {/* 4*/ "\\boxed{025}", "25", correct},
      {/* 5*/ "\\boxed{25}", "025", correct},
      {/* 7*/ "204", "204", correct},
      {/* 8*/ "**204**", "204", correct},
      {/*10*/ "\\boxed{204^\\circ}", "204", correct},
      {/*11*/ "\\boxed{m+n = 204}", "204", correct},
      {/*13*/ "\\boxed{\\text{204}}", "204", correct},
      {/*13*/ "\\boxed{\\textbf{204}}", "204", correct},
      {/*13*/ "\\boxed{\\mathbf{204}}", "204", correct},
      {/*14*/ "\\boxed{1{,}000}", "1000", correct},
      {/*14*/ "\\boxed{1,000}", "1000", correct},
      {/*16*/ "\\boxed{204\\text{ units}}", "204", correct},
      {/*17*/ "\\boxed 204", "204", correct},
      {/*19*/ "\\fbox{204}", "204", correct},
      {/*20*/ "\\boxed{\\boxed{204}}", "204", correct},
      {/*22*/ "\\boxed{204}\\boxed{}", "204", correct},
      {/*23*/ "\\boxed{}", "204", no_answer},
      {/*23*/ "", "204", no_answer},
      {/*25*/ "<think>maybe \\boxed{204}", "204", truncated},
      {/*26*/ "It costs $3 and then $204$", "204", correct},
      {/*28*/ "\\boxed{-204}", "204", incorrect},
      {/*29*/ "\\boxed{\uFF12\uFF10\uFF14}", "204", correct},
      {/*31*/ "\\boxed{\\$204}", "204", correct},
      {/*32*/ "\\boxed{204\\%}", "204", incorrect},
      {/*34*/ "\\boxed{204 \\text{ or } 205}", "204", incorrect},
      {/*35*/ "\\boxed{204, 205}", "204", incorrect},
  }));
  INFO(reply);
  const Grade graded = grade_text_of(reply, expected);
  CHECK(to_string(graded.verdict) == to_string(verdict));
  CHECK(graded.score == (verdict == correct ? 1 : 0));
}

// More cases of the rule's own words: "unwrap …", "if lhs = rhs take the right side", "exact arithmetic", "two values".
TEST_CASE("grade_integer: what the canonical rule names", "[suites][integer]") {
  using enum Verdict;
  const auto [reply, expected, verdict] = GENERATE(values<Vector>({
      {"\\boxed{1\\,000}", "1000", correct},
      {"\\boxed{1,\\!000}", "1000", correct},
      {"\\boxed{\\mathrm{204}}", "204", correct},
      {"\\boxed{$204$}", "204", correct},
      {"\\boxed{ 204 }", "204", correct},
      {"\\boxed{204.0}", "204", correct},
      {"\\boxed{204.}", "204", correct},
      {"\\boxed{204.5}", "204", incorrect},
      {"\\boxed{\\frac{408}{2}}", "204", correct},
      {"\\boxed{2^{7}+76}", "204", correct},
      {"\\boxed{2.04\\times 10^{2}}", "204", correct},
      {"\\boxed{(100+4)-(-100)}", "204", correct},
      {"\\boxed{2 \\cdot 102}", "204", correct},
      {"\\boxed{x = y = 204}", "204", correct},
      {"\\boxed{204^{\\circ}}", "204", correct},
      {"\\boxed{204\u00B0}", "204", correct},
      {"\\boxed{\\text{204 units}}", "204", correct},
      {"\\boxed{204\\ \\text{cm}}", "204", correct},
      {"\\boxed{204\\,\\mathrm{cm}}", "204", correct},
      {"\\boxed{\u2212204}", "-204", correct},
      {"\\boxed {204}", "204", correct},
      {"\\boxed{204\\text{ cm}^2}", "204", correct},
      {"\\boxed{204\\,\\mathrm{km}/\\mathrm{h}}", "204", correct},
      {"\\boxed{204 degrees}", "204", correct},
      {"\\boxed{\\large 204}", "204", correct},
      {"\\boxed{204;}", "204", correct},
      {"\\boxed{f(1,2) = 204}", "204", correct},
      {"\\boxed{2.04e2}", "204", correct},
      {"\\boxed{2040E-1}", "204", correct},
      {"\\boxed{2.04e+2}", "204", correct},
      {"The answer is 2.04e2.", "204", correct},
      {"\\boxed{2.04\\times 10²}", "204", correct},
      {"\\boxed{2.04·10²}", "204", correct},
      {"\\boxed{2⁷+76}", "204", correct},
      {"\\boxed{20400·10⁻²}", "204", correct},
      {"\\boxed{204e1}", "204", incorrect},
      {"\\boxed{204e}", "204", incorrect},
      {"\\boxed{2.04e2x}", "204", incorrect},
      {"\\boxed{1e99999999999999999999}", "204", incorrect},
      {"\\boxed{204\\text{ million}}", "204", incorrect},
      {"\\boxed{204\\text{ or more}}", "204", incorrect},
      {"\\boxed{204\\text{ squared}}", "204", incorrect},
      {"\\boxed{204^2}", "204", incorrect},
      {"\\boxed{204\\text{ percent}}", "204", incorrect},
      {"\\boxed{x = 204, y = 3}", "3", incorrect},
      {"\\boxed{x = 204 \\text{ or } x = 205}", "205", incorrect},
      {"\\boxed{x}", "204", incorrect},
      {"\\boxed{2^{99999999999}}", "204", incorrect},
      {"\\boxed{9^{9^{9^{9}}}}", "204", incorrect},
      {"\\boxed{204/0}", "204", incorrect},
      {"\\boxed{2\u00B3}", "23", incorrect},
      {"\\boxed{123456789012345678901234567890}", "123456789012345678901234567890", correct},
      {"\\boxed{204", "204", truncated},
      {"First \\boxed{204}. No: \\boxed{20", "204", truncated},
      {"An open \\boxed{ brace, then \\boxed{204}", "204", correct},
      {"The answer is 204.", "204", correct},
      {"**Answer:** 204", "204", correct},
      {"Answer: 204\nThat was step 7 of 9.", "204", correct},
      {"The answer is 7. No, the answer is 204, since 3 divides it.", "204", correct},
      {"The final answer is $2^{7}+76$.", "204", correct},
      {"The answer is m+n = 204.", "204", correct},
      {"The answer is 1,000 dollars", "1000", correct},
      {"The answer is 204 or 205.", "204", incorrect},
      {"The answer is 204 and 205.", "204", incorrect},
      {"The answer is 204 or maybe 205.", "204", incorrect},
      {"The answer is 204%.", "204", incorrect},
      {"That makes 204 per cent", "204", incorrect},
      {"That makes 204 per hour", "204", correct},
      {"Either 204 or 205", "205", incorrect},
      {"so 204%", "204", incorrect},
      {"so x is 204.5", "5", no_answer},
      {"vitamin B12 has no value", "12", no_answer},
      {"<think>1</think>2</think>\\boxed{204}", "204", correct},
      {"<think>\\boxed{204}</think>", "204", no_answer},
  }));
  INFO(reply);
  CHECK(to_string(grade_text_of(reply, expected).verdict) == to_string(verdict));
}

TEST_CASE("grade_integer: answer, rule and fallback flag", "[suites][integer]") {
  Grade graded = grade_text_of("\\boxed{025}", "25");
  CHECK(graded.answer == "25");
  CHECK(graded.expected == "25");
  CHECK(graded.rule == "boxed");
  CHECK(graded.detail.at("fallback") == false);
  graded = grade_text_of("Answer: 1,025", "25");
  CHECK(graded.answer == "1025");
  CHECK(graded.rule == "answer_line");
  graded = grade_text_of("It is 25", "25");
  CHECK(graded.rule == "last_integer");
  CHECK(graded.detail.at("fallback") == true);
  graded = grade_text_of("\\boxed{204 \\text{ or } 205}", "204");
  CHECK(graded.answer == "204 \\text{ or } 205");
}

TEST_CASE("grade_integer: a cut reply without a number is truncated, with one it is graded", "[suites][integer]") {
  CHECK(grade_text_of("Let me think about", "204", true).verdict == Verdict::truncated);
  CHECK(grade_text_of("Let me think about", "204", false).verdict == Verdict::no_answer);
  CHECK(grade_text_of("\\boxed{204} and", "204", true).verdict == Verdict::correct);
}

TEST_CASE("extract_integer: hostile texts end quickly and quietly", "[suites][integer]") {
  const auto repeated = [](std::string_view part, int n) {
    std::string text;
    for (int i = 0; i < n; ++i) text += part;
    return text;
  };
  CHECK(extract_integer(repeated("\\boxed{", 100'000)).box_is_open);
  CHECK_FALSE(extract_integer(repeated("answer: ", 100'000)).answer);
  CHECK(extract_integer(repeated("7 or ", 100'000)).answer->text == "7 or 7");
  CHECK_FALSE(extract_integer("\\boxed{" + repeated("(", 100'000) + "}").answer->is_integer);
  CHECK_FALSE(extract_integer("\\boxed{" + repeated("9", 100'000) + "}").answer->is_integer);
  CHECK_FALSE(extract_integer("\\boxed{" + repeated("9*", 100'000) + "9}").answer->is_integer);
  CHECK_FALSE(extract_integer("\\boxed{\xFF\xC0}").answer->is_integer);
}

TEST_CASE("extract_integer: every truncation and mutation of a reply is read without harm", "[suites][integer]") {
  const std::string reply =
      "So $m+n = \\frac{408}{2}$, **Answer:** 1{,}000 or \\boxed{\\text{204 units}^\\circ}\uFF12.";
  for (std::size_t n = 0; n <= reply.size(); ++n) {
    const IntegerExtraction found = extract_integer(std::string_view(reply).substr(0, n));
    CHECK((!found.answer || !found.answer->text.empty()));
  }
  for (std::size_t i = 0; i < reply.size(); ++i) {
    for (const char c : {'{', '}', '\\', '^', '\xE2', '\0', '-', '9'}) {
      std::string mutated = reply;
      mutated[i] = c;
      const IntegerExtraction found = extract_integer(mutated);
      CHECK((found.box_is_open ? !found.answer : found.answer.has_value()));
    }
  }
}

#include "suites/choice/choice_grader.h"

#include "suites/choice/choice_extract.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;

namespace {

Item colour_item() {
  Item item;
  item.record = {{"id", "1"}, {"question", "?"}, {"choices", {"red", "green", "blue", "dark blue"}}, {"answer", "C"}};
  return item;
}

Grade grade_of(const std::string& text, bool hit_length_limit = false) {
  return grade_choice(colour_item(), {text, hit_length_limit});
}

struct Vector {
  std::string reply;
  Verdict verdict;
};

}  // namespace

// The GPQA vectors of the grading specification, column "Assay", with its options red, green, blue, dark blue and key
// C; its numbers in front.
TEST_CASE("grade_choice: the specification's vectors", "[suites][choice]") {
  using enum Verdict;
  const auto [reply, verdict] = GENERATE(values<Vector>({
      {/* 1*/ "Answer: C", correct},
      {/* 1*/ "ANSWER: C", correct},
      {/* 1*/ "Answer:C", correct},
      {/* 2*/ "answer: c", correct},
      {/* 4*/ "**Answer: C**", correct},
      {/* 5*/ "**Answer:** C", correct},
      {/* 7*/ "Answer: (C)", correct},
      {/* 8*/ "Answer: C)", correct},
      {/*10*/ "The answer is (C).", correct},
      {/*11*/ "The answer is (C)", correct},
      {/*13*/ "I think Answer: A is tempting.\nAnswer: C", correct},
      {/*14*/ "Answer:\nC", correct},
      {/*16*/ "Answer: \\text{C}", correct},
      {/*17*/ "Answer: Carbon", no_answer},
      {/*19*/ "Answer: dark blue", incorrect},
      {/*20*/ "C", correct},
      {/*22*/ "Answer: E", no_answer},
      {/*23*/ "Answer: C, D", no_answer},
      {/*23*/ "Answer: C and D", no_answer},
      {/*25*/ "Final Answer: C", correct},
      {/*25*/ "My answer : C", correct},
      {/*26*/ "Answer -> C", no_answer},
      {/*28*/ "Answer: \uFF23", correct},
      {/*29*/ "<think>Answer: A</think>\nAnswer: C", correct},
      {/*31*/ "Let's check (A) no, (B) no. So (C). But (D) is false", no_answer},
      {/*32*/ "Answer: c.", correct},
      {/*34*/ "", no_answer},
      {/*35*/ "Answer: A or C", no_answer},
      {/*37*/ "The correct answer is C", correct},
      {/*38*/ "The answer is (C) because x", correct},
  }));
  INFO(reply);
  CHECK(to_string(grade_of(reply).verdict) == to_string(verdict));
}

// More cases of the rule's own words.
TEST_CASE("grade_choice: what the canonical rule names", "[suites][choice]") {
  using enum Verdict;
  const auto [reply, verdict] = GENERATE(values<Vector>({
      {"Answer: blue", correct},
      {"The answer is Blue.", correct},
      {"Answer: C) blue", correct},
      {"Answer: C. blue", correct},
      {"Answer: **C** (blue)", correct},
      {"\u7B54\u6848\uFF1AC", correct},
      {"\u7B54\u6848\u662FC\u3002", correct},
      {"Answer\uFF1A C", correct},
      {"An\u200Bswer: \u200BC", correct},
      {"Answer: $C$", correct},
      {"Answer: \\(C\\)", correct},
      {"Answer: $\\boxed{\\text{C}}$", correct},
      {"Answer: \\textbf{(C)}", correct},
      {"Answer: \"C\"", correct},
      {"Answer: [C]", correct},
      {"Answer is: C", correct},
      {"So \\boxed{C}.", correct},
      {"First \\boxed{A}, then \\boxed{\\text{(C)}} and \\boxed{7}", correct},
      {"(C).", correct},
      {"Answer: A/C", no_answer},
      {"Answer: C + D", no_answer},
      {"Answer: C|D", no_answer},
      {"Answer: C or C", correct},
      {"Answer: A, B and C", no_answer},
      {"Answer: C. The others, A and B, are wrong.", correct},
      {"Answer: C\nB is wrong since", correct},
      {"The answer is a matter of taste.\nC", no_answer},
      {"The answer is c, a fine colour", correct},
      {"Answer: A-T-T-C", no_answer},
      {"Answer: C-section", no_answer},
      {"Answer: C++", no_answer},
      {"unanswered: C", no_answer},
      {"Answers: C", no_answer},
      {"Answer: C. Later: the answer is E", correct},
      {"<think>Answer: C", truncated},
  }));
  INFO(reply);
  CHECK(to_string(grade_of(reply).verdict) == to_string(verdict));
}

TEST_CASE("grade_choice: the answer's letter, the rule, and cut replies", "[suites][choice]") {
  Grade graded = grade_of("Answer: dark blue");
  CHECK(graded.answer == "D");
  CHECK(graded.expected == "C");
  CHECK(graded.rule == "option_text");
  graded = grade_of("Answer: A or C", true);
  CHECK(graded.verdict == Verdict::no_answer);
  CHECK(graded.rule == "two_options");
  CHECK(grade_of("Hmm", true).verdict == Verdict::truncated);
}

TEST_CASE("grade_choice: records whose answer is a place, and records without choices", "[suites][choice]") {
  Item item = colour_item();
  item.record["answer"] = 2;
  CHECK(grade_choice(item, {"Answer: C", false}).verdict == Verdict::correct);
  item.record = {
      {"id", "1"}, {"prompt", "Which?\n\nA) red\nB) green\nC) blue\n\nAnswer with a letter."}, {"answer", "C"}};
  CHECK(grade_choice(item, {"Answer: blue", false}).verdict == Verdict::correct);
  CHECK(grade_choice(item, {"Answer: D", false}).verdict == Verdict::no_answer);
  item.record = {{"id", "1"}, {"prompt", "Which?"}, {"answer", "E"}};
  CHECK(grade_choice(item, {"Answer: E", false}).verdict == Verdict::correct);
  CHECK(grade_choice(item, {"Answer: F", false}).verdict == Verdict::no_answer);
}

TEST_CASE("extract_choice: truncations, mutations and long texts are read without harm", "[suites][choice]") {
  const std::vector<std::string> options{"red", "green", "blue", "dark blue"};
  const std::string reply = "**Answer\uFF1A** \\boxed{\\text{(C)}} or \u201CD\u201D, $A$ \u7B54\u6848\u662F B.";
  for (std::size_t n = 0; n <= reply.size(); ++n) {
    const auto found = extract_choice(std::string_view(reply).substr(0, n), options);
    CHECK((!found.option || *found.option < 4));
  }
  for (std::size_t i = 0; i < reply.size(); ++i) {
    for (const char c : {'{', '}', '\\', '(', '\xE2', '\0', 'z'}) {
      std::string mutated = reply;
      mutated[i] = c;
      const auto found = extract_choice(mutated, options);
      CHECK((found.option.has_value() || found.is_ambiguous) == !found.rule.empty());
    }
  }
  std::string answers, lists = "Answer: A";
  for (int i = 0; i < 100'000; ++i) {
    answers += "answer:";
    lists += " or A";
  }
  CHECK_FALSE(extract_choice(answers, options).option);
  CHECK(extract_choice(lists, options).option == 0);
}

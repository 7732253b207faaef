#include "suites/reply.h"

#include "tests/support/catch.h"

using namespace assay::suites;

// The specification: what follows the last </think> counts; <think> without </think> is truncated.
TEST_CASE("strip_thinking: what follows the last closing tag", "[suites]") {
  CHECK(strip_thinking({"<think>a</think>b", false}).text == "b");
  CHECK(strip_thinking({"<think>a</think>b</think>c", false}).text == "c");
  CHECK(strip_thinking({"a</think>b", false}).text == "b");
  CHECK(strip_thinking({"plain", false}).text == "plain");
  CHECK(strip_thinking({"<think>\n</think>", false}).text.empty());
  const Reply open = strip_thinking({"<think>a </thin", true});
  CHECK(open.thinking_is_open);
  CHECK(open.text.empty());
  CHECK(open.hit_length_limit);
}

TEST_CASE("grade_without_answer: truncated if the thoughts are open or the reply was cut", "[suites]") {
  CHECK(grade_without_answer({{}, true, false}).verdict == Verdict::truncated);
  CHECK(grade_without_answer({"x", false, true}).verdict == Verdict::truncated);
  CHECK(grade_without_answer({"x", false, false}).verdict == Verdict::no_answer);
}

#include "suites/integer/integer_grader.h"

#include "suites/integer/integer_extract.h"
#include "suites/integer/integer_value.h"
#include "suites/reply.h"

namespace assay::suites {

namespace {

/// The expected integer in its canonical form.
std::string expected_integer(const Json& record) {
  const Json& answer = record.at("answer");
  const auto value = parse_integer_value(answer.is_string() ? answer.get<std::string>() : to_json_text(answer));
  ASSAY_ASSERT(value.has_value(), "check_record has seen this record");
  return *value;
}

Grade grade_extracted(const IntegerAnswer& answer, const std::string& expected) {
  Grade grade;
  grade.verdict = answer.is_integer && answer.text == expected ? Verdict::correct : Verdict::incorrect;
  grade.answer = answer.text;
  grade.rule = answer.rule;
  grade.detail["fallback"] = answer.rule == "last_integer";
  return grade;
}

}  // namespace

Grade grade_integer(const Item& item, const Output& output) {
  const std::string expected = expected_integer(item.record);
  const Reply reply = strip_thinking(output);
  const IntegerExtraction found = extract_integer(reply.text);
  Grade grade = found.answer ? grade_extracted(*found.answer, expected) : grade_without_answer(reply);
  if (found.box_is_open) {
    grade.verdict = Verdict::truncated;
    grade.rule = "box_not_closed";
  }
  grade.expected = expected;
  grade.score = grade.verdict == Verdict::correct ? 1 : 0;
  return grade;
}

}  // namespace assay::suites

#include "suites/math/math_grader.h"

#include "harness/base/text.h"
#include "suites/boxed.h"
#include "suites/fold.h"
#include "suites/math/answer_equal.h"
#include "suites/math/math_extract.h"
#include "suites/reply.h"

namespace assay::suites {

namespace {

/// One spelling: the number if it is one, else the text without typography.
std::string canonical_text(const Expressions& pool, const MathAnswer& answer) {
  const mpq_class* number = answer.kind == AnswerKind::value ? pool.number_of(answer.value) : nullptr;
  static constexpr std::size_t kMaxDigits = 200;
  if (number != nullptr && mpz_sizeinbase(number->get_num_mpz_t(), 10) < kMaxDigits) return number->get_str();
  return answer.text;
}

/// True if a question asks for a number of per cent, so that a key of 44 means 44 %.
bool asks_for_percent(const Item& item) {
  const std::string text = to_lower_ascii(item.prompt);
  return text.find("percent") != std::string::npos || text.find('%') != std::string::npos;
}

Equivalence compare_without_percent(Expressions& pool, const MathAnswer& key, const MathAnswer& given,
                                    const std::string& extracted) {
  const bool is_percent = given.text.ends_with('%') && key.text.find('%') == std::string::npos;
  if (!is_percent || key.kind != AnswerKind::value) return Equivalence::different;
  return compare_answers(pool, key, parse_answer(pool, replace_all(replace_all(extracted, "\\%", ""), "%", "")));
}

/// The key, or what its last box holds if it is a whole solution.
std::string key_text(const Json& record) {
  const Json& answer = record.at("answer");
  const std::string text = fold_forms(answer.is_string() ? answer.get<std::string>() : to_json_text(answer));
  const Boxes boxes = find_boxes(text);
  return boxes.contents.empty() ? text : std::string(boxes.contents.back());
}

}  // namespace

Grade grade_math(const Item& item, const Output& output) {
  Expressions pool;
  const MathAnswer key = parse_answer(pool, key_text(item.record));
  const std::string expected = canonical_text(pool, key);
  const Reply reply = strip_thinking(output);
  const MathExtraction found = extract_math(reply.text);
  Grade grade;
  if (found.answer) {
    const MathAnswer given = parse_answer(pool, found.answer->text);
    Equivalence decided = compare_answers(pool, key, given);
    if (decided == Equivalence::different && asks_for_percent(item)) {
      decided = compare_without_percent(pool, key, given, found.answer->text);
    }
    grade.verdict = decided == Equivalence::equal ? Verdict::correct : Verdict::incorrect;
    grade.answer = decided == Equivalence::equal ? expected : canonical_text(pool, given);
    grade.rule = found.answer->rule;
    grade.detail["extracted"] = found.answer->text;
    grade.detail["fallback"] = grade.rule == "last_formula" || grade.rule == "last_number";
    grade.detail["undecided"] = decided == Equivalence::undecided;
  } else {
    grade = grade_without_answer(reply);
  }
  if (found.box_is_open) {
    grade.verdict = Verdict::truncated;
    grade.rule = "box_not_closed";
  }
  grade.expected = expected;
  grade.score = grade.verdict == Verdict::correct ? 1 : 0;
  return grade;
}

}  // namespace assay::suites

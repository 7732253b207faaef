#include "suites/math/math_grader.h"

#include <algorithm>
#include <optional>
#include <vector>

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

/// What a question may leave to the key: "how many per cent", "in millions". The key 44 then means 44 % or 44 million.
struct AskedScale {
  std::vector<std::string_view> in_question, in_reply;  ///< the reply's spellings longest first
};

/// The reply without a per cent sign or a word such as "million", where the question names it and the key doesn't have
/// it; nothing where none is to be taken away.
std::optional<std::string> without_asked_scale(const Item& item, const std::string& key, const std::string& extracted) {
  static const std::vector<AskedScale> kScales{{{"percent", "per cent", "%"}, {"\\%", "%", "percent", "per cent"}},
                                               {{"dozen"}, {"dozen"}},
                                               {{"hundred"}, {"hundred"}},
                                               {{"thousand"}, {"thousand"}},
                                               {{"million"}, {"millions", "million"}},
                                               {{"billion"}, {"billions", "billion"}},
                                               {{"trillion"}, {"trillion"}}};
  const auto has_any = [](const std::string& text, const std::vector<std::string_view>& words) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return text.find(word) != std::string::npos; });
  };
  const std::string question = to_lower_ascii(item.prompt);
  for (const AskedScale& scale : kScales) {
    const bool is_left_out = has_any(question, scale.in_question) && !has_any(key, scale.in_reply);
    if (!is_left_out || !has_any(extracted, scale.in_reply)) continue;
    std::string rest = extracted;
    for (const std::string_view word : scale.in_reply) rest = replace_all(rest, word, "");
    return rest;
  }
  return std::nullopt;
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
  const std::string key_spelling = key_text(item.record);
  const MathAnswer key = parse_answer(pool, key_spelling);
  const std::string expected = canonical_text(pool, key);
  const Reply reply = strip_thinking(output);
  MathExtraction found = extract_math(reply.text);
  const std::string whole = fold_space(fold_forms(reply.text));
  if (!whole.empty() && whole == fold_space(key_spelling)) found = {ExtractedMath{key_spelling, "whole_reply"}};
  Grade grade;
  if (found.answer) {
    const MathAnswer given = parse_answer(pool, found.answer->text);
    Equivalence decided = compare_answers(pool, key, given);
    if (decided == Equivalence::different && key.kind == AnswerKind::value) {
      const auto rest = without_asked_scale(item, key_spelling, found.answer->text);
      if (rest) decided = compare_answers(pool, key, parse_answer(pool, *rest));
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

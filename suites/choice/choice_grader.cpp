#include "suites/choice/choice_grader.h"

#include "suites/choice/choice_extract.h"
#include "suites/prompts.h"
#include "suites/records.h"
#include "suites/reply.h"

namespace assay::suites {

Grade grade_choice(const Item& item, const Output& output) {
  const std::size_t expected = choice_answer_index(item.record);
  const Reply reply = strip_thinking(output);
  const ChoiceExtraction found = extract_choice(reply.text, choice_options(item.record));
  Grade grade = grade_without_answer(reply);
  if (found.is_ambiguous) {
    grade.verdict = Verdict::no_answer;
    grade.rule = found.rule;
  } else if (found.option) {
    grade.verdict = *found.option == expected ? Verdict::correct : Verdict::incorrect;
    grade.rule = found.rule;
    grade.answer = option_letter(*found.option);
  }
  grade.expected = option_letter(expected);
  grade.score = grade.verdict == Verdict::correct ? 1 : 0;
  return grade;
}

}  // namespace assay::suites

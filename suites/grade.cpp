// Which grader decides: by the suite's kind and the profile asked for.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/text.h"
#include "suites/choice/choice_grader.h"
#include "suites/choice/choice_profiles.h"
#include "suites/code/code_grader.h"
#include "suites/grid/grid_grader.h"
#include "suites/integer/integer_grader.h"
#include "suites/language/language_grader.h"
#include "suites/math/math_grader.h"
#include "suites/profiles/lm_eval_math.h"
#include "suites/profiles/zeroeval_number.h"
#include "suites/refusal/refusal_grader.h"
#include "suites/suite.h"
#include "suites/text/text_grader.h"

namespace assay::suites {

namespace {

std::vector<std::string> profiles_of(ItemKind kind) {
  if (kind == ItemKind::grid) return {"canonical", "zeroeval"};
  if (kind == ItemKind::integer || kind == ItemKind::math) return {"canonical", "lm-eval", "zeroeval"};
  if (kind == ItemKind::choice) return {"canonical", "simple-evals", "lm-eval", "lm-eval-strict", "inspect"};
  if (kind == ItemKind::code) return code_profiles();
  return {"canonical"};
}

Grade grading_failed(const std::string& reason) {
  Grade grade;
  grade.verdict = Verdict::error;
  grade.rule = "grading_failed";
  grade.detail["message"] = reason;
  return grade;
}

}  // namespace

std::vector<std::string> grader_profiles(ItemKind kind) { return profiles_of(kind); }

int grader_version(ItemKind kind) {
  switch (kind) {
    case ItemKind::math:
      return 3;
    case ItemKind::integer:
    case ItemKind::text:
      return 2;
    case ItemKind::choice:
    case ItemKind::grid:
    case ItemKind::code:
    case ItemKind::language:
    case ItemKind::refusal:
      return 1;
  }
  return 0;
}

Result<> check_profile(const Suite& suite, std::string_view profile) {
  const std::vector<std::string> known = profiles_of(suite.kind);
  for (const std::string& name : known) {
    if (name != profile) continue;
    if (suite.kind != ItemKind::code || profile == "canonical") return {};
    for (const Item& item : suite.items) ASSAY_TRY(check_code_profile(item, profile));
    return {};
  }
  return bad_input("suite ", suite.name, ": no grader profile ", quoted_excerpt(profile), "; kind ",
                   to_string(suite.kind), " has: ", join(known, ", "));
}

Grade grade(const Suite& suite, const Item& item, const Output& output, const GradeContext& context) {
  const std::vector<std::string> known = profiles_of(suite.kind);
  if (std::find(known.begin(), known.end(), context.profile) == known.end()) {
    return grading_failed("kind " + to_string(suite.kind) + " has no profile " + quoted_excerpt(context.profile));
  }
  switch (suite.kind) {
    case ItemKind::integer:
      if (context.profile == "lm-eval") return grade_integer_lm_eval(item, output);
      if (context.profile == "zeroeval") return grade_number_zeroeval(item, output);
      return grade_integer(item, output);
    case ItemKind::choice:
      if (context.profile == "simple-evals") return grade_choice_simple_evals(item, output);
      if (context.profile == "lm-eval") return grade_choice_lm_eval(item, output);
      if (context.profile == "lm-eval-strict") return grade_choice_lm_eval_strict(item, output);
      if (context.profile == "inspect") return grade_choice_inspect(item, output);
      return grade_choice(item, output);
    case ItemKind::grid:
      if (context.profile == "zeroeval") return grade_grid_zeroeval(item, output);
      return grade_grid(item, output, suite.prompt.answer_form);
    case ItemKind::code:
      return grade_code(item, output, context);
    case ItemKind::text:
      return grade_text(item, output);
    case ItemKind::math:
      if (context.profile == "lm-eval") return grade_math_lm_eval(item, output);
      if (context.profile == "zeroeval") return grade_number_zeroeval(item, output);
      return grade_math(item, output);
    case ItemKind::language:
      return grade_language(item, output);
    case ItemKind::refusal:
      return grade_refusal(item, output);
  }
  return grading_failed("kind " + to_string(suite.kind) + " has no grader");
}

}  // namespace assay::suites

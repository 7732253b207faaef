#pragma once
// Grades kind `math`: answers that are expressions, tuples, sets, intervals, equations, matrices or words.

#include "suites/suite.h"

namespace assay::suites {

/// The canonical grader. Extraction: suites/math/math_extract.h; comparison: suites/math/answer_equal.h, exact and
/// without tolerance, so 0.333 is not 1/3. Rules: "boxed", "answer_line", "whole_reply", "last_formula", "last_number"
/// (detail.fallback is true for the last two); without an answer "box_not_closed" and those of grade_without_answer().
/// detail.undecided is true if the answer was neither shown to be the key nor shown to differ: the verdict is then
/// `incorrect`. detail.extracted is the answer as it was written; `answer` and `expected` are in one spelling, and the
/// same where the answer is correct.
Grade grade_math(const Item& item, const Output& output);

}  // namespace assay::suites

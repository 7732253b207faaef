#pragma once
// Profile `zeroeval` for numbers: the grader of ZeroEval's gsm and math-l5 tasks, with its quirks.

#include "suites/suite.h"

namespace assay::suites {

/// Kinds `integer` and `math`. The answer is the value of "answer" in the first complete JSON object of the whole
/// output, else behind the first "answer" that a looser search finds, else there is none. Compared is the first number
/// in it with the first number in the key, so "6√2" answers 6. Without its special case for one model's boxes. Rule
/// "zeroeval_number". Source: yuchenlin/ZeroEval, src/evaluation/math_eval.py at 5e59582 and eval_utils.py at 0997ceb.
Grade grade_number_zeroeval(const Item& item, const Output& output);

}  // namespace assay::suites

#pragma once
// Profile `lm-eval` for mathematics: the graders of lm-evaluation-harness's aime and hendrycks_math tasks, with their
// quirks. Both compare strings after the clean-up of Hendrycks et al. 2021 (arXiv:2103.03874) and take the whole
// output, thoughts included. Source: EleutherAI/lm-evaluation-harness, lm_eval/tasks/aime/utils.py at 051f98f and
// lm_eval/tasks/hendrycks_math/utils.py at c58ade4.

#include "suites/suite.h"

namespace assay::suites {

/// Kind `integer`: the last \boxed (or \fbox, which then fails to be unwrapped), else what stands between the first and
/// the last "$", else the whole output. Rule "lm_eval_aime".
Grade grade_integer_lm_eval(const Item& item, const Output& output);

/// Kind `math`: what stands between the first and the last "$", else the whole output; boxes are not looked at. Rule
/// "lm_eval_hendrycks".
Grade grade_math_lm_eval(const Item& item, const Output& output);

}  // namespace assay::suites

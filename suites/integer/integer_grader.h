#pragma once
// Grades kind `integer`: AIME and other questions whose answer is one integer.

#include "suites/suite.h"

namespace assay::suites {

/// The canonical grader. Extraction: suites/integer/integer_extract.h; compared as integers, so 025 is 25.
/// Rules: "boxed", "answer_line", "last_integer" (detail.fallback is true); without an answer "box_not_closed" and
/// those of grade_without_answer().
Grade grade_integer(const Item& item, const Output& output);

}  // namespace assay::suites

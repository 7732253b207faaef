#pragma once
// Grades kind `grid`: house puzzles whose solution is a table given as JSON.

#include "suites/suite.h"

namespace assay::suites {

/// The canonical grader. Takes the last JSON object in the reply that has a "solution" which is not null; with
/// `AnswerForm::bare`, or if the record carries its own prompt, also a bare table, an object that gives one of the
/// expected houses as an object. A cell is right if house and attribute are spelled exactly so and the value, trimmed
/// and in lower case, is the expected one; of a list the first element counts. `correct` needs every cell; extra houses
/// and attributes are flagged and don't count. Rules: "solution", "bare_table", and those of grade_without_answer().
/// detail: cells_right, cells_total, cell_accuracy (also where there is no answer: 0 right), extra_houses,
/// extra_attributes; size ("3x4") and bucket ("medium", suites/zebra/difficulty.h).
Grade grade_grid(const Item& item, const Output& output, AnswerForm form);

/// The same as WildEval/ZeroEval's zebra_grid_eval.py decides: the object is the last top-level pair of braces counted
/// without regard to strings, and only its "solution" counts. Thoughts are part of the text there, so they are here.
/// What crashes that program is `incorrect` here.
Grade grade_grid_zeroeval(const Item& item, const Output& output);

}  // namespace assay::suites

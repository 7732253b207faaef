#pragma once
// Grades kind `choice`: GPQA and other questions with lettered options.

#include "suites/suite.h"

namespace assay::suites {

/// The canonical grader. Extraction: suites/choice/choice_extract.h. Letters refer to the options as the record lists
/// them. Rules: "answer_line", "option_text", "boxed", "whole_reply"; without an answer "two_options" and those of
/// grade_without_answer().
Grade grade_choice(const Item& item, const Output& output);

}  // namespace assay::suites

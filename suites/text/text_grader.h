#pragma once
// Grades kind `text`: questions with a short answer of which some spellings are accepted.

#include "suites/suite.h"

namespace assay::suites {

/// The canonical grader. The answer is what stands in the last <answer>…</answer>, else the rest of the last line that
/// begins with "Answer:" (the next line that is not blank, if that rest is), else the whole reply. Compared with each
/// accepted text trimmed, with white space folded and case ignored. A whole reply that was cut counts only if it is
/// right. Rules: "answer_tag", "answer_line", "whole_reply", and those of grade_without_answer().
Grade grade_text(const Item& item, const Output& output);

}  // namespace assay::suites

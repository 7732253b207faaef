#pragma once
// The official graders of multiple-choice questions, each as it stands: none of them leaves out the thoughts.

#include "suites/suite.h"

namespace assay::suites {

/// openai/simple-evals, gpqa_eval.py. The first "Answer:" on whose line one of A–D follows (blanks and one "$" between)
/// gives the letter, in any case; it need not end a word, and it is compared as written: "answer: c" is wrong where C
/// is right. Rule "answer_line".
Grade grade_choice_simple_evals(const Item& item, const Output& output);

/// UKGovernmentBEIS/inspect_ai, parse_answers() for one right option with choice(), as released before wrappers such as
/// "(C)" were removed: the last line "ANSWER: letters", else the last "ANSWER: letters" anywhere; in upper case and
/// without commas that must be one option's letter. Rules "answer_line" and "answer_anywhere".
Grade grade_choice_inspect(const Item& item, const Output& output);

/// EleutherAI/lm-evaluation-harness, the generative GPQA tasks' filter "flexible-extract": the last "(X)"; else the
/// last place where an option's text stands, both in lower case and without punctuation; else the last ":" before an
/// option's letter. `detail.strict_match` says what the other filter finds. Rules "letter_in_brackets", "option_text",
/// "letter_behind_colon".
Grade grade_choice_lm_eval(const Item& item, const Output& output);

/// The same tasks' filter "strict-match": what follows the first "The answer is " that has something behind it, up to
/// one character before the end of the line. Rule "the_answer_is".
Grade grade_choice_lm_eval_strict(const Item& item, const Output& output);

}  // namespace assay::suites

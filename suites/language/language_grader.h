#pragma once
// Grades kind `language`: whether a model reasons in the language that it was asked in.

#include "suites/suite.h"

namespace assay::suites {

/// The share that makes a reply `correct`: a foreign term here and there is no change of language.
inline constexpr double kLanguageThreshold = 0.9;

/// The one grader that looks at the thoughts: what stands before the last "</think>", without "<think>"; the whole
/// output if it has neither tag. The score is the share of its tokens (suites/language/words.h) that are in the item's
/// language, for `correct` (at least kLanguageThreshold) and `incorrect` alike; thoughts without an end are `truncated`
/// and score 0. `answer` is the language with the largest share.
/// Detail: share, threshold, shares by language, tokens, switches_per_1000_tokens. Rules: "thoughts", "whole_reply";
/// "no_reasoning" (no_answer) where not one word is found, and "thinking_not_closed", "length_limit".
Grade grade_language(const Item& item, const Output& output);

}  // namespace assay::suites

#pragma once
// Prompts: from an item's record to the user message.

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "suites/suite.h"

namespace assay::suites {

/// Checks a suite's own prompt text. Placeholders: {question} (in `code` also the stub of a function), which must be
/// there; {options}, which must be there too, and {letters} of `choice`; {form} of `grid`: the JSON skeleton to fill
/// in; {language} and {fence} of `code`. Other braces stand for themselves. Error{bad_input} begins with `where`.
Result<> check_prompt_text(ItemKind kind, std::string_view text, std::string_view where);

/// The user message for a checked record (suites/records.h). A record's own `prompt` is used as it is, but for `code`
/// without `tests`, where it is the stub of a function.
std::string render_prompt(ItemKind kind, const PromptOptions& options, const Json& record);

/// The text with placeholders that the prompt of `record` is made of: the suite's own, else the kind's. For records
/// without a prompt of their own; an empty object stands for a record with a question.
std::string_view prompt_text(ItemKind kind, const PromptOptions& options, const Json& record);

/// True if the record carries the whole user message.
bool has_own_prompt(ItemKind kind, const Json& record);

/// "A", "B", … for an option's 0-based place, at most 25.
std::string option_letter(std::size_t index);

}  // namespace assay::suites

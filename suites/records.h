#pragma once
// Records: what a line of items.jsonl must hold, by kind. The reader of outside bytes; everything behind it trusts
// them.

#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "suites/suite.h"

namespace assay::suites {

/// Checks one record of a kind and all of its fields. Fields that no rule names are allowed and kept.
/// Error{bad_input}: "WHERE: field \"…\" …".
Result<> check_record(ItemKind kind, const JsonObject& record);

/// Renames the fields of the public data sets of mathematics (AIME, MATH-500, as their repositories publish them),
/// which are known by `problem`: that is `question`, `expected_answer` is `answer`, `unique_id` is `id`, where there is
/// no field of that name yet; an `id` that is an integer becomes text. Other records stay as they are.
void use_own_field_names(ItemKind kind, Json& record);

/// The right option of a checked `choice` record as a 0-based place: its `answer` is a letter or such a place.
std::size_t choice_answer_index(const Json& record);

/// The option texts of a checked `choice` record, in the order listed. A record with its own prompt may have no
/// `choices`: then they are read from the prompt's lines "A) …", "B) …"; where there are none, as many empty texts as
/// the answer needs, at least four.
std::vector<std::string> choice_options(const Json& record);

}  // namespace assay::suites

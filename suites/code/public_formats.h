#pragma once
// The public files of code suites, in their own formats, as records of kind `code`.

#include <string>
#include <string_view>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace assay::suites {

/// Reads one record of a code suite's file. A record that has no "id" is one of a public file, and becomes a record of
/// INTERFACE's form (its own further fields are dropped):
///   HumanEval            task_id, prompt, entry_point, test
///   HumanEval+, MBPP+    task_id, prompt, entry_point, canonical_solution, base_input, plus_input, atol
///   MBPP                 task_id, text or prompt, code, test_list, test_setup_code or test_imports
///   LiveCodeBench        question_id, question_content, public_test_cases, private_test_cases, metadata, contest_date…
///   MultiPL-E            name, language, prompt, tests
/// Inputs of EvalPlus stay text: their numbers may be longer than any type here, or no numbers. Private tests of
/// LiveCodeBench are base64 of zlib of a pickle that holds one text, which is read as bytes and never executed.
/// Error{bad_input}: "WHERE: field \"…\" …".
Result<Json> read_code_record(std::string_view line, const std::string& where);

/// LiveCodeBench's own list of problems that its tests do not judge well: "several outputs", "interactive" or
/// "bad tests"; empty for all others. Source: ERRATA.md of LiveCodeBench/LiveCodeBench.
std::string_view livecodebench_erratum(std::string_view question_id);

}  // namespace assay::suites

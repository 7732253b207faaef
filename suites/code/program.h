#pragma once
// From a model's code to the programs that the sandbox runs.

#include <string>
#include <string_view>

#include "suites/code/code_task.h"
#include "suites/sandbox/sandbox.h"

namespace assay::suites {

/// The model's program as two pieces of Python that run one after the other in the same module.
struct CandidateSource {
  std::string preamble;  ///< what the item's stub has besides the function itself: imports, helpers
  std::string source;
};

/// Whose rules a program is loaded, called and compared by: Assay's, or those of an official harness with its quirks.
enum class CodeRules { canonical, evalplus, lcb };

/// Joins a stub and a model's code. The stub's imports and what else stands in front of its function come before the
/// code always; the whole stub does where the code does not define the entry point or goes on inside of it (its first
/// line is indented). Code that is indented as a whole is moved to the left.
CandidateSource join_with_stub(std::string_view stub, std::string_view entry_point, std::string_view code);

/// The programs that judge `candidate` by the task's tests (not io): the checker runs the tests and prints the verdict
/// as one JSON object; the candidate answers its calls over descriptor 3.
Program checker_program(const CodeTask& task, const CandidateSource& candidate, CodeRules rules);
Program candidate_program(const CodeTask& task, const CandidateSource& candidate, CodeRules rules);

/// Tests and candidate in one process, for tests that look at the process itself. The verdict carries `key`.
Program one_process_program(const CodeTask& task, const CandidateSource& candidate, const std::string& key);

/// HumanEval's own harness: `program`, stub to check call, in one process under its guard and time limit.
Program human_eval_program(std::string_view program, double test_s, const std::string& key);

/// Compiles texts and runs none: prints {"broken", "message"}, the place of the first that is no Python, or null.
Program compile_program(const std::vector<std::string>& texts);

/// A whole program with its standard input.
Program script_program(std::string_view source, std::string stdin_text);

}  // namespace assay::suites

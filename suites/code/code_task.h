#pragma once
// A `code` record in the form that grading needs.

#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace assay::suites {

/// One run of a whole program.
struct IoTest {
  std::string stdin_text;
  std::string stdout_text;
};

enum class CodeTests {
  check,    ///< Python source that defines check(candidate)
  asserts,  ///< a list of Python statements
  cases,    ///< arguments and expected result as JSON
  io,       ///< standard input and output of a whole program
};

/// What one item asks of a program.
struct CodeTask {
  CodeTests kind = CodeTests::check;
  std::string stub;         ///< the function to complete, as code; empty if there is none
  std::string entry_point;  ///< the function under test; empty: the tests name it themselves (asserts only)
  std::string test;         ///< check
  std::vector<std::string> asserts;
  Json cases;  ///< array of {"args", "expected"}
  std::vector<IoTest> io_tests;
  double test_s = 6;  ///< seconds that one test may take (LiveCodeBench's limit)

  std::size_t n_tests() const;  ///< `check` counts as one
};

/// Reads a record of kind `code` (INTERFACE, Suites). Exactly one of "test", "tests", "cases" and "io_tests" must be
/// there and not empty; "entry_point" must be there with "test" and "cases". "time_limit_s", above 0 and up to 60, may
/// set test_s. The stub is the record's "prompt", or the last fenced block in it, whichever defines the entry point.
/// Error{bad_input}: "WHERE: field \"…\" …".
Result<CodeTask> read_code_task(const JsonObject& record);

}  // namespace assay::suites

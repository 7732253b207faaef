#pragma once
// A `code` record in the form that grading needs.

#include <cstdint>
#include <optional>
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

enum class CodeLanguage { python, cpp, javascript };

enum class CodeTests {
  check,         ///< Python source that defines check(candidate)
  asserts,       ///< a list of Python statements
  cases,         ///< arguments and expected result as JSON
  io,            ///< standard input and output of a whole program
  differential,  ///< inputs, and a canonical solution whose results are expected (EvalPlus)
};

/// What one item asks of a program.
struct CodeTask {
  CodeTests kind = CodeTests::check;
  std::string stub;         ///< the function to complete, as code; empty if there is none
  std::string entry_point;  ///< the function under test; empty: the tests name it themselves (asserts only)
  std::string test;         ///< check
  std::vector<std::string> asserts;
  Json cases;  ///< array of {"args", "expected"}, or {"input", "output"}: texts, a JSON value a line (LiveCodeBench)
  std::vector<IoTest> io_tests;
  CodeLanguage language = CodeLanguage::python;
  std::string setup;       ///< Python that runs before the program, such as imports that a judge gives
  std::string reference;   ///< differential: the canonical solution, whole
  std::string base_input;  ///< differential: JSON, a list of argument lists, as text: its numbers may have any length
  std::string plus_input;
  std::size_t n_inputs = 0;
  std::string dataset;                 ///< differential: "humaneval", "mbpp" or empty; which special rules hold
  std::int64_t task_number = 0;        ///< of the dataset
  double atol = 0;                     ///< differential and cases: absolute tolerance of numbers
  std::optional<double> time_limit_s;  ///< what the record says
  double test_s = 6;  ///< seconds that one test may take (LiveCodeBench's limit where the record says nothing)

  std::size_t n_tests() const;  ///< `check` counts as one
};

/// Reads a record of kind `code` (INTERFACE, Suites). Exactly one of "test", "tests", "cases", "io_tests" and
/// "plus_input" must be there and not empty; "entry_point" must be there with "test", "cases" and "plus_input" in
/// Python. "time_limit_s", above 0 and up to 60, may set test_s; "language" is "python", "cpp" or "javascript". The
/// stub is the record's "prompt", or the last fenced block in it, whichever defines the entry point. Error{bad_input}:
/// "WHERE: field \"…\" …".
Result<CodeTask> read_code_task(const JsonObject& record);

}  // namespace assay::suites

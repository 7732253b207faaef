#pragma once
// Running a program against its item's tests, in one file for each way to do so.

#include <string>
#include <string_view>

#include "harness/base/json.h"
#include "suites/code/code_task.h"
#include "suites/code/program.h"
#include "suites/sandbox/sandbox.h"
#include "suites/suite.h"

namespace assay::suites {

/// How the tests went; `rule` and `detail` as in grade_code().
struct Judgement {
  Verdict verdict = Verdict::error;
  std::string rule;
  Json detail = Json::object();
};

/// A Python function by its tests, in a checker's process apart from the program's, or in one where the tests need it.
Judgement judge_function(const CodeTask& task, const std::string& code, CodeRules rules, const Sandbox& sandbox);

/// A whole program by its output, a process for each test. Any language.
Judgement judge_script(const CodeTask& task, const std::string& code, const Sandbox& sandbox);

/// A completion under HumanEval's own harness. The task has tests of kind `check` or `asserts`.
Judgement judge_human_eval(const CodeTask& task, std::string_view completion, const Sandbox& sandbox);

/// A function in C++ or JavaScript by the item's own test program, in one process.
Judgement judge_native_function(const CodeTask& task, const std::string& code, const Sandbox& sandbox);

}  // namespace assay::suites

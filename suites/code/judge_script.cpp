#include <cmath>
#include <iterator>
#include <utility>

#include "harness/base/text.h"
#include "suites/code/compare_output.h"
#include "suites/code/judge_parts.h"
#include "suites/code/native_program.h"

namespace assay::suites {
namespace {

bool names_syntax_error(std::string_view stderr_text) {
  const std::string line = last_line(stderr_text);
  return line.starts_with("\"SyntaxError") || line.starts_with("\"IndentationError") || line.starts_with("\"TabError");
}

/// Why one run of a whole program fails its test; empty if it passes.
std::string io_failure(const SandboxResult& result, const IoTest& test, Json& detail) {
  if (std::string rule = limit_rule(result); !rule.empty()) return rule;
  const auto difference = compare_output(result.stdout_text, test.stdout_text);
  if (!difference) return {};
  const bool crashed = result.signal || result.exit_status.value_or(0) != 0;
  if (crashed && !result.stderr_text.empty()) {
    detail["message"] = last_line(result.stderr_text);
    return names_syntax_error(result.stderr_text) ? "syntax_error" : "exception";
  }
  detail["message"] = "line " + std::to_string(difference->line) + ": printed " + difference->printed + ", expected " +
                      difference->expected;
  return crashed ? "exception" : "wrong_output";
}

SandboxLimits limits_for(const CodeTask& task, const IoTest& test) {
  SandboxLimits limits;
  limits.wall_s = task.test_s;
  limits.cpu_s = static_cast<std::int64_t>(std::ceil(task.test_s)) + 1;
  limits.output_bytes += std::ssize(test.stdout_text);  // right output is never too much
  return limits;
}

}  // namespace

Judgement judge_script(const CodeTask& task, const std::string& code, const Sandbox& sandbox) {
  Judgement judgement;
  NativeProgram native;
  if (task.language != CodeLanguage::python) {
    auto built = build_native(task.language, code, sandbox);
    if (!built) return sandbox_failed(built.error());
    if (!built->failure.empty()) return compile_failed(*built);
    native = std::move(*built);
  }
  Json nonzero_exits = Json::array();
  for (std::size_t i = 0; i < task.io_tests.size(); ++i) {
    const IoTest& test = task.io_tests[i];
    const SandboxLimits limits = limits_for(task, test);
    const bool is_python = task.language == CodeLanguage::python;
    const auto result = is_python ? sandbox.run(script_program(code, test.stdin_text), limits)
                                  : run_native(native, test.stdin_text, limits, sandbox);
    if (!result) return sandbox_failed(result.error());
    add_usage(judgement.detail, *result);
    if (std::string rule = io_failure(*result, test, judgement.detail); !rule.empty()) {
      judgement.detail["failed_test"] = i + 1;
      judgement.rule = std::move(rule);
      judgement.verdict = Verdict::incorrect;
      return judgement;
    }
    if (result->exit_status != 0) nonzero_exits.push_back(i + 1);
  }
  // Right output and then a failure: right, as LiveCodeBench has it, but worth knowing.
  if (!nonzero_exits.empty()) judgement.detail["nonzero_exits"] = std::move(nonzero_exits);
  judgement.rule = "passed";
  judgement.verdict = Verdict::correct;
  return judgement;
}

}  // namespace assay::suites

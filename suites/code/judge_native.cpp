#include <cmath>
#include <utility>

#include "harness/base/text.h"
#include "suites/code/judge_parts.h"
#include "suites/code/native_program.h"

namespace assay::suites {
namespace {

/// The name of the function that a C++ stub opens on its last line: the word before the "(".
std::string_view opened_function(std::string_view stub) {
  stub = trim(stub);
  const std::string_view line = stub.substr(stub.rfind('\n') == std::string_view::npos ? 0 : stub.rfind('\n') + 1);
  const std::string_view head = trim(line.substr(0, line.find('(')));
  const std::size_t begin = head.find_last_of(" \t*&>");
  return head.substr(begin == std::string_view::npos ? 0 : begin + 1);
}

/// True if `code` has the function's own head, not only its body.
bool defines_function(std::string_view code, std::string_view name) {
  for (std::size_t at = code.find(name); !name.empty() && at != std::string_view::npos; at = code.find(name, at + 1)) {
    std::size_t line = code.rfind('\n', at);
    line = line == std::string_view::npos ? 0 : line + 1;
    const std::string_view before = trim(code.substr(line, at - line));
    const std::string_view behind = trim(code.substr(at + name.size()));
    if (behind.starts_with('(') && !before.empty() && code[line] != ' ' && code[line] != '\t' &&
        !before.starts_with("//") && before.find('(') == std::string_view::npos) {
      return true;
    }
  }
  return false;
}

std::string include_lines(std::string_view stub) {
  std::string text;
  for (const std::string& line : split(stub, '\n')) {
    if (trim(line).starts_with("#include") || trim(line).starts_with("using ")) text += line + "\n";
  }
  return text;
}

/// MultiPL-E's tests begin with the brace that ends the function of the stub, and end with main's.
std::string cpp_program(const CodeTask& task, const std::string& code, const std::string& key) {
  std::string test = task.test;
  const std::string_view name = opened_function(task.stub);
  const bool is_whole = defines_function(code, name) || code.find("#include") != std::string::npos;
  std::string program = is_whole ? include_lines(task.stub) + code : task.stub + "\n" + code;
  if (is_whole && trim(test).starts_with('}')) test = test.substr(test.find('}') + 1);
  if (const std::size_t end = test.rfind('}'); end != std::string::npos) {
    test.insert(end, "  fputs(\"\\n" + key + "\", stdout);\n");
  }
  return "#include <cstdio>\n" + program + "\n" + test;
}

std::string javascript_program(const CodeTask& task, const std::string& code, const std::string& key) {
  const std::string_view head = trim(task.stub.substr(0, task.stub.rfind('(')));
  const std::string_view name = head.substr(head.rfind(' ') == std::string_view::npos ? 0 : head.rfind(' ') + 1);
  const bool is_whole = task.stub.empty() || code.find(name) != std::string::npos;
  return (is_whole ? code : task.stub + "\n" + code) + "\n" + task.test + "\nprocess.stdout.write(\"\\n" + key +
         "\");\n";
}

}  // namespace

Judgement judge_native_function(const CodeTask& task, const std::string& code, const Sandbox& sandbox) {
  const std::string key = random_key();
  const bool is_cpp = task.language == CodeLanguage::cpp;
  const auto program =
      build_native(task.language, is_cpp ? cpp_program(task, code, key) : javascript_program(task, code, key), sandbox);
  if (!program) return sandbox_failed(program.error());
  if (!program->failure.empty()) return compile_failed(*program);

  SandboxLimits limits;
  limits.wall_s = task.test_s;
  limits.cpu_s = static_cast<std::int64_t>(std::ceil(task.test_s)) + 1;
  const auto result = run_native(*program, "", limits, sandbox);
  if (!result) return sandbox_failed(result.error());
  Judgement judgement;
  add_usage(judgement.detail, *result);
  judgement.detail["in_process"] = true;
  if (result->exit_status == 0 && result->stdout_text.ends_with("\n" + key)) {
    judgement.verdict = Verdict::correct;
    judgement.rule = "in_process";
    return judgement;
  }
  judgement.verdict = Verdict::incorrect;
  judgement.rule = limit_rule(*result);
  if (judgement.rule.empty()) {
    const bool failed = result->stderr_text.find("ssert") != std::string::npos;
    judgement.rule = failed ? "assertion_failed" : result->exit_status == 0 ? "exited" : "exception";
  }
  judgement.detail["failed_test"] = 1;
  judgement.detail["message"] = last_line(result->stderr_text);
  return judgement;
}

}  // namespace assay::suites

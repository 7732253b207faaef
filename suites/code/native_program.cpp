#include "suites/code/native_program.h"

#include "harness/base/text.h"
#include "suites/code/judge_parts.h"
#include "suites/sandbox/python_runtime.h"

namespace assay::suites {
namespace {

constexpr const char* kCompiler = "/usr/bin/g++";
constexpr double kCompileS = 30;
constexpr std::int64_t kMaxImageBytes = std::int64_t{64} << 20;
constexpr std::int64_t kNodeAddressBytes = std::int64_t{1} << 40;  // reserved, not used

SandboxLimits compile_limits() {
  SandboxLimits limits;
  limits.wall_s = kCompileS;
  limits.cpu_s = static_cast<std::int64_t>(kCompileS);
  limits.file_bytes = kMaxImageBytes;
  limits.folder_bytes = 2 * kMaxImageBytes;
  limits.output_bytes = kMaxImageBytes;
  limits.may_fork = true;  // the compiler is several programs
  return limits;
}

std::string first_error(std::string_view messages) {
  for (const std::string& line : split(messages, '\n')) {
    if (line.find("error:") != std::string::npos) return quoted_excerpt(line, 300);
  }
  return last_line(messages);
}

Result<std::string> find_node() {
  const std::string node = find_in_path("node");
  if (node.empty()) return environment_error("sandbox: node was not found in $PATH; install it (Debian: nodejs)");
  if (!node.starts_with("/usr/"))
    return environment_error("sandbox: ", node, " is not below /usr, all that programs see");
  return node;
}

}  // namespace

Result<NativeProgram> build_native(CodeLanguage language, std::string_view source, const Sandbox& sandbox) {
  NativeProgram program;
  program.language = language;
  if (language == CodeLanguage::javascript) {
    ASSAY_TRY(find_node());
    program.image = to_valid_utf8(source);
    return program;
  }
  if (find_in_path("g++").empty()) return environment_error("sandbox: g++ was not found; install it (Debian: g++)");
  Program compiler;
  const std::string call =
      std::string(kCompiler) + " -std=c++17 -O2 -w program.cpp -o program 1>&2 && exec cat program";
  compiler.command = {"/bin/sh", "-c", call};
  compiler.files = {{"program.cpp", std::string(source)}};
  ASSAY_ASSIGN(program.compilation, sandbox.run(compiler, compile_limits()));
  program.image = std::move(program.compilation.stdout_text);
  if (program.compilation.exit_status == 0) return program;
  const std::string limit = limit_rule(program.compilation);
  program.failure =
      limit.empty() ? first_error(program.compilation.stderr_text) : "the compiler reached its limit: " + limit;
  return program;
}

Judgement compile_failed(const NativeProgram& program) {
  Judgement judgement{Verdict::incorrect, "syntax_error"};
  add_usage(judgement.detail, program.compilation);
  judgement.detail["failed_test"] = 0;
  judgement.detail["message"] = program.failure;
  return judgement;
}

Result<SandboxResult> run_native(const NativeProgram& program, const std::string& stdin_text,
                                 const SandboxLimits& given_limits, const Sandbox& sandbox) {
  SandboxLimits limits = given_limits;
  Program run;
  run.stdin_text = stdin_text;
  if (program.language == CodeLanguage::javascript) {
    ASSAY_ASSIGN(const std::string node, find_node());
    run.command = {node, "program.js"};
    run.files = {{"program.js", program.image}};
    limits.data_bytes = limits.memory_bytes;
    limits.memory_bytes = kNodeAddressBytes;
  } else {
    run.command = {"./program"};
    run.files = {{"program", program.image}};
  }
  return sandbox.run(run, limits);
}

}  // namespace assay::suites

#pragma once
// Programs in C++ (compiled in the sandbox) and JavaScript (run by node).

#include <string>
#include <string_view>

#include "suites/code/judge.h"
#include "suites/sandbox/sandbox.h"

namespace assay::suites {

/// A program that is ready to run.
struct NativeProgram {
  CodeLanguage language = CodeLanguage::cpp;
  std::string image;          ///< executable, or source for node
  std::string failure;        ///< the compiler's first error; empty if there is none
  SandboxResult compilation;  ///< what compiling took
};

/// Compiles C++ (g++ -std=c++17 -O2) in the sandbox, under limits of its own; JavaScript needs no step. A program that
/// does not compile is a result. Error{environment} if there is no compiler or node, or the sandbox fails.
Result<NativeProgram> build_native(CodeLanguage language, std::string_view source, const Sandbox& sandbox);

/// The judgement "syntax_error" on a program that does not compile.
Judgement compile_failed(const NativeProgram& program);

/// Runs it once. Node reserves more address space than it uses: its memory is limited by what it writes to.
Result<SandboxResult> run_native(const NativeProgram& program, const std::string& stdin_text,
                                 const SandboxLimits& limits, const Sandbox& sandbox);

}  // namespace assay::suites

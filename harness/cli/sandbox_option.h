#pragma once
// --sandbox, and the sandbox that code suites need.

#include <optional>
#include <string>
#include <vector>

#include "harness/cli/options.h"
#include "harness/run/grading.h"
#include "suites/sandbox/sandbox.h"
#include "suites/suite.h"

namespace assay::cli {

void add_sandbox_option(CLI::App& app, std::string& mode);

/// The sandbox in which the programs of `suites` run; none if there is no code suite among them. Warns of mode `none`.
/// Error{environment} if it does not work here, Error{bad_input} if a suite's own tests are no Python.
Result<std::optional<suites::Sandbox>> open_sandbox_for(const std::vector<suites::Suite>& suites,
                                                        suites::SandboxMode mode);

/// What graders get of it; `sandbox` outlives the tools.
run::GradingTools grading_tools(std::optional<suites::Sandbox>& sandbox, const std::string& profile = "canonical");

}  // namespace assay::cli

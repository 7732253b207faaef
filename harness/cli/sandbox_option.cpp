#include "harness/cli/sandbox_option.h"

#include <algorithm>
#include <utility>

#include "harness/base/log.h"
#include "suites/code/check_tests.h"

namespace assay::cli {

void add_sandbox_option(CLI::App& app, std::string& mode) {
  add_choice(
      app, "--sandbox", mode, {"bwrap", "none"},
      "Where model-written code runs: in bubblewrap, or unprotected, which marks every verdict (default: bwrap)");
}

Result<std::optional<suites::Sandbox>> open_sandbox_for(const std::vector<suites::Suite>& suites,
                                                        suites::SandboxMode mode) {
  const bool needed = std::any_of(suites.begin(), suites.end(),
                                  [](const suites::Suite& suite) { return suite.kind == suites::ItemKind::code; });
  if (!needed) return std::optional<suites::Sandbox>{};
  if (mode == suites::SandboxMode::none) log_warning("--sandbox none: model-written code runs unprotected");
  suites::SandboxOptions options;
  options.mode = mode;
  ASSAY_ASSIGN(suites::Sandbox sandbox, suites::Sandbox::open(options));
  if (mode == suites::SandboxMode::bwrap && !sandbox.why_cold().empty()) {
    log_note("every program gets a sandbox of its own, which is slower: ", sandbox.why_cold());
  }
  for (const suites::Suite& suite : suites) ASSAY_TRY(suites::check_code_tests(suite, sandbox));
  return std::optional<suites::Sandbox>(std::move(sandbox));
}

run::GradingTools grading_tools(std::optional<suites::Sandbox>& sandbox, const std::string& profile) {
  run::GradingTools tools;
  tools.profile = profile;
  if (!sandbox) return tools;
  tools.sandbox = &*sandbox;
  tools.sandbox_protects = sandbox->mode() == suites::SandboxMode::bwrap;
  return tools;
}

}  // namespace assay::cli

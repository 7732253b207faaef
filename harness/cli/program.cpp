#include "harness/cli/program.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "harness/base/log.h"
#include "harness/cli/help_formatter.h"
#include "harness/cli/output.h"
#include "harness/run/build_facts.h"

namespace assay::cli {

namespace {

std::string version_text() {
  const run::BuildFacts& build = run::build_facts();
  return "assay " + build.version + (build.git_commit.empty() ? "" : " (" + build.git_commit + ")");
}

LogLevel level_of(const CommonOptions& common) {
  if (common.quiet) return LogLevel::quiet;
  return common.verbose ? LogLevel::verbose : LogLevel::normal;
}

}  // namespace

const std::vector<Command>& all_commands() {
  static const std::vector<Command> commands = {
      {"run", "Put a model through suites and store every sample with its verdict", declare_run},
      {"plan", "Say what a run would take on a GPU that need not be here: tokens, memory, hours, dollars, energy",
       declare_plan},
      {"project", "Say what a stored run would have been on other hardware, and how far off that may be",
       declare_project},
      {"report", "Show stored runs: accuracy with intervals, latency, throughput, cost", declare_report},
      {"compare", "Compare runs item by item: differences with intervals, flips, cost, latency", declare_compare},
      {"check", "Say whether a run has become worse than a baseline: a gate for pipelines", declare_check},
      {"runs", "List the runs of a results database", declare_runs},
      {"grade", "Grade outputs that were made elsewhere", declare_grade},
      {"regrade", "Grade the stored outputs of a run again", declare_regrade},
      {"generate", "Answer prompts with a model", declare_generate},
      {"serve", "Serve a model to clients of OpenAI's HTTP API", declare_serve},
      {"bench", "Measure speed: under load, of passes alone, in sweeps, of two settings against each other",
       declare_bench},
      {"logits", "Compute a model's logits for given tokens", declare_logits},
      {"tokenize", "Turn text into token ids, and back", declare_tokenize},
      {"export", "Write stored runs as JSON, JSON Lines, CSV or an HTML report", declare_export},
      {"import", "Take results of other harnesses and benchmarks into the database", declare_import},
      {"merge", "Join the runs of other databases into one", declare_merge},
      {"suites", "List the suites, or show one", declare_suites},
      {"models", "List the registered models, show one, or add one", declare_models},
      {"cost", "Say what stored runs cost: dollars in parts that add up, joules, scenarios", declare_cost},
      {"hardware", "List the known devices, show one, or say which this machine has", declare_hardware},
      {"gui", "Open the dashboard over results databases", declare_gui},
      {"doctor", "Check what this machine has for measuring", declare_doctor},
      {"completion", "Print a completion script for a shell", declare_completion},
      {"man", "Print the manual page", declare_man},
  };
  return commands;
}

Program::Program()
    : app("Measures reasoning models: how often they are right, how fast, and what an answer costs.", "assay") {
  app.set_help_flag("-h,--help", "Print this help");
  app.set_version_flag("--version", version_text(), "Print the version");
  app.formatter(std::make_shared<HelpFormatter>());  // CLI11 shares it with the commands
  app.require_subcommand(0, 1);                      // so that a run may be called "report"
  app.footer(
      "\"assay COMMAND --help\" explains a command. Exit codes: 0 done, 1 check found a regression, 2 wrong words or\n"
      "data, 3 the environment fails, 4 interrupted (the message gives the command that resumes), 5 check is "
      "inconclusive.");
  for (const Command& command : all_commands()) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->set_help_flag("-h,--help", "Print this help");
    actions.emplace_back(sub, command.declare(*sub, common));
    add_common_options(*sub, common);
    sub->require_subcommand(0, 1);
    for (CLI::App* inner : sub->get_subcommands([](const CLI::App*) { return true; })) inner->fallthrough();
  }
}

Result<int> run_program(const std::vector<std::string>& words) {
  Program program;
  ASSAY_ASSIGN(const Parsed parsed, parse_words(program.app, words));
  if (parsed != Parsed::words) {
    ASSAY_TRY(print(parsed == Parsed::version ? version_text() + "\n" : program.app.help()));
    return 0;
  }
  set_log_level(level_of(program.common));
  for (const auto& [command, act] : program.actions) {
    if (command->parsed()) return act();
  }
  return bad_input("no command given; \"assay --help\" lists them");
}

}  // namespace assay::cli

#pragma once
// What a command of the program is, and the list of them. A command is one file, cmd_NAME.cpp.

#include <CLI/App.hpp>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include "harness/base/result.h"
#include "harness/cli/options.h"

namespace assay::cli {

/// What a command does once its words are parsed: a function that returns Result<>, or Result<int> with the exit code
/// of a command that has more than one way to be done (`check`: 0, 1 or 5).
class Action {
 public:
  template <class Act>
  Action(Act act) : act_(returning_exit_code(std::move(act))) {}
  Result<int> operator()() const { return act_(); }

 private:
  template <class Act>
  static std::function<Result<int>()> returning_exit_code(Act act) {
    if constexpr (std::is_same_v<decltype(act()), Result<int>>) {
      return act;
    } else {
      return [act]() -> Result<int> {
        ASSAY_TRY(act());
        return 0;
      };
    }
  }
  std::function<Result<int>()> act_;
};

struct Command {
  const char* name;
  const char* summary;  ///< one line, for the list in --help
  /// Adds the command's options to `app` and returns what runs after parsing. `common` outlives both.
  Action (*declare)(CLI::App& app, const CommonOptions& common);
};

/// Every command, in the order of --help.
const std::vector<Command>& all_commands();

Action declare_bench(CLI::App& app, const CommonOptions& common);
Action declare_run(CLI::App& app, const CommonOptions& common);
Action declare_plan(CLI::App& app, const CommonOptions& common);
Action declare_project(CLI::App& app, const CommonOptions& common);
Action declare_report(CLI::App& app, const CommonOptions& common);
Action declare_check(CLI::App& app, const CommonOptions& common);
Action declare_compare(CLI::App& app, const CommonOptions& common);
Action declare_runs(CLI::App& app, const CommonOptions& common);
Action declare_grade(CLI::App& app, const CommonOptions& common);
Action declare_regrade(CLI::App& app, const CommonOptions& common);
Action declare_generate(CLI::App& app, const CommonOptions& common);
Action declare_logits(CLI::App& app, const CommonOptions& common);
Action declare_serve(CLI::App& app, const CommonOptions& common);
Action declare_tokenize(CLI::App& app, const CommonOptions& common);
Action declare_export(CLI::App& app, const CommonOptions& common);
Action declare_import(CLI::App& app, const CommonOptions& common);
Action declare_merge(CLI::App& app, const CommonOptions& common);
Action declare_suites(CLI::App& app, const CommonOptions& common);
Action declare_models(CLI::App& app, const CommonOptions& common);
Action declare_cost(CLI::App& app, const CommonOptions& common);
Action declare_hardware(CLI::App& app, const CommonOptions& common);
Action declare_gui(CLI::App& app, const CommonOptions& common);
Action declare_doctor(CLI::App& app, const CommonOptions& common);
Action declare_completion(CLI::App& app, const CommonOptions& common);
Action declare_man(CLI::App& app, const CommonOptions& common);

}  // namespace assay::cli

// assay compare: runs against a first one, paired by item.

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/cli/run_words.h"
#include "results/compare.h"

namespace assay::cli {

namespace {

struct CompareArgs {
  std::vector<std::string> runs;
  bool force = false;
  std::optional<double> level;
  std::optional<std::int64_t> flips;
};

Result<> compare_command(const CompareArgs& args, const CommonOptions& common) {
  if (args.runs.size() < 2) return bad_input("compare: takes two or more RUNs, the first is the baseline");
  std::vector<results::ComparableRun> runs;
  for (const std::string& words : args.runs) {
    ASSAY_ASSIGN(results::ComparableRun run, read_run_words(words, common.db));
    runs.push_back(std::move(run));
  }
  results::CompareOptions options;
  options.force = args.force;
  options.level = args.level.value_or(options.level);
  const results::ComparableRun baseline = std::move(runs.front());
  runs.erase(runs.begin());
  ASSAY_ASSIGN(const results::Comparison comparison, results::compare_runs(baseline, runs, options));
  if (common.json) return print_json(results::to_json(comparison));
  constexpr std::int64_t kFlips = 10;
  return print(results::comparison_text(comparison, args.flips.value_or(kFlips)));
}

}  // namespace

Action declare_compare(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<CompareArgs>();  // shared by the option table, which writes it, and the action
  add_texts(app, "RUN", args->runs, "", std::string("Two or more; the first is the baseline. Each is ") + kRunWords);
  app.add_flag("--force", args->force,
               "Compare runs whose suites, graders, sampling or methods of measuring differ; the output says so");
  add_number(app, "--level", args->level, {.least = 0.5, .most = 0.9999, .text = "a number from 0.5 to 0.9999"},
             "Level of the intervals, and 1 - that of the tests (default: 0.95)");
  add_integer(app, "--flips", args->flips, 0, 1'000'000,
              "List at most N items a suite whose outcome changed (default: 10)");
  app.footer(
      "Items are paired by their content. Tests are corrected (Holm) for all that are made at once. --json lists "
      "every\n"
      "changed item; its keys are explained in docs/comparing.md.\n"
      "Example: assay compare before after --db results.db");
  return [args, &common] { return compare_command(*args, common); };
}

}  // namespace assay::cli

// assay report: stored runs in numbers.

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "results/report.h"
#include "results/store.h"
#include "results/summary.h"

namespace assay::cli {

namespace {

struct ReportArgs {
  std::vector<std::string> runs;
};

Result<std::vector<results::RunSummary>> read_summaries(const std::vector<std::string>& runs, const std::string& db) {
  ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(db));
  std::vector<results::RunSummary> summaries;
  for (const std::string& words : runs) {
    ASSAY_ASSIGN(const RunId run_id, store.find_run(words));
    ASSAY_ASSIGN(results::RunSummary summary, results::summarise(store, run_id));
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

/// One run is printed as `assay run --json` prints it, several as an array of these.
Result<> print_summaries(const std::vector<results::RunSummary>& summaries, const CommonOptions& common) {
  if (common.json && summaries.size() == 1) return print_json(results::to_json(summaries.front()));
  if (common.json) {
    Json records = Json::array();
    for (const results::RunSummary& summary : summaries) records.push_back(results::to_json(summary));
    return print_json(records);
  }
  std::string text;
  for (const results::RunSummary& summary : summaries)
    text += (text.empty() ? "" : "\n") + results::report_text(summary);
  return print(text);
}

Result<> report_command(const ReportArgs& args, const CommonOptions& common) {
  const std::vector<std::string> runs = args.runs.empty() ? std::vector<std::string>{"latest"} : args.runs;
  ASSAY_ASSIGN(const std::vector<results::RunSummary> summaries, read_summaries(runs, common.db));
  return print_summaries(summaries, common);
}

}  // namespace

Action declare_report(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<ReportArgs>();  // shared by the option table, which writes it, and the action
  add_texts(app, "RUN", args->runs, "",
            "A run's id, an unambiguous prefix of it, its --name, or latest (default: latest)");
  app.footer(
      "With --json one RUN gives the record that \"assay run --json\" prints, several an array of such records.\n"
      "Example: assay report latest --db results.db");
  return [args, &common] { return report_command(*args, common); };
}

}  // namespace assay::cli

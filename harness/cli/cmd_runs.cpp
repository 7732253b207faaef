// assay runs: what a database holds.

#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "results/store.h"

namespace assay::cli {

namespace {

std::int64_t n_planned(const results::RunRecord& run) {
  std::int64_t n = 0;
  for (const results::RunSuiteRecord& suite : run.suites) n += suite.n_items * suite.facts.samples;
  return n;
}

std::int64_t n_stored(const results::RunRecord& run) {
  std::int64_t n = 0;
  for (const results::RunSuiteRecord& suite : run.suites) n += suite.n_samples;
  return n;
}

/// A killed process leaves `running` behind; only a living writer counts as one.
std::string state_text(const results::RunRecord& run) {
  if (run.is_active) return "running";
  return run.state == results::RunState::finished ? "finished" : "interrupted";
}

Json to_json(const results::RunRecord& run) {
  Json suites = Json::array();
  for (const results::RunSuiteRecord& suite : run.suites) {
    suites.push_back({{"suite", suite.facts.suite},
                      {"items", suite.n_items},
                      {"samples", suite.facts.samples},
                      {"stored", suite.n_samples},
                      {"correct", suite.n_correct}});
  }
  Json tags = Json::object();
  for (const auto& [key, value] : run.facts.tags) tags[key] = value;
  return {{"run_id", run.run_id.value},
          {"name", run.facts.name.empty() ? Json() : Json(run.facts.name)},
          {"state", state_text(run)},
          {"model", run.facts.model.name},
          {"suites", suites},
          {"samples_planned", n_planned(run)},
          {"samples_stored", n_stored(run)},
          {"started_at_ms", run.started_at_ms},
          {"finished_at_ms", run.finished_at_ms ? Json(*run.finished_at_ms) : Json()},
          {"wall_s", run.wall_s},
          {"tags", tags}};
}

std::vector<std::string> to_row(const results::RunRecord& run) {
  std::vector<std::string> suites;
  for (const results::RunSuiteRecord& suite : run.suites) suites.push_back(suite.facts.suite);
  return {run.run_id.value,
          run.facts.name.empty() ? "-" : quoted_excerpt(run.facts.name, 24),
          state_text(run),
          to_text(n_stored(run)) + "/" + to_text(n_planned(run)),
          utc_text(run.started_at_ms),
          run.facts.model.name,
          join(suites, ",")};
}

Result<> print_runs(const std::vector<results::RunRecord>& runs, const CommonOptions& common) {
  if (common.json) {
    Json records = Json::array();
    for (const results::RunRecord& run : runs) records.push_back(to_json(run));
    return print_json({{"runs", records}});
  }
  if (runs.empty()) return print("No runs in " + common.db + ".\n");
  std::vector<std::vector<std::string>> rows = {{"run", "name", "state", "samples", "started", "model", "suites"}};
  for (const results::RunRecord& run : runs) rows.push_back(to_row(run));
  return print(text_table(rows));
}

Result<> runs_command(const CommonOptions& common) {
  ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(common.db));
  ASSAY_ASSIGN(const std::vector<results::RunRecord> runs, store.list_runs());
  return print_runs(runs, common);
}

}  // namespace

Action declare_runs(CLI::App& app, const CommonOptions& common) {
  app.footer(
      "The run that started last comes first. --json prints {\"runs\":[…]}.\n"
      "Example: assay runs --db results.db");
  return [&common] { return runs_command(common); };
}

}  // namespace assay::cli

#include "harness/cli/run_job.h"

#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/cli/output.h"
#include "harness/cli/sandbox_option.h"
#include "results/report.h"
#include "results/summary.h"

namespace assay::cli {

namespace {

/// Of the devices that the model may run on; recordings and endpoints have none here.
run::IdlePowers measure_idle_powers(const run::RunnerOptions& runner, const run::StopSignals& signals) {
  if (run::reference_kind(runner.model) != run::ReferenceKind::model) return {};
  run::IdleSources sources;
  sources.gpus = runner.device != "cpu";
  sources.processors = runner.device == "cpu" || runner.device == "auto";
  return run::measure_idle_power(sources, run::machine_time(signals.token()));
}

/// Before prompts leave for an endpoint: whose they are, and who would rather keep them.
void tell_what_leaves(const std::vector<suites::Suite>& suites, const runners::DeviceFacts& device) {
  if (device.kind != "remote") return;
  std::vector<std::string> names;
  for (const suites::Suite& suite : suites) names.push_back(suite.name);
  log_note("the prompts of ", shown(join(names, ", "), 200), " go to ", shown(device.name));
  for (const suites::Suite& suite : suites) {
    if (!suite.archive) continue;
    log_warning(shown(suite.name), " asks not to be published in plain text, so that models don't train on it; ",
                shown(device.name), " sees its questions as they are");
  }
}

/// Says where the grading itself failed, which a finished run's exit code does not.
void tell_of_errors(const results::RunSummary& summary) {
  for (const results::SuiteSummary& one : summary.suites) {
    const results::RunSuiteRecord& suite = one.suite;
    if (suite.n_errors == 0) continue;
    log_note(suite.n_errors, " of ", suite.n_samples, " samples of ", shown(suite.facts.suite),
             " are errors, no fault of the model; the detail of each in \"assay export ", summary.run.run_id.value,
             " --format json\" says why");
  }
}

}  // namespace

Result<run::RunOutcome> ask(const RunJob& job, std::vector<suites::Suite> suites, const AskParts& parts) {
  ASSAY_ASSIGN(std::optional<suites::Sandbox> sandbox, open_sandbox_for(suites, job.sandbox));
  run::IdlePowers idle_powers = measure_idle_powers(job.runner, parts.signals);  // before the model is loaded
  ASSAY_ASSIGN(const std::unique_ptr<runners::Runner> runner,
               run::open_runner(job.runner, run::progress_style(parts.quiet)));
  tell_what_leaves(suites, runner->device_facts());
  log_detail("model ", runner->model_facts().name, " on ", runner->device_facts().name, ", database ",
             parts.store.path().string());
  const run::RunParts run_parts{.runner = *runner,
                                .store = parts.store,
                                .grading = grading_tools(sandbox),
                                .progress = parts.progress,
                                .clock = run::machine_clock(),
                                .idle_powers = std::move(idle_powers),
                                .ranks = parts.ranks};
  return run::execute(job.settings, std::move(suites), run_parts, parts.signals.token());
}

Result<> print_run(const results::Store& store, const RunId& run, const CommonOptions& common) {
  ASSAY_ASSIGN(const results::RunSummary summary, results::summarise(store, run));
  tell_of_errors(summary);
  return common.json ? print_json(results::to_json(summary)) : print(results::report_text(summary));
}

}  // namespace assay::cli

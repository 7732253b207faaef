// assay import: what other harnesses and benchmarks wrote, as runs.

#include <memory>

#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/run/clock.h"
#include "results/import/import.h"
#include "suites/suite.h"

namespace assay::cli {

namespace {

struct ImportArgs {
  std::vector<std::string> files;
  std::string format;
  results::ImportOptions options;
};

/// A run that was read, and what became of it.
struct Imported {
  std::string file;
  results::ImportedRun run;
  results::ImportOutcome outcome;
};

std::vector<std::string> suite_names(const results::ImportedRun& run) {
  std::vector<std::string> names;
  for (const results::RunSuiteFacts& suite : run.facts.suites) names.push_back(suite.suite);
  return names;
}

Result<> print_imported(const std::vector<Imported>& all, const CommonOptions& common) {
  if (common.json) {
    Json records = Json::array();
    for (const Imported& imported : all) {
      records.push_back({{"file", imported.file},
                         {"run_id", imported.run.run_id.value},
                         {"model", imported.run.facts.model.name},
                         {"suites", suite_names(imported.run)},
                         {"samples", imported.run.samples.size()},
                         {"samples_added", imported.outcome.n_samples_added},
                         {"measurements", imported.run.facts.measurements.size()},
                         {"ungraded", imported.run.n_ungraded},
                         {"already_there", imported.outcome.was_there},
                         {"provenance", imported.run.facts.provenance}});
    }
    return print_json({{"imported", records}});
  }
  std::vector<std::vector<std::string>> rows = {
      {"run", "model", "suites", "samples", "measurements", "provenance", "file"}};
  for (const Imported& imported : all) {
    const auto n_samples = static_cast<std::int64_t>(imported.run.samples.size());
    const auto n_figures = static_cast<std::int64_t>(imported.run.facts.measurements.size());
    const std::string suites = join(suite_names(imported.run), ",");
    rows.push_back({imported.run.run_id.value, shown(imported.run.facts.model.name),
                    suites.empty() ? "-" : shown(suites),
                    imported.outcome.was_there ? to_text(n_samples) + " (there already)" : to_text(n_samples),
                    to_text(n_figures), imported.run.facts.provenance, shown(imported.file)});
  }
  return print(text_table(rows));
}

Result<> import_command(const ImportArgs& args, const CommonOptions& common) {
  if (args.format.empty()) {
    return bad_input("--format is missing; it takes one of ", join(results::import_format_names(), ", "));
  }
  if (args.files.empty()) return bad_input("PATH is missing; name the files to import");
  ASSAY_ASSIGN(const results::ImportFormat format, results::parse_import_format(args.format));
  if (!args.options.kind.empty()) ASSAY_TRY(suites::parse_item_kind(args.options.kind));
  // Every file is read before the first is stored.
  std::vector<Imported> all;
  for (const std::string& file : args.files) {
    ASSAY_ASSIGN(auto runs, results::read_import(format, file, args.options, run::machine_clock().unix_ms()));
    for (results::ImportedRun& run : runs) all.push_back({file, std::move(run), {}});
  }
  ASSAY_ASSIGN(results::Store store, results::Store::open_or_create(common.db));
  for (Imported& imported : all) {
    ASSAY_ASSIGN(imported.outcome, results::store_import(store, imported.run));
    if (imported.run.n_ungraded > 0 && !imported.outcome.was_there) {
      log_note("run ", imported.run.run_id, ": ", imported.run.n_ungraded, " samples have no verdict in ",
               shown(imported.file), "; assay regrade ", imported.run.run_id, " grades them");
    }
  }
  return print_imported(all, common);
}

}  // namespace

Action declare_import(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<ImportArgs>();  // shared by the option table, which writes it, and the action
  add_texts(app, "PATH", args->files, "", "Files of the format");
  add_choice(app, "--format", args->format, results::import_format_names(), "What wrote the files");
  add_text(app, "--suite", args->options.suite, "NAME", "The suite's name (default: the task that the file names)");
  add_text(app, "--model", args->options.model, "NAME", "The model's name (default: what the file says)");
  add_text(app, "--kind", args->options.kind, "KIND",
           "What the items are, for regrading: integer, math, choice, text, … (default: by the task's name)");
  app.footer(
      "assay: \"assay export --format json\"; lm-eval: samples_*.jsonl of --log_samples; inspect: a log as JSON\n"
      "(\"inspect log dump FILE.eval\" writes one);\n"
      "simple-evals: *_allresults.json, or a file of scores alone; zeroeval: result_dirs/TASK/MODEL.json;\n"
      "llama-bench: -o json or jsonl; google-benchmark: --benchmark_format=json.\n"
      "Each run names its source in its tags (source, source_file, source_sha256). Verdicts are the file's own, until\n"
      "\"assay regrade\" grades the transcripts. Importing a file again adds nothing.\n"
      "Example: assay import --format lm-eval samples_gsm8k_2026-11-22T10-00-00.jsonl --db results.db");
  return [args, &common] { return import_command(*args, common); };
}

}  // namespace assay::cli

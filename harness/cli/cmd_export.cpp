// assay export: stored runs as files.

#include <memory>

#include "harness/base/file.h"
#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/cli/output_file.h"
#include "results/export/export.h"

namespace assay::cli {

namespace {

struct ExportArgs {
  std::vector<std::string> runs;
  std::string format;
  std::string out;
  bool include_protected = false;
};

Result<results::ExportFormat> parse_export_format(const std::string& text) {
  using Format = results::ExportFormat;
  if (text.empty()) return bad_input("--format is missing; it takes json, jsonl, csv, html or parquet");
  if (text == "json") return Format::json;
  if (text == "jsonl") return Format::jsonl;
  if (text == "csv") return Format::csv;
  if (text == "html") return Format::html;
  return Format::parquet;
}

Result<std::vector<RunId>> find_runs(const results::Store& store, const std::vector<std::string>& words) {
  std::vector<RunId> runs;
  for (const std::string& word : words) {
    ASSAY_ASSIGN(RunId run, store.find_run(word));
    runs.push_back(std::move(run));
  }
  return runs;
}

Result<> warn_of_protected(const results::Store& store, const std::vector<RunId>& runs) {
  ASSAY_ASSIGN(const auto suites, results::protected_suites(store, runs));
  if (suites.empty()) return {};
  log_note(shown(join(suites, ", ")),
           ": questions, answers and replies are left out, as the authors ask; --include-protected writes them");
  return {};
}

Result<> export_command(const ExportArgs& args, const CommonOptions& common) {
  if (args.runs.empty()) return bad_input("RUN is missing; it takes a run's id, a prefix of it, a name, or latest");
  ASSAY_ASSIGN(const results::ExportFormat format, parse_export_format(args.format));
  ASSAY_TRY(check_output_file("--out", args.out));
  ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(common.db));
  ASSAY_ASSIGN(const std::vector<RunId> runs, find_runs(store, args.runs));
  if (!args.include_protected) ASSAY_TRY(warn_of_protected(store, runs));
  const results::ExportOptions options{.format = format, .include_protected = args.include_protected};
  if (args.out.empty()) return results::export_runs(store, runs, options, print);
  ASSAY_ASSIGN(FileReplacement file, FileReplacement::create(args.out));
  ASSAY_TRY(results::export_runs(store, runs, options, [&](std::string_view text) { return file.write(text); }));
  ASSAY_TRY(file.commit());
  if (!common.json) return {};
  Json ids = Json::array();
  for (const RunId& run : runs) ids.push_back(run.value);
  return print_json({{"out", args.out}, {"format", args.format}, {"runs", ids}});
}

}  // namespace

Action declare_export(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<ExportArgs>();  // shared by the option table, which writes it, and the action
  add_texts(app, "RUN", args->runs, "", "A run's id, an unambiguous prefix of it, its --name, or latest");
  add_choice(app, "--format", args->format, {"json", "jsonl", "csv", "html", "parquet"}, "The form of the file");
  add_text(app, "--out", args->out, "FILE",
           "Where it goes, replacing what is there, but no database (default: standard output)");
  app.add_flag("--include-protected", args->include_protected,
               "Also what suites such as gpqa-diamond ask not to be spread in plain text");
  app.footer(
      "json: the record of \"assay report --json\" with items and samples; jsonl: a line a sample, as replay: and\n"
      "\"assay grade\" read it; csv: a row a sample; html: a report with charts in one file;\n"
      "parquet: csv's columns with their types (in builds with Apache Arrow, else it is refused).\n"
      "A file is written whole or not at all.\n"
      "Example: assay export latest --format html --out report.html --db results.db");
  return [args, &common] { return export_command(*args, common); };
}

}  // namespace assay::cli

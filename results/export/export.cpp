#include "results/export/export.h"

#include <set>

#include "results/export/export_parts.h"

namespace assay::results {

Result<> export_runs(const Store& store, std::span<const RunId> runs, const ExportOptions& options,
                     const TextSink& sink) {
  return store.in_snapshot([&]() -> Result<> {
    switch (options.format) {
      case ExportFormat::json:
        return export_json(store, runs, options.include_protected, sink);
      case ExportFormat::jsonl:
        return export_jsonl(store, runs, options.include_protected, sink);
      case ExportFormat::csv:
        return export_csv(store, runs, options.include_protected, sink);
      case ExportFormat::html:
        return export_html(store, runs, sink);
      case ExportFormat::parquet:
        return export_parquet(store, runs, options.include_protected, sink);
    }
    return {};
  });
}

Result<> for_each_exported(const Store& store, std::span<const RunId> runs, bool include_protected,
                           const std::function<Result<>(const RunRecord&, const SampleRecord&, bool is_hidden)>& use) {
  for (const RunId& run_id : runs) {
    ASSAY_ASSIGN(const RunRecord run, store.read_run(run_id));
    for (const RunSuiteRecord& suite : run.suites) {
      const bool is_hidden = suite.facts.is_protected && !include_protected;
      ASSAY_TRY(store.for_each_sample(run_id, suite.facts.suite, SampleParts::transcripts,
                                      [&](const SampleRecord& record) { return use(run, record, is_hidden); }));
    }
  }
  return {};
}

Result<std::vector<std::string>> protected_suites(const Store& store, std::span<const RunId> runs) {
  std::set<std::string> names;
  for (const RunId& run_id : runs) {
    ASSAY_ASSIGN(const RunRecord run, store.read_run(run_id));
    for (const RunSuiteRecord& suite : run.suites) {
      if (suite.facts.is_protected) names.insert(suite.facts.suite);
    }
  }
  return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace assay::results

#pragma once
// Stored runs as files for other tools and for people.

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "results/store.h"

namespace assay::results {

enum class ExportFormat {
  json,     ///< the record of `assay run --json` with "items", "samples" and "gpu_samples"; an array where runs are
            ///< several
  jsonl,    ///< a line a sample, which `replay:` and `assay grade --in` read
  csv,      ///< a row a sample (RFC 4180); texts that a spreadsheet would compute are quoted with an apostrophe
  html,     ///< a report in one file, with charts
  parquet,  ///< the columns of CSV with their types; needs a build with Apache Arrow
};

struct ExportOptions {
  ExportFormat format = ExportFormat::json;
  bool include_protected = false;  ///< also questions, answers and replies of suites that must not be spread
};

/// Takes the next part of the text.
using TextSink = std::function<Result<>(std::string_view)>;

/// Writes the runs to `sink`, part by part: samples are not held in memory. What a protected suite's items and replies
/// say is null (empty in CSV) unless the options include it. Error: what reading or `sink` failed with;
/// Error{environment} for parquet where Arrow is missing.
Result<> export_runs(const Store& store, std::span<const RunId> runs, const ExportOptions& options,
                     const TextSink& sink);

/// The names of those of the runs' suites that are protected, each once.
Result<std::vector<std::string>> protected_suites(const Store& store, std::span<const RunId> runs);

}  // namespace assay::results

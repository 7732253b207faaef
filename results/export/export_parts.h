#pragma once
// The formats behind export_runs(), one function each.

#include "results/export/export.h"

namespace assay::results {

Result<> export_json(const Store& store, std::span<const RunId> runs, bool include_protected, const TextSink& sink);
Result<> export_jsonl(const Store& store, std::span<const RunId> runs, bool include_protected, const TextSink& sink);
Result<> export_csv(const Store& store, std::span<const RunId> runs, bool include_protected, const TextSink& sink);
Result<> export_html(const Store& store, std::span<const RunId> runs, const TextSink& sink);
/// Error{environment} in a build without Apache Arrow.
Result<> export_parquet(const Store& store, std::span<const RunId> runs, bool include_protected, const TextSink& sink);

/// Calls `use` with each sample of the runs, its run, and whether its words stay here.
Result<> for_each_exported(const Store& store, std::span<const RunId> runs, bool include_protected,
                           const std::function<Result<>(const RunRecord&, const SampleRecord&, bool is_hidden)>& use);

}  // namespace assay::results

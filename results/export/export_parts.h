#pragma once
// The formats behind export_runs(), one function each.

#include "results/export/export.h"

namespace assay::results {

Result<> export_json(const Store& store, std::span<const RunId> runs, bool include_protected, const TextSink& sink);
Result<> export_jsonl(const Store& store, std::span<const RunId> runs, bool include_protected, const TextSink& sink);
Result<> export_csv(const Store& store, std::span<const RunId> runs, bool include_protected, const TextSink& sink);
Result<> export_html(const Store& store, std::span<const RunId> runs, const TextSink& sink);

}  // namespace assay::results

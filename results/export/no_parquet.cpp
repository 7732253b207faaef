// In place of parquet.cpp where Apache Arrow is missing.
#include "results/export/export_parts.h"

namespace assay::results {

Result<> export_parquet(const Store&, std::span<const RunId>, bool, const TextSink&) {
  return environment_error("parquet needs Apache Arrow, which this build does not have; use csv or jsonl");
}

}  // namespace assay::results

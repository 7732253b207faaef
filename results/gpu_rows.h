#pragma once
// Rows of gpu_samples, for the store.

#include <cstdint>
#include <span>

#include "results/facts.h"
#include "results/sqlite.h"

namespace assay::results {

/// In one transaction; the database has none open.
Result<> insert_gpu_samples(const Database& database, std::int64_t segment_id, std::span<const GpuSample> samples);

}  // namespace assay::results

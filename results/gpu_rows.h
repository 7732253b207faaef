#pragma once
// Rows of segments and of their GPU samples, for the store.

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "results/facts.h"
#include "results/sqlite.h"

namespace assay::results {

/// Row ids of a run's segments, in the order of RunRecord::segments; ?1 is the run's id.
inline constexpr std::string_view kSegmentsOfRun =
    "SELECT s.segment_id FROM runs r JOIN run_segments s ON s.run_key = r.run_key WHERE r.run_id = ?1 "
    "ORDER BY s.segment_id";

/// GPU samples of a run, by segment, GPU and time; `use` takes the segment's index in RunRecord::segments.
Result<> read_gpu_samples(const Database& database, const RunId& run,
                          const std::function<Result<>(std::size_t, const GpuSample&)>& use);

/// In one transaction; the database has none open.
Result<> insert_gpu_samples(const Database& database, std::int64_t segment_id, std::span<const GpuSample> samples);

}  // namespace assay::results

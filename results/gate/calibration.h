#pragma once
// A/A tests: how often the gate calls runs regressed that are equal by construction, on the data of one machine.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "results/gate/check.h"

namespace assay::results {

struct CalibrationOptions {
  std::int64_t n_splits = 400;
  CheckOptions check = {.now_ms = 0, .bootstrap = {.n_resamples = 1000, .seed = 0}, .gated_metrics_only = true};
};

/// Deals the samples of each item of `pool` (one run, or several equal ones) at random into two halves, checks one
/// against the other, and counts; then checks each pair of `pool` as they are, which also holds what drifts from run to
/// run. Figures of whole runs (throughput, cost) are judged in the pairs alone. Gives {"run_id", "environment_sha256",
/// "at_ms", "level", "splits":{"n","regressed","inconclusive","regressed_ratio","ci95"}, "pairs":{"n","regressed"}}.
/// Error{bad_input} where no item has two samples in the pool.
Result<Json> calibrate(const std::vector<ComparableRun>& pool, const Policy& policy, const CalibrationOptions& options);

/// Names the machine and build that a run was made on, for looking calibrations up.
std::string environment_sha256(const ComparableRun& run);

/// The file beside a database that keeps its calibrations: "assay.db-calibration.json".
std::filesystem::path calibration_file(const std::filesystem::path& database);

/// Puts a calibration into the file, in the place of an older one of the same environment and level.
Result<> store_calibration(const std::filesystem::path& file, const Json& calibration);

/// The stored calibration for a run's environment and a level; none where there is none or no file.
Result<std::optional<Json>> find_calibration(const std::filesystem::path& file, const std::string& environment,
                                             double level);

/// One line for people.
std::string calibration_text(const Json& calibration);

}  // namespace assay::results

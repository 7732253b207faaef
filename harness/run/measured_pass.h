#pragma once
// What a stored run says of its device, its model and its passes, as projections take them. Pure.

#include <cstdint>
#include <optional>
#include <string>

#include "harness/base/result.h"
#include "harness/run/projection.h"
#include "results/points.h"
#include "results/store.h"

namespace assay::run {

/// By the run's first segment.
struct RunDevice {
  std::string gpu_name;
  std::optional<std::uint64_t> memory_bytes;
  int n_ranks = 1;
  bool splits_heads = false;
  int max_batch = 256;
  std::optional<double> link_gb_per_s;  ///< that it was held back to
};

/// Error{bad_input} for a run that was not on GPUs.
Result<RunDevice> read_run_device(const results::RunRecord& run);

/// Error{bad_input} for a run of an earlier version, which did not store it, and for broken values.
Result<runners::PassWork> read_run_work(const results::RunRecord& run);

/// None for points that are no passes, or of which none is to be believed.
std::optional<MeasuredPass> measured_pass(const results::PointSummary& summary, const RunDevice& device);

}  // namespace assay::run

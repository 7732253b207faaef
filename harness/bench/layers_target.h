#pragma once
// Where the time of the native engine's passes goes, operation by operation and layer by layer, as a target.

#include <filesystem>
#include <memory>

#include "harness/bench/target.h"
#include "harness/run/open_runner.h"
#include "results/layers.h"
#include "runners/engine/pass_engine.h"

namespace assay::bench {

/// As open_pass_target(). `db` is where measured ceilings of the device are looked for; it need not exist.
Result<std::unique_ptr<Target>> open_layers_target(const run::RunnerOptions& options, const runners::PassLimits& limits,
                                                   run::ProgressStyle progress, std::filesystem::path db);

/// What the device gives: measured by `assay bench machine` on a device of this name, else published in its profile;
/// none if neither is there. Error where database or profiles can't be read.
Result<std::optional<results::LimitRates>> limit_rates(const std::filesystem::path& db,
                                                       const runners::DeviceFacts& device);
/// The longer of both in microseconds; none if a rate that it needs is not known, or if nothing is counted. Pure.
std::optional<double> limit_us(const runners::OperationWork& work, const results::LimitRates& rates, bool is_gpu);

/// {"time_us": …}: how the figures are measured, with versions, and the texts behind them.
Json layers_method_versions();
const std::map<std::string, std::pair<int, std::string>>& layers_methods();

}  // namespace assay::bench

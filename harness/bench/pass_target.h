#pragma once
// Whole passes of the native engine on one device, with no scheduler and no server in between.

#include <memory>
#include <string>

#include "harness/bench/target.h"
#include "harness/run/open_runner.h"
#include "runners/engine/pass_engine.h"

namespace assay::bench {

/// The native engine with the model, for passes. Errors as open_pass_target().
Result<std::unique_ptr<runners::PassEngine>> open_pass_engine(const run::RunnerOptions& options,
                                                              const runners::PassLimits& limits,
                                                              run::ProgressStyle progress);

/// Loads the model. `options.model` names a folder, a GGUF file, a registered model, or, with dummy weights, a folder
/// that need hold config.json alone. Error{bad_input} for a recording or an endpoint.
Result<std::unique_ptr<Target>> open_pass_target(const run::RunnerOptions& options, const runners::PassLimits& limits,
                                                 run::ProgressStyle progress);

/// {"output_tokens_per_s": 1, …}, and the texts behind the versions.
Json pass_method_versions();
const std::map<std::string, std::pair<int, std::string>>& pass_methods();

}  // namespace assay::bench

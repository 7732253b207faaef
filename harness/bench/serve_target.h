#pragma once
// A runner that takes requests, under load.

#include <memory>

#include "harness/bench/target.h"
#include "harness/run/gpu_probe.h"
#include "runners/live_runner.h"

namespace assay::bench {

/// Tests the client itself first, which takes half a second. `time` must outlive the target.
Result<std::unique_ptr<Target>> make_serve_target(std::unique_ptr<runners::LiveRunner> runner, LoadTime& time,
                                                  const char* nvml_library = run::kNvmlLibrary);

}  // namespace assay::bench

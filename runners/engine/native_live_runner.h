#pragma once
// The native engine as a live runner: one thread of its own runs the scheduler, and sleeps while there is no work.

#include <memory>

#include "harness/base/result.h"
#include "runners/engine/native_runner.h"
#include "runners/live_runner.h"

namespace assay::runners {

/// Loads a model and makes it ready to serve. Errors as open_native_runner() says. A device that fails fails every
/// request under way, and check() from then on.
Result<std::unique_ptr<LiveRunner>> open_native_live_runner(const NativeOptions& options);

}  // namespace assay::runners

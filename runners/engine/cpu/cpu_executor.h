#pragma once
// The CPU as an executor: float32 activations and cache, all threads on one pass at a time.

#include <memory>

#include "runners/engine/cpu/compute.h"
#include "runners/engine/executor.h"
#include "runners/engine/model.h"

namespace assay::runners {

/// References to the model and to what `compute` names must outlive it. Error{environment} if the cache can't be had.
Result<std::unique_ptr<Executor>> create_cpu_executor(const Model& model, const Compute& compute,
                                                      const ExecutorOptions& options);

}  // namespace assay::runners

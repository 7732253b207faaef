#pragma once
// The CPU as an executor: float32 activations and cache, all threads on one pass at a time.

#include <functional>
#include <memory>

#include "runners/engine/cpu/compute.h"
#include "runners/engine/executor.h"
#include "runners/engine/model.h"

namespace assay::runners {

/// References to the model and to what `compute` names must outlive it. Error{environment} if the cache can't be had.
/// `settle_pages` says how many pages there shall be, of those that fit; empty: all.
Result<std::unique_ptr<Executor>> create_cpu_executor(const Model& model, const Compute& compute,
                                                      const ExecutorOptions& options,
                                                      const std::function<Result<int>(int fitting)>& settle_pages = {});

}  // namespace assay::runners

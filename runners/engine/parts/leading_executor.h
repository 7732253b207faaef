#pragma once
// Part 0 of a model that is spread over processes, as the scheduler sees it: one executor. Each call is told to the
// other parts, which make it, too (follow.h). What was drawn must be the same everywhere.

#include <functional>
#include <memory>
#include <string>

#include "harness/base/json.h"
#include "runners/engine/native_device.h"

namespace assay::runners {

/// Has all parts load their own of the model, this one included. The group, and what `compute` names, must outlive it.
/// Errors as create_executor() says, and those of another part, which the message names.
Result<std::unique_ptr<Executor>> create_leading_executor(const Model& model, const NativeDevice& device,
                                                          const ExecutorOptions& options, const LoadOptions& load,
                                                          const Compute& compute);

/// Waits until all other parts are ready. Error{bad_input} if one has another model or another kind of device than this
/// one. Then the device's facts have those of all parts.
Result<> settle_parts(NativeDevice& device, const std::string& model_sha256);

/// This part's own of a model, on its device, in step with the others.
Result<std::unique_ptr<Executor>> create_own_part(const Model& model, const NativeDevice& device,
                                                  const ParallelOptions& parallel, const std::string& meeting_place,
                                                  const ExecutorOptions& options, const LoadOptions& load,
                                                  const Compute& compute);

/// "cpu", or "cuda 90 hopper".
std::string kind_of_device(const NativeDevice& device);

}  // namespace assay::runners

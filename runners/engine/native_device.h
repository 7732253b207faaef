#pragma once
// Where the native engine can run.

#include <string>

#include "harness/base/result.h"

namespace assay::runners {

/// Whether this build runs models on `device` (auto, cpu, cuda, cuda:i). Error{environment} for a CUDA device: one that
/// is asked for by name is never replaced by another. Error{bad_input} for other words.
Result<> check_native_device(const std::string& device);

/// Processors that this process may run on, at least 1.
int available_processors();

}  // namespace assay::runners

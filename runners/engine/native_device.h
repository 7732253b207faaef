#pragma once
// Where the native engine can run.

#include <cstdint>
#include <string>

#include "harness/base/result.h"

namespace assay::runners {

/// Whether this build runs models on `device` (auto, cpu, cuda, cuda:i). Error{environment} for a CUDA device: one that
/// is asked for by name is never replaced by another. Error{bad_input} for other words.
Result<> check_native_device(const std::string& device);

/// Processors that this process may run on, at least 1.
int available_processors();

/// What the kernel calls the processor's model.
std::string processor_name();

/// Memory of the host, in all.
std::int64_t memory_bytes();

/// Memory of the host that programs can still take, as the kernel estimates it.
std::int64_t available_memory_bytes();

}  // namespace assay::runners

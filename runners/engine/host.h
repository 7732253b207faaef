#pragma once
// The host that the engine runs on.

#include <cstdint>
#include <string>

namespace assay::runners {

/// Processors that this process may run on, at least 1.
int available_processors();

/// What the kernel calls the processor's model.
std::string processor_name();

/// Memory of the host, in all.
std::int64_t memory_bytes();

/// Memory of the host that programs can still take, as the kernel estimates it.
std::int64_t available_memory_bytes();

}  // namespace assay::runners

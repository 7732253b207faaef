#pragma once
// Facts of this machine, stored with every run. What can't be read is left empty.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "results/facts.h"
#include "runners/runner.h"

namespace assay::run {

/// The machine, this build, and the device that the runner reports; of a GPU also what its management library says now
/// (GpuState in details.gpu_state, before the run: its clocks are those of an idle GPU; gpu_clock_mhz is the highest
/// that its multiprocessors may have).
results::EnvironmentFacts read_environment(const runners::DeviceFacts& device);

/// What figures on this device are: "emulated" where its links are held back, else "measured".
std::string provenance_on(const runners::DeviceFacts& device);

/// Whether the device is several hosts' (--across). What this host measures of itself is then not the device's.
bool is_on_several_hosts(const runners::DeviceFacts& device);

/// Where the runner's GPUs are on this host ("0000:1b:00.0"), rank by rank; empty if it has none, or they are on
/// several hosts.
std::vector<std::string> pci_bus_ids(const runners::DeviceFacts& device);

// Pure readers of the kernel's texts.

/// The value of the first line "KEY : VALUE" (as /proc/cpuinfo and /proc/meminfo write them); empty if there is none.
std::string colon_field(std::string_view text, std::string_view key);
/// "16316412 kB" as bytes.
std::optional<std::int64_t> kibibyte_field_bytes(std::string_view value);
/// PRETTY_NAME of /etc/os-release, unquoted; empty if there is none.
std::string os_pretty_name(std::string_view os_release);

}  // namespace assay::run

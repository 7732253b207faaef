#pragma once
// The devices of this machine by the names that they give themselves: what a hardware profile is matched with.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assay::run {

struct MachineDevice {
  std::string kind;  ///< "gpu" or "cpu"
  std::string name;  ///< "NVIDIA H100 80GB HBM3", "Raspberry Pi 5 Model B Rev 1.0", or the processor's model
  std::optional<std::uint64_t> memory_bytes;
};

/// The GPUs that the driver's management library lists, then the board or processor. `nvml_library`, `cpuinfo` and
/// `board_model` are the places to ask.
std::vector<MachineDevice> machine_devices(const char* nvml_library, const char* cpuinfo = "/proc/cpuinfo",
                                           const char* board_model = "/proc/device-tree/model");

}  // namespace assay::run

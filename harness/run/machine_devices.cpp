#include "harness/run/machine_devices.h"

#include <fstream>
#include <iterator>

#include "harness/base/text.h"
#include "harness/run/environment.h"
#include "harness/run/gpu_probe.h"

namespace assay::run {

namespace {

/// To its first NUL, which ends the texts of a device tree; empty if it can't be read.
std::string text_of(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return text.substr(0, text.find('\0'));
}

}  // namespace

std::vector<MachineDevice> machine_devices(const char* nvml_library, const char* cpuinfo, const char* board_model) {
  std::vector<MachineDevice> devices;
  for (const GpuEntry& gpu : probe_gpus(nvml_library).gpus) {
    devices.push_back({"gpu", gpu.name, gpu.memory_bytes > 0 ? std::optional(gpu.memory_bytes) : std::nullopt});
  }
  std::string name(trim(text_of(board_model)));
  if (name.empty()) name = colon_field(text_of(cpuinfo), "model name");
  devices.push_back({"cpu", name, {}});
  return devices;
}

}  // namespace assay::run

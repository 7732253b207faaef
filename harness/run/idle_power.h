#pragma once
// What this machine's devices draw while they do nothing: asked for before a run loads its model.

#include <filesystem>
#include <functional>
#include <map>
#include <stop_token>
#include <string>

#include "harness/run/cpu_energy.h"
#include "harness/run/gpu_probe.h"
#include "results/idle_power.h"
#include "runners/runner.h"

namespace assay::run {

/// Idle power by device. As it is, nothing was measured.
struct IdlePowers {
  std::map<std::string, results::IdlePower> gpus;  ///< by PCI bus id, in lower case
  results::IdlePower processors;
};

struct IdleSources {
  bool gpus = true;        ///< all that the driver shows
  bool processors = true;  ///< together
  const char* nvml_library = kNvmlLibrary;
  std::filesystem::path powercap = kPowercapFolder;
};

/// Lets some milliseconds pass, and says how many did (monotonic clock); negative: stop waiting.
using PassTime = std::function<double(double ms)>;

/// Time as it passes on this machine, until `stop`.
PassTime machine_time(std::stop_token stop);

/// Takes a second where a device can be asked, else no time. A GPU's is the median of its power readings; those at
/// which something ran on it don't count, and if that leaves fewer than five there is no idle power but a reason. The
/// processors' is the difference of their counters over the time, whatever else runs on the machine.
IdlePowers measure_idle_power(const IdleSources& sources, const PassTime& pass_time);

/// Of the device that a run works on, by its facts.
results::IdlePower idle_power_of_device(const IdlePowers& powers, const runners::DeviceFacts& device);

}  // namespace assay::run

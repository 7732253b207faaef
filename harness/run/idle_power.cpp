#include "harness/run/idle_power.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "harness/base/text.h"
#include "harness/run/environment.h"

namespace assay::run {

namespace {

constexpr double kStepMs = 100;
constexpr int kSteps = 10;
constexpr std::size_t kLeastReadings = 5;
constexpr double kMsPerSecond = 1000;

results::IdlePower not_known(std::string reason) {
  results::IdlePower idle;
  idle.reason = std::move(reason);
  return idle;
}

/// A GPU and what it said while time passed.
struct WatchedGpu {
  std::string pci_bus_id;
  GpuReader reader;
  std::vector<double> idle_watts;
  double most_busy_pct = 0;
  bool knows_power = true;

  void read() {
    const GpuState state = reader.read();
    knows_power = knows_power && state.power_watts;
    const double busy_pct = state.busy_pct.value_or(0);
    most_busy_pct = std::max(most_busy_pct, busy_pct);
    if (state.power_watts && busy_pct == 0) idle_watts.push_back(*state.power_watts);
  }
};

std::vector<WatchedGpu> watched_gpus(const IdleSources& sources) {
  std::vector<WatchedGpu> gpus;
  if (!sources.gpus) return gpus;
  for (const GpuEntry& gpu : probe_gpus(sources.nvml_library).gpus) {
    auto reader = GpuReader::open(gpu.pci_bus_id, sources.nvml_library);
    if (reader) gpus.push_back({gpu.pci_bus_id, std::move(*reader), {}});
  }
  return gpus;
}

results::IdlePower idle_power_of_gpu(WatchedGpu& gpu, double window_ms) {
  if (!gpu.knows_power) return not_known("the driver does not tell the GPU's power");
  if (gpu.idle_watts.size() < kLeastReadings) {
    return not_known("the GPU was at work before the run (" + to_fixed(gpu.most_busy_pct, 0) + " % busy)");
  }
  std::vector<double>& watts = gpu.idle_watts;
  std::sort(watts.begin(), watts.end());
  const std::size_t middle = watts.size() / 2;
  const double median = watts.size() % 2 == 1 ? watts[middle] : (watts[middle - 1] + watts[middle]) / 2;
  return {.watts = median,
          .source = results::EnergySource::power,
          .n_readings = static_cast<std::int64_t>(watts.size()),
          .window_ms = window_ms,
          .reason = {}};
}

results::IdlePower idle_power_of_processors(CpuEnergyReader& reader, double window_ms) {
  const auto joules = reader.read();
  if (!joules || !(window_ms > 0)) return not_known("the processors' energy counter could not be read");
  return {.watts = *joules / (window_ms / kMsPerSecond),
          .source = results::EnergySource::counter,
          .n_readings = 2,
          .window_ms = window_ms,
          .reason = {}};
}

}  // namespace

IdlePowers measure_idle_power(const IdleSources& sources, const PassTime& pass_time) {
  IdlePowers powers;
  std::vector<WatchedGpu> gpus = watched_gpus(sources);
  std::optional<CpuEnergyReader> processors =
      sources.processors ? CpuEnergyReader::open(sources.powercap) : std::nullopt;
  powers.processors = not_known("the processors have no energy counter that could be read");
  if (gpus.empty() && !processors) return powers;
  double window_ms = 0;
  for (WatchedGpu& gpu : gpus) gpu.read();
  for (int step = 0; step < kSteps; ++step) {
    const double passed_ms = pass_time(kStepMs);
    if (passed_ms < 0) return powers;
    window_ms += passed_ms;
    for (WatchedGpu& gpu : gpus) gpu.read();
  }
  for (WatchedGpu& gpu : gpus) powers.gpus[gpu.pci_bus_id] = idle_power_of_gpu(gpu, window_ms);
  if (processors) powers.processors = idle_power_of_processors(*processors, window_ms);
  return powers;
}

results::IdlePower idle_power_of_device(const IdlePowers& powers, const runners::DeviceFacts& device) {
  if (device.kind == "cpu") return powers.processors;
  if (device.kind != "cuda") return not_known("the run's device is not of this machine");
  std::optional<results::IdlePower> all;  // of several GPUs together
  for (const std::string& id : pci_bus_ids(device)) {
    const auto at = powers.gpus.find(to_lower_ascii(id));
    if (at == powers.gpus.end()) return not_known("the driver does not tell the GPU's power");
    if (!at->second.watts || !all) {
      all = at->second;
    } else {
      *all->watts += *at->second.watts;
      all->n_readings += at->second.n_readings;
    }
    if (!all->watts) return *all;
  }
  return all ? *all : not_known("the driver does not tell the GPU's power");
}

PassTime machine_time(std::stop_token stop) {
  return [stop = std::move(stop)](double ms) {
    const auto began = std::chrono::steady_clock::now();
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any wake;
    wake.wait_for(lock, stop, std::chrono::duration<double, std::milli>(ms), [] { return false; });
    if (stop.stop_requested()) return -1.0;
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
  };
}

}  // namespace assay::run

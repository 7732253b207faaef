#include "harness/run/gpu_probe.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <vector>

namespace assay::run {

namespace {

// The few declarations of nvml.h that are used here (NVML API reference, ABI of the *_v2 entry points): the header
// comes with CUDA, which a machine that only asks does not need.
using NvmlDevice = struct nvmlDevice_st*;
struct NvmlMemory {
  unsigned long long total, free, used;
};
struct NvmlPciInfo {  // of nvmlDeviceGetPciInfo_v3
  char bus_id_legacy[16];
  unsigned domain, bus, device, device_id, subsystem_id;
  char bus_id[32];
};
struct NvmlUtilisation {
  unsigned gpu, memory;
};
struct NvmlFieldValue {  // of nvmlDeviceGetFieldValues
  unsigned field_id, scope_id;
  long long timestamp, latency_us;
  int value_type, status;
  union {
    double as_double;
    unsigned as_unsigned;
    unsigned long as_unsigned_long;
    unsigned long long as_unsigned_long_long;
  } value;
};
constexpr unsigned kFieldLinkSpeed = 90;  // NVML_FI_DEV_NVLINK_SPEED_MBPS_COMMON: of an active link, in MB/s
constexpr int kUnsigned = 1;              // NVML_VALUE_TYPE_UNSIGNED_INT
constexpr unsigned kMostLinks = 36;       // NVML_NVLINK_MAX_LINKS
constexpr int kSuccess = 0;
constexpr unsigned kTextBytes = 96;
constexpr int kSmClock = 1, kMemoryClock = 2;
constexpr int kGpuSensor = 0;

struct LibraryCloser {
  void operator()(void* library) const { ::dlclose(library); }
};

/// The library, initialised; shuts it down at the end.
class Nvml {
 public:
  explicit Nvml(const char* name) : library_(::dlopen(name, RTLD_NOW | RTLD_LOCAL)) {
    if (!library_) {
      reason_ = std::string("no NVIDIA driver (") + kNvmlLibrary + " is not there)";
      return;
    }
    const auto init = find<int()>("nvmlInit_v2");
    if (!init || !find<int()>("nvmlShutdown")) {
      reason_ = std::string(kNvmlLibrary) + " lacks a function that it should have";
      return;
    }
    const int code = init();
    if (code != kSuccess) {
      reason_ = "the NVIDIA driver does not answer (nvmlInit_v2 gives " + std::to_string(code) + ")";
      return;
    }
    ready_ = true;
  }
  ~Nvml() {
    if (ready_) find<int()>("nvmlShutdown")();
  }
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  bool ready() const { return ready_; }
  const std::string& reason() const { return reason_; }

  /// Null if the library has no such function.
  template <class Function>
  Function* find(const char* name) const {
    return reinterpret_cast<Function*>(::dlsym(library_.get(), name));
  }

  std::string driver() const {
    const auto driver_version = find<int(char*, unsigned)>("nvmlSystemGetDriverVersion");
    char text[kTextBytes] = {};
    return driver_version && driver_version(text, kTextBytes) == kSuccess ? text : "";
  }

  /// A number that `name` writes for a device, divided by `unit`; `kind` is what some ask for in between.
  std::optional<double> number(NvmlDevice device, const char* name, double unit = 1) const {
    const auto read = find<int(NvmlDevice, unsigned*)>(name);
    unsigned value = 0;
    if (!read || read(device, &value) != kSuccess) return {};
    return value / unit;
  }
  std::optional<std::uint64_t> long_number(NvmlDevice device, const char* name) const {
    const auto read = find<int(NvmlDevice, unsigned long long*)>(name);
    unsigned long long value = 0;
    if (!read || read(device, &value) != kSuccess) return {};
    return value;
  }
  std::optional<double> number_of_kind(NvmlDevice device, const char* name, int kind) const {
    const auto read = find<int(NvmlDevice, int, unsigned*)>(name);
    unsigned value = 0;
    if (!read || read(device, kind, &value) != kSuccess) return {};
    return value;
  }
  std::string pci_bus_id(NvmlDevice device) const {
    const auto read = find<int(NvmlDevice, NvmlPciInfo*)>("nvmlDeviceGetPciInfo_v3");
    NvmlPciInfo info{};
    if (!read || read(device, &info) != kSuccess) return {};
    char text[32];
    std::snprintf(text, sizeof text, "%04x:%02x:%02x.0", info.domain, info.bus, info.device);
    return text;
  }
  /// None if the library has no such functions; a GPU without links has 0.
  std::optional<GpuLinks> links(NvmlDevice device) const {
    const auto state_of = find<int(NvmlDevice, unsigned, unsigned*)>("nvmlDeviceGetNvLinkState");
    if (!state_of) return {};
    GpuLinks links;
    for (unsigned link = 0; link < kMostLinks; ++link) {
      unsigned is_active = 0;
      if (state_of(device, link, &is_active) == kSuccess && is_active != 0) ++links.n_links;
    }
    const auto read = find<int(NvmlDevice, int, NvmlFieldValue*)>("nvmlDeviceGetFieldValues");
    NvmlFieldValue speed{};
    speed.field_id = kFieldLinkSpeed;
    if (links.n_links > 0 && read && read(device, 1, &speed) == kSuccess && speed.status == kSuccess &&
        speed.value_type == kUnsigned && speed.value.as_unsigned > 0) {
      links.link_gb_per_s = 1e-3 * links.n_links * speed.value.as_unsigned;
    }
    return links;
  }
  std::optional<double> busy_pct(NvmlDevice device) const {
    const auto read = find<int(NvmlDevice, NvmlUtilisation*)>("nvmlDeviceGetUtilizationRates");
    NvmlUtilisation utilisation{};
    if (!read || read(device, &utilisation) != kSuccess) return {};
    return utilisation.gpu;
  }

 private:
  std::unique_ptr<void, LibraryCloser> library_;
  std::string reason_;
  bool ready_ = false;
};

}  // namespace

GpuProbe probe_gpus(const char* library) {
  GpuProbe probe;
  const Nvml nvml(library);
  if (!nvml.ready()) {
    probe.reason = nvml.reason();
    return probe;
  }
  const auto count_of = nvml.find<int(unsigned*)>("nvmlDeviceGetCount_v2");
  const auto device_at = nvml.find<int(unsigned, NvmlDevice*)>("nvmlDeviceGetHandleByIndex_v2");
  const auto name_of = nvml.find<int(NvmlDevice, char*, unsigned)>("nvmlDeviceGetName");
  const auto memory_of = nvml.find<int(NvmlDevice, NvmlMemory*)>("nvmlDeviceGetMemoryInfo");
  if (!count_of || !device_at || !name_of || !memory_of) {
    probe.reason = std::string(kNvmlLibrary) + " lacks a function that it should have";
    return probe;
  }
  probe.driver = nvml.driver();
  unsigned count = 0;
  if (count_of(&count) != kSuccess) probe.reason = "the NVIDIA driver does not list its devices";
  for (unsigned i = 0; i < count; ++i) {
    NvmlDevice device = nullptr;
    NvmlMemory memory{};
    char text[kTextBytes] = {};
    if (device_at(i, &device) != kSuccess || name_of(device, text, kTextBytes) != kSuccess) continue;
    GpuEntry gpu{.name = text, .memory_bytes = 0, .pci_bus_id = nvml.pci_bus_id(device)};
    if (memory_of(device, &memory) == kSuccess) gpu.memory_bytes = memory.total;
    probe.gpus.push_back(std::move(gpu));
  }
  return probe;
}

struct GpuReader::State {
  std::unique_ptr<Nvml> nvml;
  std::vector<NvmlDevice> devices;
};

GpuReader::GpuReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
GpuReader::GpuReader(GpuReader&&) noexcept = default;
GpuReader& GpuReader::operator=(GpuReader&&) noexcept = default;
GpuReader::~GpuReader() = default;

std::optional<GpuReader> GpuReader::open(const std::string& pci_bus_id, const char* library) {
  if (pci_bus_id.empty()) return {};
  return open(std::span(&pci_bus_id, 1), library);
}

std::optional<GpuReader> GpuReader::open(std::span<const std::string> pci_bus_ids, const char* library) {
  if (pci_bus_ids.empty()) return {};
  auto nvml = std::make_unique<Nvml>(library);
  if (!nvml->ready()) return {};
  const auto device_at = nvml->find<int(const char*, NvmlDevice*)>("nvmlDeviceGetHandleByPciBusId_v2");
  std::vector<NvmlDevice> devices;
  for (const std::string& id : pci_bus_ids) {
    NvmlDevice device = nullptr;
    if (!device_at || device_at(id.c_str(), &device) != kSuccess) return {};
    devices.push_back(device);
  }
  return GpuReader(std::make_unique<State>(State{std::move(nvml), std::move(devices)}));
}

namespace {

GpuState read_gpu(const Nvml& nvml, NvmlDevice device) {
  GpuState state;
  state.driver = nvml.driver();
  state.sm_clock_mhz = nvml.number_of_kind(device, "nvmlDeviceGetClockInfo", kSmClock);
  state.max_sm_clock_mhz = nvml.number_of_kind(device, "nvmlDeviceGetMaxClockInfo", kSmClock);
  state.memory_clock_mhz = nvml.number_of_kind(device, "nvmlDeviceGetClockInfo", kMemoryClock);
  constexpr double kMilli = 1000;
  state.power_watts = nvml.number(device, "nvmlDeviceGetPowerUsage", kMilli);
  state.power_limit_watts = nvml.number(device, "nvmlDeviceGetEnforcedPowerLimit", kMilli);
  state.temperature_c = nvml.number_of_kind(device, "nvmlDeviceGetTemperature", kGpuSensor);
  state.busy_pct = nvml.busy_pct(device);
  state.throttle_reasons = nvml.long_number(device, "nvmlDeviceGetCurrentClocksThrottleReasons");
  if (const auto millijoules = nvml.long_number(device, "nvmlDeviceGetTotalEnergyConsumption")) {
    state.total_energy_joules = static_cast<double>(*millijoules) / kMilli;
  }
  return state;
}

/// Both values by `how`, or none.
template <class T, class How>
void join(std::optional<T>& to, const std::optional<T>& other, const How& how) {
  if (to && other) {
    to = how(*to, *other);
  } else {
    to.reset();
  }
}

}  // namespace

GpuState GpuReader::read() const {
  GpuState all = read_gpu(*state_->nvml, state_->devices.front());
  const auto least = [](double a, double b) { return std::min(a, b); };
  const auto most = [](double a, double b) { return std::max(a, b); };
  for (std::size_t i = 1; i < state_->devices.size(); ++i) {
    const GpuState one = read_gpu(*state_->nvml, state_->devices[i]);
    join(all.sm_clock_mhz, one.sm_clock_mhz, least);
    join(all.max_sm_clock_mhz, one.max_sm_clock_mhz, least);
    join(all.memory_clock_mhz, one.memory_clock_mhz, least);
    join(all.power_watts, one.power_watts, std::plus<>());
    join(all.power_limit_watts, one.power_limit_watts, least);
    join(all.temperature_c, one.temperature_c, most);
    join(all.busy_pct, one.busy_pct, most);
    join(all.throttle_reasons, one.throttle_reasons, std::bit_or<>());
    join(all.total_energy_joules, one.total_energy_joules, std::plus<>());
  }
  return all;
}

std::optional<GpuLinks> GpuReader::links() const { return state_->nvml->links(state_->devices.front()); }

}  // namespace assay::run

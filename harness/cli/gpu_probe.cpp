#include "harness/cli/gpu_probe.h"

#include <dlfcn.h>

#include <memory>

namespace assay::cli {

namespace {

// The few declarations of nvml.h that are used here (NVML API reference, ABI of the *_v2 entry points): the header
// comes with CUDA, which a machine that only asks does not need.
using NvmlDevice = struct nvmlDevice_st*;
struct NvmlMemory {
  unsigned long long total, free, used;
};
constexpr int kSuccess = 0;
constexpr unsigned kTextBytes = 96;

struct LibraryCloser {
  void operator()(void* library) const { ::dlclose(library); }
};

template <class Function>
Function* find_function(void* library, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(library, name));
}

}  // namespace

GpuProbe probe_gpus() {
  GpuProbe probe;
  const std::unique_ptr<void, LibraryCloser> library(::dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL));
  if (!library) {
    probe.reason = "no NVIDIA driver (libnvidia-ml.so.1 is not there)";
    return probe;
  }
  const auto init = find_function<int()>(library.get(), "nvmlInit_v2");
  const auto shutdown = find_function<int()>(library.get(), "nvmlShutdown");
  const auto driver_version = find_function<int(char*, unsigned)>(library.get(), "nvmlSystemGetDriverVersion");
  const auto count_of = find_function<int(unsigned*)>(library.get(), "nvmlDeviceGetCount_v2");
  const auto device_at = find_function<int(unsigned, NvmlDevice*)>(library.get(), "nvmlDeviceGetHandleByIndex_v2");
  const auto name_of = find_function<int(NvmlDevice, char*, unsigned)>(library.get(), "nvmlDeviceGetName");
  const auto memory_of = find_function<int(NvmlDevice, NvmlMemory*)>(library.get(), "nvmlDeviceGetMemoryInfo");
  if (!init || !shutdown || !driver_version || !count_of || !device_at || !name_of || !memory_of) {
    probe.reason = "libnvidia-ml.so.1 lacks a function that it should have";
    return probe;
  }
  if (const int code = init(); code != kSuccess) {
    probe.reason = "the NVIDIA driver does not answer (nvmlInit_v2 gives " + std::to_string(code) + ")";
    return probe;
  }
  char text[kTextBytes] = {};
  if (driver_version(text, kTextBytes) == kSuccess) probe.driver = text;
  unsigned count = 0;
  if (count_of(&count) != kSuccess) probe.reason = "the NVIDIA driver does not list its devices";
  for (unsigned i = 0; i < count; ++i) {
    NvmlDevice device = nullptr;
    NvmlMemory memory{};
    if (device_at(i, &device) != kSuccess || name_of(device, text, kTextBytes) != kSuccess) continue;
    GpuEntry gpu{.name = text, .memory_bytes = 0};
    if (memory_of(device, &memory) == kSuccess) gpu.memory_bytes = memory.total;
    probe.gpus.push_back(std::move(gpu));
  }
  shutdown();
  return probe;
}

}  // namespace assay::cli

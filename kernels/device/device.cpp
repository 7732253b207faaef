#include "kernels/device/device.cuh"

#include <cuda_runtime.h>

#include <atomic>
#include <cstdlib>

#include "harness/base/text.h"

namespace assay::kernels {

namespace {

constexpr int kHopper = 90, kLeast = 80;

std::atomic<CudaPath> settled_path = CudaPath::hopper;

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// A driver must be there, and as new as the runtime that we are linked with.
Result<> check_driver(DeviceFacts& facts) {
  ASSAY_TRY(check(cudaRuntimeGetVersion(&facts.runtime_version), "CUDA runtime"));
  ASSAY_TRY(check(cudaDriverGetVersion(&facts.driver_version), "CUDA driver"));
  if (facts.driver_version == 0) return environment_error("no CUDA device: no NVIDIA driver is installed");
  if (facts.driver_version / 1000 < facts.runtime_version / 1000) {
    return environment_error("the NVIDIA driver is too old: it offers CUDA ", version_text(facts.driver_version),
                             ", this program needs ", version_text(facts.runtime_version));
  }
  return {};
}

/// What the environment asks for.
Result<std::optional<CudaPath>> path_of_environment() {
  const char* asked = std::getenv("ASSAY_CUDA_PATH");
  if (asked == nullptr) return std::optional<CudaPath>{};
  for (const CudaPath path : {CudaPath::hopper, CudaPath::portable}) {
    if (std::string_view(asked) == to_string(path)) return std::optional(path);
  }
  return bad_input("ASSAY_CUDA_PATH must be hopper or portable, is ", quoted_excerpt(asked));
}

Result<CudaPath> choose_path(const DeviceFacts& facts, std::optional<CudaPath> asked) {
  const int capability = facts.compute_capability;
  const std::string has =
      facts.name + " has compute capability " + std::to_string(capability / 10) + "." + std::to_string(capability % 10);
  if (capability < kLeast) return environment_error(has, "; the kernels need 8.0 (A100) or later");
  if (!asked) {
    ASSAY_ASSIGN(asked, path_of_environment());
  }
  if (asked == CudaPath::hopper && capability != kHopper) {
    return environment_error(has, "; Hopper's kernels need 9.0 (H100, H200, H800), the portable ones run here");
  }
  return asked.value_or(capability == kHopper ? CudaPath::hopper : CudaPath::portable);
}

}  // namespace

std::string_view to_string(CudaPath path) { return path == CudaPath::hopper ? "hopper" : "portable"; }

CudaPath cuda_path() { return settled_path.load(std::memory_order_relaxed); }

Result<> check(cudaError_t status, std::string_view what) {
  if (status == cudaSuccess) return {};
  return environment_error(what, ": ", cudaGetErrorString(status), " (", cudaGetErrorName(status), ")");
}

Result<DeviceFacts> open_device(int ordinal, std::optional<CudaPath> path) {
  DeviceFacts facts;
  ASSAY_TRY(check_driver(facts));
  int n_devices = 0;
  const cudaError_t counted = cudaGetDeviceCount(&n_devices);
  if (counted == cudaErrorNoDevice || (counted == cudaSuccess && n_devices == 0)) {
    return environment_error("no CUDA device: the driver sees none");
  }
  ASSAY_TRY(check(counted, "CUDA devices"));
  if (ordinal < 0 || ordinal >= n_devices) {
    return environment_error("no CUDA device ", ordinal, ": there are ", n_devices, ", counted from 0");
  }
  cudaDeviceProp properties{};
  ASSAY_TRY(check(cudaGetDeviceProperties(&properties, ordinal), "CUDA device properties"));
  facts.ordinal = ordinal;
  facts.name = properties.name;
  char bus_id[32] = {};
  ASSAY_TRY(check(cudaDeviceGetPCIBusId(bus_id, sizeof bus_id, ordinal), "CUDA device's bus"));
  facts.pci_bus_id = bus_id;
  facts.compute_capability = properties.major * 10 + properties.minor;
  facts.n_multiprocessors = properties.multiProcessorCount;
  facts.memory_bytes = properties.totalGlobalMem;
  facts.l2_cache_bytes = static_cast<std::size_t>(properties.l2CacheSize);
  facts.shared_memory_per_block_bytes = properties.sharedMemPerBlockOptin;
  ASSAY_ASSIGN(facts.path, choose_path(facts, path));
  ASSAY_TRY(check(cudaSetDevice(ordinal), "CUDA device"));
  settled_path = facts.path;
  std::size_t total = 0;
  ASSAY_TRY(check(cudaMemGetInfo(&facts.free_memory_bytes, &total), "CUDA memory"));
  return facts;
}

}  // namespace assay::kernels

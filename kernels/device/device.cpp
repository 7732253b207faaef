#include "kernels/device/device.cuh"

#include <cuda_runtime.h>

namespace assay::kernels {

namespace {

constexpr int kHopper = 90;

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

}  // namespace

Result<> check(cudaError_t status, std::string_view what) {
  if (status == cudaSuccess) return {};
  return environment_error(what, ": ", cudaGetErrorString(status), " (", cudaGetErrorName(status), ")");
}

Result<DeviceFacts> open_device(int ordinal) {
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
  if (facts.compute_capability != kHopper) {
    return environment_error(facts.name, " has compute capability ", properties.major, ".", properties.minor,
                             "; the kernels need 9.0 (H100, H200, H800)");
  }
  ASSAY_TRY(check(cudaSetDevice(ordinal), "CUDA device"));
  std::size_t total = 0;
  ASSAY_TRY(check(cudaMemGetInfo(&facts.free_memory_bytes, &total), "CUDA memory"));
  return facts;
}

}  // namespace assay::kernels

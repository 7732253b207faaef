#pragma once
// The GPU as the engine sees it: errors, facts, and the test that this device and driver can run our kernels.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace assay::kernels {

/// Error{environment} "what: the runtime's own words" unless `status` is success.
Result<> check(cudaError_t status, std::string_view what);

/// What a run stores of the device that it ran on.
struct DeviceFacts {
  int ordinal = 0;
  std::string name;
  std::string pci_bus_id;      ///< "0000:1b:00.0"
  int compute_capability = 0;  ///< 90 is 9.0
  int n_multiprocessors = 0;
  std::size_t memory_bytes = 0;
  std::size_t free_memory_bytes = 0;
  std::size_t l2_cache_bytes = 0;
  std::size_t shared_memory_per_block_bytes = 0;  ///< the most that a kernel may opt in to
  int driver_version = 0;                         ///< 13000 is CUDA 13.0
  int runtime_version = 0;
};

/// Makes a device the calling thread's current one and reads its facts. Error{environment} where there is no driver or
/// device, the driver is older than the runtime, or the device is not Hopper (the kernels are built for sm_90a alone).
Result<DeviceFacts> open_device(int ordinal = 0);

}  // namespace assay::kernels

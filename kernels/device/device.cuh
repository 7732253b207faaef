#pragma once
// The GPU as the engine sees it: errors, facts, and the test that this device and driver can run our kernels.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace assay::kernels {

/// Error{environment} "what: the runtime's own words" unless `status` is success.
Result<> check(cudaError_t status, std::string_view what);

/// Whose instructions the kernels use. A path has its own order of sums: bits agree within a path, not between two.
enum class CudaPath {
  hopper,    ///< sm_90a: copy engine, warpgroup products, clusters
  portable,  ///< sm_80 and later
};
std::string_view to_string(CudaPath path);

/// What a run stores of the device that it ran on.
struct DeviceFacts {
  int ordinal = 0;
  std::string name;
  std::string pci_bus_id;      ///< "0000:1b:00.0"
  int compute_capability = 0;  ///< 90 is 9.0
  CudaPath path = CudaPath::hopper;
  int n_multiprocessors = 0;
  std::size_t memory_bytes = 0;
  std::size_t free_memory_bytes = 0;
  std::size_t l2_cache_bytes = 0;
  std::size_t shared_memory_per_block_bytes = 0;  ///< the most that a kernel may opt in to
  int driver_version = 0;                         ///< 13000 is CUDA 13.0
  int runtime_version = 0;
};

/// Makes a device the calling thread's current one, settles the process's path and reads the facts. The path is `path`,
/// or else what ASSAY_CUDA_PATH names (hopper or portable), or else Hopper's where the device is one.
/// Error{environment} where there is no driver or device, the driver is older than the runtime, or the device can't run
/// that path.
Result<DeviceFacts> open_device(int ordinal = 0, std::optional<CudaPath> path = {});

/// The path that open_device settled last, for every launch of the process: like the runtime's current device it is not
/// handed from call to call. Hopper's before the first.
CudaPath cuda_path();

}  // namespace assay::kernels

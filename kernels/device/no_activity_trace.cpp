// In the place of GPUs' records in a build without CUDA.

#include "kernels/device/activity_trace.h"

namespace assay::kernels {

struct ActivityTrace::Library {};

ActivityTrace::ActivityTrace(std::unique_ptr<Library> library) : library_(std::move(library)) {}
ActivityTrace::~ActivityTrace() = default;
Result<std::unique_ptr<ActivityTrace>> ActivityTrace::open() {
  return environment_error("this build has no CUDA; build with -DASSAY_CUDA=ON (nvcc 12.3 or later)");
}
Result<> ActivityTrace::start() { return {}; }
Result<> ActivityTrace::stop() { return {}; }
Result<std::vector<DeviceActivity>> ActivityTrace::take() { return std::vector<DeviceActivity>{}; }

}  // namespace assay::kernels

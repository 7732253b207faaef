// In the place of the GPU's executor in a build without CUDA.

#include "runners/engine/cuda/cuda_executor.h"

namespace assay::runners {

namespace {
Error no_cuda() {
  return environment_error(
      "this build has no CUDA; give --device cpu, or build with -DASSAY_CUDA=ON (nvcc 12.3 or later)");
}
}  // namespace

Result<CudaDevice> open_cuda_device(int, std::string_view) { return no_cuda(); }

Result<std::vector<CudaDevice>> open_cuda_devices(std::span<const int>, std::string_view) { return no_cuda(); }

Result<> check_cuda_model(const Model&) { return no_cuda(); }

Result<std::unique_ptr<Executor>> create_cuda_executor(const Model&, const ExecutorOptions&, const LoadOptions&) {
  return no_cuda();
}

Result<std::unique_ptr<Executor>> create_parallel_executor(const Model&, std::span<const int>, const ParallelOptions&,
                                                           const ExecutorOptions&, const LoadOptions&) {
  return no_cuda();
}

Result<std::string> make_meeting_place() { return no_cuda(); }

Result<std::unique_ptr<Executor>> create_part_executor(const Model&, const PartLink&, const ExecutorOptions&,
                                                       const LoadOptions&) {
  return no_cuda();
}

}  // namespace assay::runners

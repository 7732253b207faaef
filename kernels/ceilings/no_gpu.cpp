// In the place of GPUs in a build without CUDA.

#include "kernels/ceilings/ceilings.h"

namespace assay::kernels {

namespace {
Error no_gpu() { return environment_error("this build has no CUDA; build with -DASSAY_CUDA=ON (nvcc 12.3 or later)"); }
}  // namespace

Result<int> count_gpus() { return no_gpu(); }
Result<std::unique_ptr<CeilingDevice>> open_gpu_ceilings(int) { return no_gpu(); }
Result<std::unique_ptr<LinkCeilings>> open_link_ceilings(int) { return no_gpu(); }

}  // namespace assay::kernels

#pragma once
// The kernel of sample_rows.cuh on the portable path, for its wrapper: arguments are checked, and there are rows.

#include "kernels/sampling/sample_rows.cuh"

namespace assay::kernels {

Result<> launch_portable_sample_rows(const SampleRowsArgs& args, cudaStream_t stream);

}  // namespace assay::kernels

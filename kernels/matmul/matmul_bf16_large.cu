// matmul_bf16, tiles of 256 tokens: several products at once, where the tensor cores are the limit. Contract in
// matmul_bf16.cuh.

#include "kernels/matmul/matmul_bf16_kernel.cuh"

namespace assay::kernels {

Result<> launch_matmul_large(const MatmulLaunch& launched) { return launch_one_of<Tile<256, 2>>(launched); }

}  // namespace assay::kernels

// matmul_bf16, tiles of 64 and 128 tokens: large decode batches, between memory and arithmetic. Contract in
// matmul_bf16.cuh.

#include "kernels/matmul/matmul_bf16_kernel.cuh"

namespace assay::kernels {

Result<> launch_matmul_medium(const MatmulLaunch& launched) {
  return launch_one_of<Tile<64, 1>, Tile<64, 2>, Tile<128, 1>, Tile<128, 2>>(launched);
}

}  // namespace assay::kernels

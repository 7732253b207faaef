// matmul_bf16, tiles of 8 to 32 tokens: decode, where reading the weights is all that counts. Contract in
// matmul_bf16.cuh.

#include "kernels/matmul/matmul_bf16_kernel.cuh"

namespace assay::kernels {

Result<> launch_matmul_small(const MatmulLaunch& launched) {
  return launch_one_of<Tile<8, 1>, Tile<16, 1>, Tile<32, 1>>(launched);
}

}  // namespace assay::kernels

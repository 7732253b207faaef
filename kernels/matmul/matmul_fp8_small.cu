// matmul_fp8, tiles of up to 64 rows of x: decode, where reading the weights is all that counts. Contract in
// matmul_fp8.cuh.

#include "kernels/matmul/matmul_fp8_kernel.cuh"

namespace assay::kernels {

Result<> launch_matmul_fp8_small(const MatmulFp8Launch& launched) {
  return launch_one_fp8<Fp8Tile<16, 1, 1>, Fp8Tile<32, 1, 1>, Fp8Tile<64, 1, 1>, Fp8Tile<128, 1, 1>>(launched);
}

}  // namespace assay::kernels

// matmul_fp8, tiles of 128 and 256 rows of x: prefill, where the tensor cores are the limit. Contract in
// matmul_fp8.cuh.

#include "kernels/matmul/matmul_fp8_kernel.cuh"

namespace assay::kernels {

Result<> launch_matmul_fp8_large(const MatmulFp8Launch& launched) {
  return launch_one_fp8<Fp8Tile<128, 2, 1>, Fp8Tile<128, 2, 2>>(launched);
}

}  // namespace assay::kernels

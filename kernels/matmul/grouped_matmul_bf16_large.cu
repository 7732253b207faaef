// grouped_matmul_bf16, tiles of 128 and 256 rows: prefill. Contract in grouped_matmul_bf16.cuh.

#include "kernels/matmul/grouped_matmul_bf16_kernel.cuh"

namespace assay::kernels {

Result<> launch_grouped_large(const GroupedLaunch& launched) {
  return launch_one_grouped<Tile<128, 1>, Tile<128, 2>, Tile<256, 2>>(launched);
}

}  // namespace assay::kernels

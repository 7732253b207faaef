// grouped_matmul_bf16, tiles of 8 to 64 rows: decode, where reading the weights of the experts that were hit is all
// that counts. Contract in grouped_matmul_bf16.cuh.

#include "kernels/matmul/grouped_matmul_bf16_kernel.cuh"

namespace assay::kernels {

Result<> launch_grouped_small(const GroupedLaunch& launched) {
  return launch_one_grouped<Tile<8, 1>, Tile<16, 1>, Tile<32, 1>, Tile<64, 1>>(launched);
}

}  // namespace assay::kernels

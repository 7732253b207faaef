#pragma once
// The products of matmul_bf16.cuh and grouped_matmul_bf16.cuh on the portable path: mma.m16n8k16 and cp.async, for
// every device from sm_80 on, at most 96 KiB of shared memory a block.
//
//   The sum: one float32 accumulator per element takes k in ascending steps of 16 with mma.m16n8k16 (weights are always
//   its 16-row operand), from zero at k = 0 to the end; what lies past n_in counts as zero. Every tile runs this chain,
//   so an element's bits depend on its row of x and its row of w alone. Epilogues are those of matmul_bf16.cuh.

#include "kernels/matmul/grouped_matmul_bf16.cuh"
#include "kernels/matmul/matmul_bf16.cuh"

namespace assay::kernels {

/// The tiles that exist, as plans of one group.
std::vector<MatmulPlan> portable_matmul_plans();
MatmulPlan choose_portable_matmul_plan(int m_rows, int n_out, int n_multiprocessors, int n_batches);
/// The same for experts: `tokens` are tile_rows, which a block may take in two halves.
std::vector<MatmulPlan> portable_grouped_matmul_plans();
/// Their weight rows; 0 where there is none.
int portable_grouped_rows(int tile_rows);

// Arguments are checked, and there is work. Error{bad_input} if no tile of this plan was built.
Result<> launch_portable_matmul(const MatmulBf16Args& args, const MatmulPlan& plan, cudaStream_t stream);
Result<> launch_portable_grouped_matmul(const GroupedMatmulBf16Args& args, const MatmulPlan& plan, cudaStream_t stream);

}  // namespace assay::kernels

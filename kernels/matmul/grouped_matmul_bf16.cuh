#pragma once
// The products of a mixture of experts: rows sorted by expert, each times its own expert's bfloat16 weight.
//   y[p, n] = Σ_k x[p, k] · w[e(p), n, k] for the places p of every expert e.
//   x [places, n_in] bfloat16 row-major with a stride, places sorted by expert (router/expert_rows.cuh);
//   w [n_experts, n_out, n_in] bfloat16 dense; y [places, n_out] or, for swiglu_bf16, [places, n_out / 2].
//   n_in % 8 == 0, n_out % 8 == 0 (16 for swiglu_bf16), x_stride % 8 == 0, y_stride a multiple of stored_unit, 16-byte
//   aligned addresses.
//
//   Sums and epilogues are those of matmul_bf16.cuh, to the bit: an element depends on its row of x and its expert's
//   row of w alone. Which rows there are is read on the device: a CUDA graph serves every routing. Rows of other
//   experts may be read, but touch nothing; an expert without rows costs nothing.
//   Moves 2·n_out·n_in bytes for every expert that has rows, as long as none has more than tile_rows.
// Source: as matmul_bf16.cuh.

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstdint>
#include <vector>

#include "kernels/device/device.cuh"
#include "kernels/matmul/matmul_bf16.cuh"
#include "kernels/router/expert_rows.cuh"

namespace assay::kernels {

struct GroupedMatmulBf16Args {
  const __nv_bfloat16* x = nullptr;
  std::int64_t x_stride = 0;
  int n_places = 0;  ///< rows that x and y have: tokens · num_experts_per_tok
  const __nv_bfloat16* w = nullptr;
  int n_experts = 0;
  int n_out = 0;
  int n_in = 0;
  Epilogue epilogue = Epilogue::store_bf16;  ///< store_bf16, store_f32 or swiglu_bf16
  void* y = nullptr;
  std::int64_t y_stride = 0;
  const ExpertTile* tiles = nullptr;  ///< as expert_rows made them
  const std::int32_t* n_tiles = nullptr;
  int tile_rows = 0;  ///< as given to expert_rows: 8, 16, 32, 64, 128 or 256
};

/// How many rows a tile should have, from the batch alone: enough that nearly every expert that a small batch hits has
/// one tile, so that its weights are read once.
int choose_expert_tile_rows(int tokens, int num_experts_per_tok, int n_experts);

/// Tiles that a routing gives at about, if all experts are equally likely.
int expected_expert_tiles(int n_places, int n_experts, int tile_rows);

/// Every plan that a kernel of the process's path was built for; its `tokens` are the tile_rows that it serves.
std::vector<MatmulPlan> grouped_matmul_plans();
/// The plan for a shape, given how many tiles the routing will give at about.
MatmulPlan choose_grouped_matmul_plan(int tile_rows, int n_tiles, int n_out, int n_multiprocessors);

/// Launches the products. Error{bad_input} names what breaks the contract.
Result<> grouped_matmul_bf16(const GroupedMatmulBf16Args& args, cudaStream_t stream);
/// The same with a plan of the caller's choice (tests and benchmarks).
Result<> grouped_matmul_bf16(const GroupedMatmulBf16Args& args, const MatmulPlan& plan, cudaStream_t stream);

}  // namespace assay::kernels

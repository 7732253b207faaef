#pragma once
// Matrix product in FP8 blocks on Hopper, dense or grouped by expert:
//   y[m, n] = Σ_b (Σ_{k in b} x[m, k] · w[n, k]) · (s_x[b, m] · s_w[n / 128, b]),  b = the blocks of 128 of k.
//   x [m_rows, n_in] e4m3 with scales [n_in / 128, x_scale_stride] float32, as quantize_fp8 makes them;
//   w [n_experts, n_out, n_in] e4m3 dense, as in the file; n_in % 128 == 0, n_out % 8 == 0, 16-byte aligned addresses;
//   w_scales [n_experts, ⌈n_out / 128⌉, n_in / 128] float32: the file's weight_scale_inv. The last block may be ragged.
//   swiglu_bf16: rows 16j … 16j+7 of w are rows 8j … of the gate, the next eight those of up (n_out % 16 == 0).
//   w_scales are then the gate's, [n_experts, ⌈n_out / 2 / 128⌉, n_in / 128], and up_scales those of up.
//
//   The sum: a block's 128 products are added by four wgmma of 32 (rows of x are always the 64-row operand) in the
//   tensor cores' own precision, from zero; the blocks are added in float32 in ascending order, each by one fused
//   multiply-add with the rounded product of both scales. No split of k. So an element's bits depend on its row of x
//   and its row of w alone: not on m_rows, the tile, or whether the product is grouped.
//
//   Grouped: rows of x and y are places sorted by expert, tiles as expert_rows lists them with tile_rows = the plan's
//   tokens; which rows there are is read on the device.
//   Moves n_out · n_in bytes of weight once while m_rows <= 256 (grouped: for every expert that has rows).
// Source: deepseek-ai/DeepSeek-V3 inference/kernel.py (fp8_gemm); NVIDIA, Parallel Thread Execution ISA 8.x (wgmma).

#include <cuda_runtime_api.h>

#include <cstdint>
#include <vector>

#include "kernels/device/device.cuh"
#include "kernels/matmul/matmul_bf16.cuh"
#include "kernels/matmul/quantize_fp8.cuh"
#include "kernels/router/expert_rows.cuh"

namespace assay::kernels {

/// One product, or those of all experts. y may not overlap x.
struct MatmulFp8Args {
  const std::uint8_t* x = nullptr;
  const float* x_scales = nullptr;
  std::int64_t x_scale_stride = 0;  ///< at least m_rows
  int m_rows = 0;
  const std::uint8_t* w = nullptr;
  const float* w_scales = nullptr;
  const float* up_scales = nullptr;  ///< swiglu_bf16 only
  int n_out = 0;
  int n_in = 0;
  Epilogue epilogue = Epilogue::store_bf16;
  void* y = nullptr;
  std::int64_t y_stride = 0;  ///< elements from a row of y to the next, a multiple of stored_unit
  int n_experts = 1;
  const ExpertTile* tiles = nullptr;  ///< null: dense
  const std::int32_t* n_tiles = nullptr;
  int tile_rows = 0;  ///< grouped: as given to expert_rows
};

/// Who computes: never what. A block has a tile of `tokens` rows of x and `rows` of the weight.
struct MatmulFp8Plan {
  int tokens = 0;
  int rows = 0;
  bool operator==(const MatmulFp8Plan&) const = default;
};

/// Every plan that a kernel was built for.
std::vector<MatmulFp8Plan> matmul_fp8_plans();
/// The plan of a dense product on a device with this many multiprocessors.
MatmulFp8Plan choose_matmul_fp8_plan(int m_rows, int n_out, int n_multiprocessors);
/// The plan of a grouped one, given how many tiles the routing will give at about.
MatmulFp8Plan choose_grouped_fp8_plan(int tile_rows, int n_tiles, int n_out, int n_multiprocessors);

/// Launches the product. Error{bad_input} names what breaks the contract.
Result<> matmul_fp8(const MatmulFp8Args& args, cudaStream_t stream);
/// The same with a plan of the caller's choice (tests and benchmarks).
Result<> matmul_fp8(const MatmulFp8Args& args, const MatmulFp8Plan& plan, cudaStream_t stream);

}  // namespace assay::kernels

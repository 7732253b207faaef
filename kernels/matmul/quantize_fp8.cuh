#pragma once
// From bfloat16 rows to the inputs of a product in FP8 blocks: per row and 128 neighbours of k
//   amax = max(largest |x|, 1e-4),  scale = amax / 448,  q = e4m3(x / scale): to nearest, ties to even, at most ±448.
//   x [rows of x, n_in] bfloat16, q [n_rows, n_in] e4m3 bytes, both dense and 16-byte aligned; n_in % 128 == 0.
//   scales [n_in / 128, scale_stride] float32, scale_stride >= n_rows: the scale of row r, group b is at
//   b · scale_stride + r, as the product reads it. With `rows`, row r is made from x[rows[r], :]: the rows of experts
//   are brought together on the way (ExpertRows::tokens).
//   Divisions are IEEE float32; a row's bits depend on itself alone. A group with a NaN gives NaN bytes or a NaN scale.
//   Moves n_rows · n_in · 3 bytes.
// Source: deepseek-ai/DeepSeek-V3 inference/kernel.py (act_quant).

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/device/device.cuh"

namespace assay::kernels {

constexpr int kFp8Group = 128;  ///< neighbours of k, and rows of a weight, that share a scale

struct QuantizeFp8Args {
  const __nv_bfloat16* x = nullptr;
  const std::int32_t* rows = nullptr;  ///< [n_rows], or null: row r of x for row r
  int n_rows = 0;
  int n_in = 0;
  std::uint8_t* q = nullptr;
  float* scales = nullptr;
  std::int64_t scale_stride = 0;
};

/// Launches it. Error{bad_input} names what breaks the contract.
Result<> quantize_fp8(const QuantizeFp8Args& args, cudaStream_t stream);

}  // namespace assay::kernels

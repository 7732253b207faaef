#pragma once
// RMSNorm from the float32 residual stream to a product's bfloat16 input:
//   y[t, i] = bf16(x[r(t), i] · (1 / sqrt(mean_i(x[r(t), i]²) + eps)) · weight[i]).  Source: arXiv:1910.07467.
//   x [rows, hidden] float32, weight [hidden] float32, y [tokens, hidden] bfloat16, all dense and 16-byte aligned;
//   hidden % 8 == 0, at most 24,576. r(t) is rows[t], or t itself: logits are wanted of few rows of a prefill.
//   The squares are summed by 256 threads, each over its groups of four in ascending order, then as a tree: the same
//   row gives the same bits wherever it lies. Division and square root are IEEE float32; one rounding at the end.
//   Weights are read before the launch before this one has ended: they must not be what that one writes.
//   Moves tokens · hidden · 6 bytes: memory-bound.

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include "kernels/device/device.cuh"

namespace assay::kernels {

constexpr int kMaxNormHidden = 24'576;

struct RmsNormBf16Args {
  const float* x = nullptr;
  const int* rows = nullptr;  ///< [tokens], or null: row t for token t
  const float* weight = nullptr;
  float eps = 0;
  int tokens = 0;
  int hidden = 0;
  __nv_bfloat16* y = nullptr;
};

/// Launches the norm. Error{bad_input} names what breaks the contract.
Result<> rmsnorm_bf16(const RmsNormBf16Args& args, cudaStream_t stream);

/// The first values of the residual stream: x[t, :] = float(table[id, :]); table [vocab, hidden] bfloat16. The id is
/// ids[t], or where that is negative the one that sampling has left in drawn[-1 - ids[t]] (0 for none).
struct EmbedArgs {
  const __nv_bfloat16* table = nullptr;
  const int* ids = nullptr;    ///< [tokens], each below vocab: the caller has checked
  const int* drawn = nullptr;  ///< or null, if no id is negative
  int tokens = 0;
  int hidden = 0;  ///< a multiple of 8
  float* x = nullptr;
};
Result<> embed_rows(const EmbedArgs& args, cudaStream_t stream);

}  // namespace assay::kernels

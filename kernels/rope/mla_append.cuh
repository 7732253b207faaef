#pragma once
// From the products of a latent-attention layer to attention's inputs: norm of the latent, RoPE by adjacent pairs,
// cache append, queries rounded.  Sources: DeepSeek-V2 technical report, 2.1; arXiv:1910.07467; arXiv:2104.09864.
//   q [tokens, heads, 128 + 64] float32 (nope | rope); kv [tokens, 512 + 64] float32 (latent | rope), rows q_stride and
//   kv_stride apart.
//   The cache row of token t is place slots[t] % 64 of page slots[t] / 64 of [pages][64][576]:
//     c[i] = bf16(kv[i] · (1 / sqrt(mean(kv[0 … n_latent)²) + eps)) · norm[i]) for i < n_latent, 0 up to 511; then the
//     rotated kv[512 …].
//   Rotation of pair (2i, 2i+1): y0 = x0·cos_i - x1·sin_i, y1 = x1·cos_i + x0·sin_i, each operation rounded once in
//   float32 and the result once to bfloat16. rope [positions, 64] float32: cos_0, sin_0, cos_1, … as RopeTable has it.
//   Queries of prompt positions go to q_head [tokens, heads, 192] (nope | rotated); those of generated positions to
//   q_nope [tokens, heads, 128] and, rotated, to columns 512 … 575 of q_latent [tokens, heads, 576], of which the rest
//   is left alone.
//   The squares are summed by 32 lanes, each over its groups of four in ascending order, then as a tree. A token's
//   results depend on its own rows and position alone.
//   Moves tokens · (heads · 192 + 576) · 6 bytes.

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/attention/mla_cache.cuh"

namespace assay::kernels {

/// Addresses are aligned to 16 bytes.
struct MlaAppendArgs {
  const float* q = nullptr;
  std::int64_t q_stride = 0;  ///< a multiple of 4, at least heads · 192
  const float* kv = nullptr;
  std::int64_t kv_stride = 0;  ///< a multiple of 4, at least 576
  int tokens = 0;
  int heads = 0;
  int n_latent = kMlaLatent;    ///< the model's own width, a multiple of 4; the latents behind it are not read
  const float* norm = nullptr;  ///< [n_latent]
  float eps = 0;
  const float* rope = nullptr;
  const int* positions = nullptr;  ///< [tokens], absolute
  const int* slots = nullptr;      ///< [tokens]
  __nv_bfloat16* cache = nullptr;
  __nv_bfloat16* q_head = nullptr;    ///< prompt positions, else null
  __nv_bfloat16* q_nope = nullptr;    ///< generated positions, with q_latent, else null
  __nv_bfloat16* q_latent = nullptr;  ///< generated positions
};

/// Launches it. Error{bad_input} names what breaks the contract.
Result<> mla_append(const MlaAppendArgs& args, cudaStream_t stream);

}  // namespace assay::kernels

#pragma once
// From a fused query-key-value product to attention's inputs: optional norm per head, RoPE by halves, keys and values
// appended to the paged cache.  Sources: arXiv:2104.09864; huggingface/transformers models/llama, qwen3 (norm before
// rotation).
//   qkv [tokens, (heads + 2·kv_heads)·d] float32: query heads, key heads, value heads. q [tokens, heads, d] bfloat16.
//   Per query and key head: with a norm weight, z = x · (1 / sqrt(mean(x²) + eps)) · weight; then
//   y[i] = z[i]·cos_i - z[i+d/2]·sin_i, y[i+d/2] = z[i+d/2]·cos_i + z[i]·sin_i, each operation rounded once in float32
//   and the result once to bfloat16. rope [positions, d] float32: cos_0, sin_0, cos_1, … as RopeTable has it.
//   The cache of a layer is paged_cache.cuh's; token t goes to place slots[t] % 64 of page slots[t] / 64. d is 64 or
//   128. All arrays of floats are 16-byte aligned. A token's results depend on its own row and position alone. Moves
//   tokens · (heads + 2·kv_heads) · d · 6 bytes.

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include "kernels/attention/paged_cache.cuh"

namespace assay::kernels {

struct RopeAppendArgs {
  const float* qkv = nullptr;
  int tokens = 0;
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;
  const float* q_norm = nullptr;  ///< [d] or null
  const float* k_norm = nullptr;  ///< [d] or null
  float eps = 0;
  // These three are read early: complete before the launch before this one began.
  const float* rope = nullptr;
  const int* positions = nullptr;  ///< [tokens], absolute
  const int* slots = nullptr;      ///< [tokens]
  __nv_bfloat16* q = nullptr;
  __nv_bfloat16* cache = nullptr;
};

/// Launches it. Error{bad_input} names what breaks the contract.
Result<> rope_append(const RopeAppendArgs& args, cudaStream_t stream);

}  // namespace assay::kernels

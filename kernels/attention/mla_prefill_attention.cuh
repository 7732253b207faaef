#pragma once
// Multi-head latent attention of prompt positions, keys and values materialised.
//   Position p sees keys 0 … p of its sequence. Key u of head h is [expanded nope (128) | cached rope (64)], its value
//   the expanded v (128): score_u = scale · (q_h · key_u); o_h = Σ_u softmax(score)_u · value_u.
//   gathered [n_keys, 576] are cache rows as mla_gather lays them (columns 512 … 575 are used here), expanded
//   [n_keys, n_heads, 128 + 128] is kv_b_proj · latent of the same rows, for the heads of this call: very long caches
//   are expanded some heads at a time.
//
//   The order: keys are cut into blocks of 128 at multiples of 128 from their sequence's first on and taken in
//   ascending order with a running maximum; products are wgmma over the 192 and over the block's 128 keys, weights
//   rounded to bfloat16. A block that a position doesn't see leaves its state as it is, to the bit. So a position's
//   bits depend on its query and the keys up to it alone: not on how the prompt was cut, on the batch, the heads beside
//   it, or on where its rows lie.
//
//   The portable path has mma.m16n8k16 in place of wgmma (portable.cuh).
//
//   What lies past a sequence's last row in either buffer is never used, whatever it is.
//   Needs 2 · (192 + 128) · heads · (pairs of a position and a key it sees) operations: bound by tensor cores and
//   exponentials.
// Sources: DeepSeek-V2 technical report, 2.1; arXiv:2307.08691, arXiv:2407.08608 (two warpgroups).

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/attention/mla_cache.cuh"
#include "kernels/attention/prefill_attention.cuh"

namespace assay::kernels {

/// All pointers are device memory, 16-byte aligned where they are bfloat16.
struct MlaPrefillAttentionArgs {
  const __nv_bfloat16* q = nullptr;  ///< [tokens, heads, 192], rotated
  int tokens = 0;
  int heads = 0;       ///< of q and out
  int first_head = 0;  ///< of this call
  int n_heads = 0;
  const __nv_bfloat16* gathered = nullptr;  ///< [n_keys, 576]
  const __nv_bfloat16* expanded = nullptr;  ///< [n_keys, n_heads, 256]
  int n_keys = 0;                           ///< rows of both
  const std::int32_t* first_key =
      nullptr;  ///< [sequences]: the row of each one's position 0 (MlaGatherPlan::first_row)
  float scale = 1;
  const PrefillTile* tiles = nullptr;  ///< [n_tiles], from plan_prefill
  int n_tiles = 0;
  __nv_bfloat16* out = nullptr;  ///< [tokens, heads, 128]
};

/// Launches it. Error{bad_input} names what breaks the contract.
Result<> mla_prefill_attention(const MlaPrefillAttentionArgs& args, cudaStream_t stream);

}  // namespace assay::kernels

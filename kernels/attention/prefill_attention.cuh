#pragma once
// Grouped-query attention of prompt positions over the paged cache, which already holds their own keys and values.
//   Position p sees keys 0 … p: score_u = scale · (q · key_u); o = Σ_u softmax(score)_u · value_u; query head h reads
//   KV head h / (heads / kv_heads).
//
//   The order: keys are cut into blocks of 128 at multiples of 128 and taken in ascending order with a running maximum;
//   products are wgmma over d and over the block's 128 keys, weights rounded to bfloat16. A block that a position
//   doesn't see leaves its state as it is, to the bit. So a position's bits depend on its query and the keys up to it
//   alone: not on how the prompt was cut, on the batch, or on where its pages lie.
//
//   The portable path has mma.m16n8k16 in place of wgmma (portable.cuh).
//
//   What lies past a sequence's last key in its last page is never used, whatever it is.
//   Needs 4 · d · heads · (pairs of a position and a key it sees) operations: bound by tensor cores and exponentials.
// Sources: arXiv:2307.08691, arXiv:2407.08608 (two warpgroups, one's softmax under the other's products).

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/attention/paged_cache.cuh"

namespace assay::kernels {

constexpr int kPrefillTileRows = 128;

/// Consecutive positions of one sequence in this pass.
struct PrefillSpan {
  std::int32_t first_row = 0;  ///< its first row in q and out
  std::int32_t n_rows = 0;
  std::int32_t first_position = 0;
  std::int32_t sequence = 0;  ///< its row in the page table
};

/// Up to 128 rows of a span: a block's work.
struct PrefillTile {
  std::int32_t first_row;
  std::int32_t n_rows;
  std::int32_t first_position;
  std::int32_t sequence;
  std::int32_t n_cached;  ///< keys that the sequence's cache holds: the end of the span
};

/// The tiles of a pass, those with the most keys first, so that none is left alone at the end.
std::vector<PrefillTile> plan_prefill(std::span<const PrefillSpan> spans);

/// All pointers are device memory.
struct PrefillAttentionArgs {
  const __nv_bfloat16* q = nullptr;  ///< [tokens, heads, d], rotated
  int tokens = 0;
  int heads = 0;
  PagedCache cache;
  const std::int32_t* page_table = nullptr;  ///< [sequences, page_table_stride]
  int page_table_stride = 0;
  float scale = 1;
  const PrefillTile* tiles = nullptr;  ///< [n_tiles]
  int n_tiles = 0;
  __nv_bfloat16* out = nullptr;  ///< [tokens, heads, d]
};

/// Launches it. Error{bad_input} names what breaks the contract.
Result<> prefill_attention(const PrefillAttentionArgs& args, cudaStream_t stream);

}  // namespace assay::kernels

#pragma once
// Grouped-query attention of generated positions over the paged cache: one query position a row, its keys cut into
// chunks of 256 tokens at multiples of 256.
//   score_u = scale · (q · key_u); o = Σ_u softmax(score)_u · value_u over keys 0 … n_keys - 1; query head h reads KV
//   head h / (heads / kv_heads); at most 16 query heads a KV head, any number of them. The order: token u belongs to
//   lane-quarter (u mod 64) / 16. A quarter walks the chunk's pages in ascending order with a running maximum; products
//   are mma.m16n8k16 over d and over the quarter's 16 tokens of a page, weights rounded to bfloat16. The four quarters
//   are added in order, then the chunks in order. So a row's bits depend on its own query, keys and number of keys
//   alone: not on the batch, its slot in it, or where its pages lie. What lies past n_keys in the last page is never
//   used, whatever it is. Moves n_keys · kv_heads · d · 4 bytes a row: memory-bound. Parts of chunks pass through
//   scratch: 1.6 % more at G = 4.
// Sources: arXiv:2311.01282 (split keys), arXiv:2205.14135 (running maximum).

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/attention/paged_cache.cuh"

namespace assay::kernels {

constexpr int kDecodeChunkTokens = 256;
constexpr int kDecodeChunkPages = kDecodeChunkTokens / kCachePageTokens;

/// One chunk of one row.
struct alignas(16) DecodeItem {
  std::int32_t row;
  std::int32_t n_keys;  ///< of this chunk: 1 … 256
  std::int32_t unused[2];
  std::int32_t pages[kDecodeChunkPages];  ///< those that hold its keys; the rest is not read
};

/// What a step's rows come to, made on the host and copied to the device once for all layers.
struct DecodePlan {
  std::vector<DecodeItem> items;         ///< rows ascending, a row's chunks ascending
  std::vector<std::int32_t> first_item;  ///< [rows + 1]: row r has items first_item[r] … first_item[r + 1] - 1
};

/// A query position: its keys are 0 … n_keys - 1, its own included; pages[p] holds keys 64·p … 64·p + 63.
struct DecodeRow {
  std::int32_t n_keys = 0;  ///< at least 1
  std::span<const std::int32_t> pages;
};
DecodePlan plan_decode(std::span<const DecodeRow> rows);

/// All pointers are device memory. A captured launch stays valid while rows, max_items and addresses stay: the numbers
/// of keys and items are read on the device.
struct DecodeAttentionArgs {
  const __nv_bfloat16* q = nullptr;  ///< [rows, heads, d], rotated
  int rows = 0;
  int heads = 0;
  PagedCache cache;
  float scale = 1;
  const DecodeItem* items = nullptr;
  const std::int32_t* first_item = nullptr;  ///< [rows + 1]; the last entry is the number of items
  int max_items = 0;                         ///< items that scratch has room for
  float* scratch = nullptr;                  ///< decode_scratch_floats(max_items, heads, d)
  __nv_bfloat16* out = nullptr;              ///< [rows, heads, d]
};

constexpr std::size_t decode_scratch_floats(int max_items, int heads, int head_dim) {
  return static_cast<std::size_t>(max_items) * static_cast<std::size_t>(heads) * static_cast<std::size_t>(head_dim + 2);
}

/// Launches the chunks and their merge. Error{bad_input} names what breaks the contract.
Result<> decode_attention(const DecodeAttentionArgs& args, cudaStream_t stream);

}  // namespace assay::kernels

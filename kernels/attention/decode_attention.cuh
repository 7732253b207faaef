#pragma once
// Grouped-query attention of generated positions over the paged cache: one query position a row, its keys cut into
// chunks of 256 tokens at multiples of 256.
//   score_u = scale · (q · key_u); o = Σ_u softmax(score)_u · value_u over keys 0 … n_keys - 1; query head h reads KV
//   head h / (heads / kv_heads); at most 16 query heads a KV head, any number of them.
//
//   The order: token u belongs to lane-quarter (u mod 64) / 16. A quarter walks the chunk's pages in ascending order
//   with a running maximum; products are mma.m16n8k16 over d and over the quarter's 16 tokens of a page, weights
//   rounded to bfloat16. The four quarters are added in order; eight chunks are added in order to a span of 2,048
//   tokens; the spans in order. So a row's bits depend on its own query, keys and number of keys alone: not on the
//   batch, its slot in it, where its pages lie, or whether chunks or spans are dealt out (the plan's choice).
//
//   The portable path's order within a chunk is portable.cuh's; the rest is the same.
//
//   What lies past n_keys in the last page is never used, whatever it is.
//   Moves n_keys · kv_heads · d · 4 bytes a row: memory-bound. Parts of items pass through scratch: 1.6 % more, written
//   and read, where chunks are dealt out and a KV head has four query heads; an eighth of it for spans.
// Sources: arXiv:2311.01282 (split keys), arXiv:2205.14135 (running maximum).

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "kernels/attention/paged_cache.cuh"

namespace assay::kernels {

constexpr int kDecodeChunkTokens = 256;
constexpr int kDecodeSpanTokens = 8 * kDecodeChunkTokens;

/// A chunk of one row, or a span.
struct alignas(16) DecodeItem {
  std::int32_t row;
  std::int32_t n_keys;       ///< 1 … 256 of a chunk, 1 … 2,048 of a span
  std::int32_t starts_span;  ///< 1 for a span and for the first chunk of one
  std::int32_t unused;
  std::int32_t pages[kDecodeSpanTokens / kCachePageTokens];  ///< those that hold its keys; the rest is not used
};

/// What a step's rows come to, made on the host and copied to the device once for all layers.
struct DecodePlan {
  std::vector<DecodeItem> items;         ///< rows ascending, a row's keys ascending
  std::vector<std::int32_t> first_item;  ///< [rows + 1]: row r has items first_item[r] … first_item[r + 1] - 1
};

/// A query position: its keys are 0 … n_keys - 1, its own included; pages[p] holds keys 64·p … 64·p + 63.
struct DecodeRow {
  std::int32_t n_keys = 0;  ///< at least 1
  std::span<const std::int32_t> pages;
};

/// What a block works on at a time: chunks where rows are few, spans where there is work for all anyway.
enum class DecodeGrain { chunk, span };
/// Spans if they keep every block of the device busy twice over, or once and nearly as evenly as chunks.
DecodeGrain choose_decode_grain(std::span<const DecodeRow> rows, int kv_heads, int n_multiprocessors);
DecodePlan plan_decode(std::span<const DecodeRow> rows, DecodeGrain grain);

/// All pointers are device memory. A captured launch stays valid while rows, max_items and addresses stay: the plan is
/// read on the device. It is read early, so it must have been complete before the launch before this one began. So are
/// keys that `fresh_keys` lets: launches of the pass that the plan was made for may still be at work.
struct DecodeAttentionArgs {
  const __nv_bfloat16* q = nullptr;  ///< [rows, heads, d], rotated
  int rows = 0;
  int heads = 0;
  PagedCache cache;
  float scale = 1;
  const DecodeItem* items = nullptr;
  const std::int32_t* first_item = nullptr;  ///< [rows + 1]; the last entry is the number of items
  int max_items = 0;                         ///< items that scratch has room for
  /// How many of a row's last keys may be younger than the plan, which was complete after all others were.
  int fresh_keys = std::numeric_limits<int>::max();
  unsigned* dealt = nullptr;     ///< [1], 0 before the first launch; a launch leaves 0. For one stream
  float* scratch = nullptr;      ///< decode_scratch_floats(max_items, heads, d)
  __nv_bfloat16* out = nullptr;  ///< [rows, heads, d]
};

constexpr std::size_t decode_scratch_floats(int max_items, int heads, int head_dim) {
  return static_cast<std::size_t>(max_items) * static_cast<std::size_t>(heads) * static_cast<std::size_t>(head_dim + 4);
}

/// Launches the items and their merge. Error{bad_input} names what breaks the contract.
Result<> decode_attention(const DecodeAttentionArgs& args, cudaStream_t stream);

}  // namespace assay::kernels

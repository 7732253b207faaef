#pragma once
// Multi-head latent attention of generated positions, absorbed: one query position a row, over the paged cache.
//   score_u = scale · (q_h · row_u) over all 576 of a cache row; o_h = Σ_u softmax(score)_u · row_u[0 … 511] over keys
//   0 … n_keys - 1. Several rows may belong to one sequence (drafts to verify): each is a row like any other.
//
//   The order, by the number of heads. Products are wgmma over the 576 and over a page's 64 keys, weights rounded to
//   bfloat16; pages are taken in ascending order.
//   - Up to 32 heads, with a running maximum: keys are cut into chunks of 256 at multiples of 256. A chunk's even and
//   odd
//     pages are two parts, added in that order; eight chunks are added in order to a span of 2,048 keys; the spans in
//     order.
//   - More heads, with a running reference that becomes a page's maximum where that is more than 2^8 times as large:
//     keys are cut into at most eight parts of whole pages (mla_part_tokens), of 2,048 keys at the least; the parts are
//     added in order.
//   So a row's bits depend on its own query, keys and number of keys alone: not on the batch, its slot in it, where its
//   pages lie, or whether chunks or spans are dealt out (the plan's choice).
//
//   The portable path has one order for any number of heads, portable.cuh's, over the same items.
//
//   What lies past n_keys in the last page is never used, whatever it is.
//   Moves n_keys · 1,152 bytes a row: memory-bound up to about 64 heads; above, 2 · heads · 1,088 operations a key
//   count.
// Sources: DeepSeek-V2 technical report, 2.1 and appendix; arXiv:2311.01282 (split keys), arXiv:2205.14135.

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "kernels/attention/decode_attention.cuh"
#include "kernels/attention/mla_cache.cuh"

namespace assay::kernels {

constexpr int kMlaFewHeads = 32;  ///< up to here keys are cut into chunks and spans
constexpr int kMlaMaxHeads = 128;

/// Keys of a part (the last may have fewer) where there are more than kMlaFewHeads heads.
std::int32_t mla_part_tokens(std::int32_t n_keys);

/// Consecutive keys of one row: a chunk, a span, or a part.
struct alignas(16) MlaDecodeItem {
  std::int32_t row;
  std::int32_t n_keys;
  std::int32_t starts_span;  ///< 1 but for the chunks of a span behind its first
  std::int32_t first_page;   ///< where in the plan's pages this item's begin
};

/// What a step's rows come to, made on the host and copied to the device once for all layers.
struct MlaDecodePlan {
  std::vector<MlaDecodeItem> items;      ///< rows ascending, a row's keys ascending
  std::vector<std::int32_t> first_item;  ///< [rows + 1]: row r has items first_item[r] … first_item[r + 1] - 1
  std::vector<std::int32_t> pages;       ///< of all rows, one row after the other
};

/// Spans if no multiprocessor gets so much more than its share of them that chunks would be done sooner.
DecodeGrain choose_mla_decode_grain(std::span<const DecodeRow> rows, int heads, int n_multiprocessors);
/// `grain` counts up to kMlaFewHeads heads only.
MlaDecodePlan plan_mla_decode(std::span<const DecodeRow> rows, int heads, DecodeGrain grain);

/// All pointers are device memory, aligned to 16 bytes. A captured launch stays valid while rows, max_items and
/// addresses stay: the plan is read on the device. It is read early, so it must have been complete before the launch
/// before this one began. So are keys that `fresh_keys` lets: launches of the pass that the plan was made for may still
/// be at work.
struct MlaDecodeAttentionArgs {
  const __nv_bfloat16* q = nullptr;  ///< [rows, heads, 576]: absorbed (512), then rotated
  int rows = 0;
  int heads = 0;  ///< at most 128
  MlaCache cache;
  float scale = 1;
  const MlaDecodeItem* items = nullptr;
  const std::int32_t* first_item = nullptr;  ///< [rows + 1]; the last entry is the number of items
  const std::int32_t* pages = nullptr;       ///< the plan's
  int max_items = 0;                         ///< items that scratch has room for
  /// How many of a row's last keys may be younger than the plan, which was complete after all others were.
  int fresh_keys = std::numeric_limits<int>::max();
  float* scratch = nullptr;      ///< mla_decode_scratch_floats(max_items, heads)
  __nv_bfloat16* out = nullptr;  ///< [rows, heads, 512]
};

constexpr std::size_t mla_decode_scratch_floats(int max_items, int heads) {
  return decode_scratch_floats(max_items, heads, kMlaLatent);
}

/// Launches the items and their merge. Error{bad_input} names what breaks the contract.
Result<> mla_decode_attention(const MlaDecodeAttentionArgs& args, cudaStream_t stream);

}  // namespace assay::kernels

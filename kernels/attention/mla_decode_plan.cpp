#include <algorithm>

#include "kernels/attention/mla_decode_attention.cuh"

namespace assay::kernels {

namespace {

constexpr std::int32_t kParts = 8, kLeastPages = 32;
constexpr int kHeadTile = 16;  // of the kernel for few heads

std::int32_t parts_of(std::int32_t n_keys, std::int32_t tokens) { return (n_keys + tokens - 1) / tokens; }

std::int32_t item_tokens(std::int32_t n_keys, int heads, DecodeGrain grain) {
  if (heads > kMlaFewHeads) return mla_part_tokens(n_keys);
  return grain == DecodeGrain::span ? kDecodeSpanTokens : kDecodeChunkTokens;
}

}  // namespace

std::int32_t mla_part_tokens(std::int32_t n_keys) {
  return std::max(kLeastPages, parts_of(parts_of(n_keys, kCachePageTokens), kParts)) * kCachePageTokens;
}

DecodeGrain choose_mla_decode_grain(std::span<const DecodeRow> rows, int heads, int n_multiprocessors) {
  const std::int32_t n_tiles = parts_of(heads, kHeadTile);
  std::int64_t n_spans = 0;
  for (const DecodeRow& row : rows) n_spans += std::int64_t{parts_of(row.n_keys, kDecodeSpanTokens)} * n_tiles;
  if (n_spans == 0) return DecodeGrain::chunk;
  // Pages of the block with the most of them, if spans are dealt out one by one as the kernel does.
  const std::int64_t n_rounds = (n_spans + n_multiprocessors - 1) / n_multiprocessors;
  std::vector<std::int64_t> block_pages(static_cast<std::size_t>((n_spans + n_rounds - 1) / n_rounds));
  std::size_t block = 0;
  std::int64_t n_pages = 0;
  for (const DecodeRow& row : rows) {
    for (std::int32_t first = 0; first < row.n_keys; first += kDecodeSpanTokens) {
      const std::int32_t pages = parts_of(std::min(kDecodeSpanTokens, row.n_keys - first), kCachePageTokens);
      for (int tile = 0; tile < n_tiles; ++tile) {
        block_pages[block++ % block_pages.size()] += pages;
        n_pages += pages;
      }
    }
  }
  // Chunks are shared out evenly, but their parts are a quarter more to move.
  const std::int64_t chunk_pages = n_pages / n_multiprocessors * 5 / 4 + kDecodeChunkTokens / kCachePageTokens;
  return *std::max_element(block_pages.begin(), block_pages.end()) <= chunk_pages ? DecodeGrain::span
                                                                                  : DecodeGrain::chunk;
}

MlaDecodePlan plan_mla_decode(std::span<const DecodeRow> rows, int heads, DecodeGrain grain) {
  MlaDecodePlan plan;
  plan.first_item.reserve(rows.size() + 1);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const auto first_page = static_cast<std::int32_t>(plan.pages.size());
    const std::int32_t n_keys = rows[r].n_keys, tokens = item_tokens(n_keys, heads, grain);
    plan.first_item.push_back(static_cast<std::int32_t>(plan.items.size()));
    for (std::int32_t first = 0; first < n_keys; first += tokens) {
      const bool starts_span = heads > kMlaFewHeads || first % kDecodeSpanTokens == 0;
      plan.items.push_back({static_cast<std::int32_t>(r), std::min(tokens, n_keys - first), starts_span ? 1 : 0,
                            first_page + first / kCachePageTokens});
    }
    const auto pages = rows[r].pages.first(static_cast<std::size_t>(parts_of(n_keys, kCachePageTokens)));
    plan.pages.insert(plan.pages.end(), pages.begin(), pages.end());
  }
  plan.first_item.push_back(static_cast<std::int32_t>(plan.items.size()));
  return plan;
}

}  // namespace assay::kernels

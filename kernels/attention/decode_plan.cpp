#include <algorithm>

#include "kernels/attention/decode_attention.cuh"

namespace assay::kernels {

namespace {
int pieces(std::int32_t n_keys, std::int32_t tokens) { return (n_keys + tokens - 1) / tokens; }
}  // namespace

DecodeGrain choose_decode_grain(std::span<const DecodeRow> rows, int kv_heads, int n_multiprocessors) {
  constexpr int kRounds = 2;
  std::int64_t n_spans = 0, n_chunks = 0;
  std::int32_t most_keys = 0;
  for (const DecodeRow& row : rows) {
    n_spans += pieces(row.n_keys, kDecodeSpanTokens);
    n_chunks += pieces(row.n_keys, kDecodeChunkTokens);
    most_keys = std::max(most_keys, row.n_keys);
  }
  const std::int64_t n_blocks = n_multiprocessors, n_work = n_spans * kv_heads;
  if (n_work >= kRounds * n_blocks) return DecodeGrain::span;
  // Fewer spans will do where they keep blocks busy as evenly as chunks would.
  const std::int64_t longest = pieces(std::min(most_keys, kDecodeSpanTokens), kDecodeChunkTokens);
  const std::int64_t of_a_block = (n_work + n_blocks - 1) / n_blocks * longest;
  return of_a_block * n_blocks * 4 <= n_chunks * kv_heads * 5 ? DecodeGrain::span : DecodeGrain::chunk;
}

DecodePlan plan_decode(std::span<const DecodeRow> rows, DecodeGrain grain) {
  const std::int32_t tokens = grain == DecodeGrain::span ? kDecodeSpanTokens : kDecodeChunkTokens;
  DecodePlan plan;
  plan.first_item.reserve(rows.size() + 1);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    plan.first_item.push_back(static_cast<std::int32_t>(plan.items.size()));
    for (std::int32_t first = 0; first < rows[r].n_keys; first += tokens) {
      DecodeItem item{};
      item.row = static_cast<std::int32_t>(r);
      item.n_keys = std::min(tokens, rows[r].n_keys - first);
      item.starts_span = first % kDecodeSpanTokens == 0 ? 1 : 0;
      const auto pages = rows[r].pages.subspan(static_cast<std::size_t>(first / kCachePageTokens),
                                               static_cast<std::size_t>(pieces(item.n_keys, kCachePageTokens)));
      std::copy(pages.begin(), pages.end(), item.pages);
      plan.items.push_back(item);
    }
  }
  plan.first_item.push_back(static_cast<std::int32_t>(plan.items.size()));
  return plan;
}

}  // namespace assay::kernels

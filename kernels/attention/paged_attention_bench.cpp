// Attention over the paged cache at Llama-3.1-8B's and Qwen2.5-7B's shapes: decode, and whole prompts. Pages are in
// random order, but for two cases that show what that costs.

#include <algorithm>
#include <numeric>
#include <random>
#include <string>

#include "kernels/attention/decode_attention.cuh"
#include "kernels/attention/prefill_attention.cuh"
#include "kernels/device/bench_support.cuh"

namespace assay::kernels {

namespace {

using Bf16 = __nv_bfloat16;

std::vector<std::int32_t> pages_in_order(int n_pages) {
  std::vector<std::int32_t> pages(static_cast<std::size_t>(n_pages));
  std::iota(pages.begin(), pages.end(), 0);
  return pages;
}

std::vector<std::int32_t> shuffled_pages(int n_pages) {
  std::vector<std::int32_t> pages = pages_in_order(n_pages);
  std::mt19937 generator(6);
  std::shuffle(pages.begin(), pages.end(), generator);
  return pages;
}

struct DecodeCase {
  int rows, n_keys, heads, kv_heads, d;
  bool in_order = false;
};

Result<> bench_decode(const BenchContext& context, const DecodeCase& c) {
  const int pages_per_row = (c.n_keys + kCachePageTokens - 1) / kCachePageTokens;
  // Several layers' caches in turn, 2 GB or 64 of them at the least, so that nothing stays in the L2 cache.
  const double layer_bytes = 4.0 * c.rows * pages_per_row * kCachePageTokens * c.kv_heads * c.d;
  const int n_layers = static_cast<int>(std::clamp(2e9 / layer_bytes + 1, 3.0, 64.0));
  const int n_pages = c.rows * pages_per_row;
  const std::size_t layer_size = static_cast<std::size_t>(layer_bytes / 2);
  ASSAY_ASSIGN(const auto memory, DeviceBuffer<Bf16>::create(layer_size * static_cast<std::size_t>(n_layers)));
  ASSAY_ASSIGN(const auto dealt, DeviceBuffer<unsigned>::from(std::vector<unsigned>{0}));
  ASSAY_ASSIGN(const auto q, DeviceBuffer<Bf16>::create(static_cast<std::size_t>(c.rows * c.heads * c.d)));
  ASSAY_ASSIGN(const auto out, DeviceBuffer<Bf16>::create(q.size()));
  ASSAY_TRY(fill_random(memory.span(), 1, 3, context.stream.get()));
  ASSAY_TRY(fill_random(q.span(), 1, 5, context.stream.get()));
  const std::vector<std::int32_t> table = c.in_order ? pages_in_order(n_pages) : shuffled_pages(n_pages);
  std::vector<DecodeRow> rows;
  for (int r = 0; r < c.rows; ++r) {
    rows.push_back({c.n_keys, std::span(table).subspan(static_cast<std::size_t>(r * pages_per_row))});
  }
  const DecodeGrain grain = choose_decode_grain(rows, c.kv_heads, context.device.n_multiprocessors);
  const DecodePlan plan = plan_decode(rows, grain);
  ASSAY_ASSIGN(const auto items, DeviceBuffer<DecodeItem>::from(plan.items));
  ASSAY_ASSIGN(const auto first_item, DeviceBuffer<std::int32_t>::from(plan.first_item));
  const int max_items = static_cast<int>(plan.items.size());
  ASSAY_ASSIGN(const auto scratch, DeviceBuffer<float>::create(decode_scratch_floats(max_items, c.heads, c.d)));
  DecodeAttentionArgs a;
  a.q = q.data();
  a.rows = c.rows;
  a.heads = c.heads;
  a.scale = 0.088f;
  a.items = items.data();
  a.first_item = first_item.data();
  a.max_items = max_items;
  a.fresh_keys = c.rows;
  a.dealt = dealt.data();
  a.scratch = scratch.data();
  a.out = out.data();
  const int n_launches = static_cast<int>(std::clamp(6e9 / layer_bytes, 20.0, 200.0));
  ASSAY_ASSIGN(const double us, time_us(context.stream, n_launches, [&](int i) {
                 const std::size_t offset = layer_size * static_cast<std::size_t>(i % n_layers);
                 a.cache = {memory.data() + offset, n_pages, c.kv_heads, c.d};
                 return decode_attention(a, context.stream.get());
               }));
  const double bytes = 4.0 * c.rows * c.n_keys * c.kv_heads * c.d;
  print_row(context, {"decode attention " + std::to_string(c.rows) + " x " + std::to_string(c.n_keys) +
                          " keys, heads " + std::to_string(c.heads) + "/" + std::to_string(c.kv_heads) + " x " +
                          std::to_string(c.d) + (c.in_order ? ", in order" : ""),
                      us, bytes, 4.0 * c.rows * c.n_keys * c.heads * c.d});
  return {};
}

struct PrefillCase {
  int prompts, n_keys, heads, kv_heads, d;
};

Result<> bench_prefill(const BenchContext& context, const PrefillCase& c) {
  const int pages_per_prompt = (c.n_keys + kCachePageTokens - 1) / kCachePageTokens,
            n_pages = c.prompts * pages_per_prompt;
  const std::size_t cache_size =
      static_cast<std::size_t>(n_pages * kCachePageTokens) * static_cast<std::size_t>(2 * c.kv_heads * c.d);
  const int tokens = c.prompts * c.n_keys;
  ASSAY_ASSIGN(const auto cache, DeviceBuffer<Bf16>::create(cache_size));
  ASSAY_ASSIGN(const auto q,
               DeviceBuffer<Bf16>::create(static_cast<std::size_t>(tokens) * static_cast<std::size_t>(c.heads * c.d)));
  ASSAY_ASSIGN(const auto out, DeviceBuffer<Bf16>::create(q.size()));
  ASSAY_TRY(fill_random(cache.span(), 1, 3, context.stream.get()));
  ASSAY_TRY(fill_random(q.span(), 1, 5, context.stream.get()));
  std::vector<PrefillSpan> spans;
  for (int i = 0; i < c.prompts; ++i) spans.push_back({i * c.n_keys, c.n_keys, 0, i});
  ASSAY_ASSIGN(const auto table, DeviceBuffer<std::int32_t>::from(shuffled_pages(n_pages)));
  ASSAY_ASSIGN(const auto tiles, DeviceBuffer<PrefillTile>::from(plan_prefill(spans)));
  PrefillAttentionArgs a;
  a.q = q.data();
  a.tokens = tokens;
  a.heads = c.heads;
  a.cache = {cache.data(), n_pages, c.kv_heads, c.d};
  a.page_table = table.data();
  a.page_table_stride = pages_per_prompt;
  a.scale = 0.088f;
  a.tiles = tiles.data();
  a.n_tiles = static_cast<int>(tiles.size());
  a.out = out.data();
  ASSAY_ASSIGN(const double us,
               time_us(context.stream, 5, [&](int) { return prefill_attention(a, context.stream.get()); }));
  print_row(context,
            {"prefill attention " + std::to_string(c.prompts) + " x " + std::to_string(c.n_keys) + " keys, heads " +
                 std::to_string(c.heads) + "/" + std::to_string(c.kv_heads) + " x " + std::to_string(c.d),
             us, 2.0 * static_cast<double>(cache_size) + 4.0 * static_cast<double>(q.size()),
             2.0 * c.prompts * c.n_keys * (c.n_keys + 1.0) * c.heads * c.d});
  return {};
}

}  // namespace

Result<> bench_attention(const BenchContext& context) {
  const DecodeCase cases[] = {{1, 1024, 32, 8, 128},       {1, 32768, 32, 8, 128},  {32, 1024, 32, 8, 128},
                              {128, 1024, 32, 8, 128},     {256, 1024, 32, 8, 128}, {64, 8192, 32, 8, 128},
                              {64, 8000, 28, 4, 128},      {64, 8192, 9, 3, 64},    {256, 1024, 32, 8, 128, true},
                              {64, 8192, 32, 8, 128, true}};
  for (const DecodeCase& c : cases) ASSAY_TRY(bench_decode(context, c));
  const PrefillCase prefill_cases[] = {{16, 512, 32, 8, 128},  {4, 2048, 32, 8, 128},  {1, 8192, 32, 8, 128},
                                       {1, 8192, 32, 32, 128}, {1, 16384, 32, 8, 128}, {1, 8192, 28, 4, 128},
                                       {1, 8192, 9, 3, 64}};
  for (const PrefillCase& c : prefill_cases) ASSAY_TRY(bench_prefill(context, c));
  return {};
}

}  // namespace assay::kernels

// Latent attention at the shapes of DeepSeek-V2-Lite (16 heads) and V3 (128, or 16 of them on each of eight cards):
// append, the products of a head's own weights, absorbed decode, and prompts with gathered and expanded keys.

#include <algorithm>
#include <numeric>
#include <random>
#include <string>

#include "kernels/attention/mla_decode_attention.cuh"
#include "kernels/attention/mla_gather.cuh"
#include "kernels/attention/mla_prefill_attention.cuh"
#include "kernels/device/bench_support.cuh"
#include "kernels/matmul/matmul_bf16.cuh"
#include "kernels/rope/mla_append.cuh"

namespace assay::kernels {

namespace {

using Bf16 = __nv_bfloat16;

constexpr float kScale = 0.0721687836f;

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

std::vector<std::int32_t> shuffled_pages(int n_pages) {
  std::vector<std::int32_t> pages(static_cast<std::size_t>(n_pages));
  std::iota(pages.begin(), pages.end(), 0);
  std::mt19937 generator(6);
  std::shuffle(pages.begin(), pages.end(), generator);
  return pages;
}

Result<DeviceBuffer<Bf16>> random_values(const BenchContext& context, std::size_t n, std::uint32_t seed) {
  ASSAY_ASSIGN(auto values, DeviceBuffer<Bf16>::create(n));
  ASSAY_TRY(fill_random(values.span(), 1, seed, context.stream.get()));
  return {std::move(values)};
}

Result<> bench_append(const BenchContext& context, int tokens, int heads) {
  ASSAY_ASSIGN(const auto q, DeviceBuffer<float>::create(product(tokens, heads * kMlaHead)));
  ASSAY_ASSIGN(const auto kv, DeviceBuffer<float>::create(product(tokens, kMlaRow)));
  ASSAY_ASSIGN(const auto rope, DeviceBuffer<float>::create(product(tokens, kMlaRope)));
  for (const auto* buffer : {&q, &kv, &rope}) ASSAY_TRY(buffer->fill_bytes(0x3C));
  ASSAY_ASSIGN(const auto cache, DeviceBuffer<Bf16>::create(product(tokens, kMlaRow)));
  ASSAY_ASSIGN(const auto q_head, DeviceBuffer<Bf16>::create(q.size()));
  std::vector<std::int32_t> places(static_cast<std::size_t>(tokens));
  std::iota(places.begin(), places.end(), 0);
  ASSAY_ASSIGN(const auto device_places, DeviceBuffer<std::int32_t>::from(places));
  MlaAppendArgs a;
  a.q = q.data();
  a.q_stride = heads * kMlaHead;
  a.kv = kv.data();
  a.kv_stride = kMlaRow;
  a.tokens = tokens;
  a.heads = heads;
  a.norm = kv.data();
  a.eps = 1e-6f;
  a.rope = rope.data();
  a.positions = a.slots = device_places.data();
  a.cache = cache.data();
  a.q_head = q_head.data();
  ASSAY_ASSIGN(const double us, time_us(context.stream, tokens > 256 ? 20 : 100,
                                        [&](int) { return mla_append(a, context.stream.get()); }));
  print_row(context, {"mla append " + std::to_string(tokens) + " x " + std::to_string(heads) + " heads", us,
                      6.0 * (static_cast<double>(q.size()) + static_cast<double>(kv.size()))});
  return {};
}

/// y[t, h] = w[h] · x[t, h] for every head, weights rotated through memory.
Result<> bench_maps(const BenchContext& context, int rows, int heads, int n_out, int n_in) {
  const std::size_t weight_size = product(heads * n_out, n_in);
  const int n_layers = static_cast<int>(std::clamp(1e8 / static_cast<double>(weight_size) + 1, 2.0, 64.0));
  ASSAY_ASSIGN(const auto w, random_values(context, weight_size * static_cast<std::size_t>(n_layers), 1));
  ASSAY_ASSIGN(const auto x, random_values(context, product(rows, heads * n_in), 2));
  ASSAY_ASSIGN(const auto y, DeviceBuffer<Bf16>::create(product(rows, heads * kMlaRow)));
  MatmulBf16Args a;
  a.x = x.data();
  a.x_stride = heads * n_in;
  a.m_rows = rows;
  a.n_out = n_out;
  a.n_in = n_in;
  a.y = y.data();
  a.y_stride = heads * kMlaRow;
  a.n_batches = heads;
  a.x_batch_stride = n_in;
  a.w_batch_stride = n_out * n_in;
  a.y_batch_stride = kMlaRow;
  ASSAY_ASSIGN(const double us, time_us(context.stream, 100, [&](int i) {
                 a.w = w.data() + weight_size * static_cast<std::size_t>(i % n_layers);
                 return matmul_bf16(a, context.stream.get());
               }));
  print_row(context, {"mla products " + std::to_string(rows) + " x " + std::to_string(heads) + " heads, " +
                          std::to_string(n_out) + " x " + std::to_string(n_in),
                      us, 2.0 * (static_cast<double>(weight_size) + 1.0 * rows * heads * (n_in + n_out)),
                      2.0 * rows * static_cast<double>(weight_size)});
  return {};
}

struct DecodeCase {
  int rows, n_keys, heads;
};

Result<> bench_decode(const BenchContext& context, const DecodeCase& c) {
  const int pages_per_row = (c.n_keys + kCachePageTokens - 1) / kCachePageTokens, n_pages = c.rows * pages_per_row;
  // Several layers' caches in turn, 200 MB at the least, so that none stays in the L2 cache.
  const std::size_t layer_size = product(n_pages * kCachePageTokens, kMlaRow);
  const double layer_bytes = 2.0 * static_cast<double>(layer_size);
  const int n_layers = static_cast<int>(std::clamp(2e8 / layer_bytes + 1, 2.0, 64.0));
  ASSAY_ASSIGN(const auto rows, random_values(context, layer_size * static_cast<std::size_t>(n_layers), 3));
  ASSAY_ASSIGN(const auto q, random_values(context, product(c.rows, c.heads * kMlaRow), 5));
  ASSAY_ASSIGN(const auto out, DeviceBuffer<Bf16>::create(product(c.rows, c.heads * kMlaLatent)));
  const std::vector<std::int32_t> table = shuffled_pages(n_pages);
  std::vector<DecodeRow> decode_rows;
  for (int r = 0; r < c.rows; ++r) {
    decode_rows.push_back({c.n_keys, std::span(table).subspan(product(r, pages_per_row))});
  }
  const DecodeGrain grain = choose_mla_decode_grain(decode_rows, c.heads, context.device.n_multiprocessors);
  const MlaDecodePlan plan = plan_mla_decode(decode_rows, c.heads, grain);
  ASSAY_ASSIGN(const auto items, DeviceBuffer<MlaDecodeItem>::from(plan.items));
  ASSAY_ASSIGN(const auto first_item, DeviceBuffer<std::int32_t>::from(plan.first_item));
  ASSAY_ASSIGN(const auto pages, DeviceBuffer<std::int32_t>::from(plan.pages));
  MlaDecodeAttentionArgs a;
  a.q = q.data();
  a.rows = c.rows;
  a.heads = c.heads;
  a.scale = kScale;
  a.items = items.data();
  a.first_item = first_item.data();
  a.pages = pages.data();
  a.max_items = static_cast<int>(plan.items.size());
  a.fresh_keys = c.rows;
  ASSAY_ASSIGN(const auto scratch, DeviceBuffer<float>::create(mla_decode_scratch_floats(a.max_items, c.heads)));
  a.scratch = scratch.data();
  a.out = out.data();
  const int n_launches = static_cast<int>(std::clamp(6e9 / layer_bytes, 3.0, 200.0));
  ASSAY_ASSIGN(const double us, time_us(context.stream, n_launches, [&](int i) {
                 a.cache = {rows.data() + layer_size * static_cast<std::size_t>(i % n_layers), n_pages};
                 return mla_decode_attention(a, context.stream.get());
               }));
  const double n_keys = 1.0 * c.rows * c.n_keys;
  print_row(context, {"mla decode " + std::to_string(c.rows) + " x " + std::to_string(c.n_keys) + " keys, " +
                          std::to_string(c.heads) + " heads",
                      us, 2.0 * kMlaRow * n_keys, 2.0 * c.heads * (kMlaRow + kMlaLatent) * n_keys});
  return {};
}

struct PrefillCase {
  int prompts, n_keys, heads;
};

Result<> bench_prefill(const BenchContext& context, const PrefillCase& c) {
  const int pages_per_prompt = (c.n_keys + kCachePageTokens - 1) / kCachePageTokens,
            n_pages = c.prompts * pages_per_prompt, tokens = c.prompts * c.n_keys;
  constexpr int kExpanded = kMlaNope + kMlaValue;
  ASSAY_ASSIGN(const auto rows, random_values(context, product(n_pages * kCachePageTokens, kMlaRow), 3));
  ASSAY_ASSIGN(const auto expanded, random_values(context, product(tokens, c.heads * kExpanded), 4));
  ASSAY_ASSIGN(const auto q, random_values(context, product(tokens, c.heads * kMlaHead), 5));
  ASSAY_ASSIGN(const auto gathered, DeviceBuffer<Bf16>::create(product(tokens, kMlaRow)));
  ASSAY_ASSIGN(const auto out, DeviceBuffer<Bf16>::create(product(tokens, c.heads * kMlaValue)));
  const std::vector<std::int32_t> table = shuffled_pages(n_pages);
  std::vector<MlaCachedSequence> sequences;
  std::vector<PrefillSpan> spans;
  for (int i = 0; i < c.prompts; ++i) {
    sequences.push_back({c.n_keys, std::span(table).subspan(product(i, pages_per_prompt))});
    spans.push_back({i * c.n_keys, c.n_keys, 0, i});
  }
  const MlaGatherPlan gather = plan_mla_gather(sequences);
  ASSAY_ASSIGN(const auto gather_pages, DeviceBuffer<MlaGatherPage>::from(gather.pages));
  ASSAY_ASSIGN(const auto first_key, DeviceBuffer<std::int32_t>::from(gather.first_row));
  ASSAY_ASSIGN(const auto tiles, DeviceBuffer<PrefillTile>::from(plan_prefill(spans)));
  const std::string shape = std::to_string(c.prompts) + " x " + std::to_string(c.n_keys) + " keys";
  ASSAY_ASSIGN(
      const double gather_us, time_us(context.stream, 10, [&](int) {
        return mla_gather(
            {{rows.data(), n_pages}, gather_pages.data(), static_cast<int>(gather_pages.size()), gathered.data()},
            context.stream.get());
      }));
  print_row(context, {"mla gather " + shape, gather_us, 4.0 * tokens * kMlaRow});
  MlaPrefillAttentionArgs a;
  a.q = q.data();
  a.tokens = tokens;
  a.heads = a.n_heads = c.heads;
  a.gathered = gathered.data();
  a.expanded = expanded.data();
  a.n_keys = tokens;
  a.first_key = first_key.data();
  a.scale = kScale;
  a.tiles = tiles.data();
  a.n_tiles = static_cast<int>(tiles.size());
  a.out = out.data();
  ASSAY_ASSIGN(const double us,
               time_us(context.stream, 5, [&](int) { return mla_prefill_attention(a, context.stream.get()); }));
  const double bytes = 2.0 * tokens * (kMlaRope + c.heads * (kExpanded + kMlaHead + kMlaValue));
  print_row(context, {"mla prefill " + shape + ", " + std::to_string(c.heads) + " heads", us, bytes,
                      1.0 * c.prompts * c.n_keys * (c.n_keys + 1.0) * c.heads * (kMlaHead + kMlaValue)});
  return {};
}

}  // namespace

Result<> bench_mla(const BenchContext& context) {
  for (const int tokens : {1, 256, 8192}) ASSAY_TRY(bench_append(context, tokens, 16));
  for (const int heads : {16, 128}) {
    for (const int rows : {1, 64, 256}) {
      ASSAY_TRY(bench_maps(context, rows, heads, kMlaLatent, kMlaNope));
      ASSAY_TRY(bench_maps(context, rows, heads, kMlaValue, kMlaLatent));
    }
  }
  const DecodeCase decode_cases[] = {{1, 1024, 16},  {1, 8192, 16},   {1, 32768, 16},   {32, 1024, 16},
                                     {64, 8192, 16}, {256, 1024, 16}, {64, 8000, 4},    {64, 8192, 2},
                                     {1, 8192, 128}, {64, 8192, 128}, {128, 4096, 128}, {256, 1024, 128}};
  for (const DecodeCase& c : decode_cases) ASSAY_TRY(bench_decode(context, c));
  const PrefillCase prefill_cases[] = {{16, 512, 16}, {4, 2048, 16}, {1, 8192, 16}, {1, 8192, 128}, {1, 16384, 16}};
  for (const PrefillCase& c : prefill_cases) ASSAY_TRY(bench_prefill(context, c));
  return {};
}

}  // namespace assay::kernels

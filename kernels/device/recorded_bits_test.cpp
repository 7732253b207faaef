// Digests of results, recorded on an H100: another card, driver or tile must give the same bits. A digest
// changes only with a contract's order of additions, and then on purpose. Where the portable kernels have the same
// digest, the tensor cores gave the same sums for mma as for wgmma on that card: it is no promise for others.

#include <cstdint>

#include "kernels/attention/decode_attention.cuh"
#include "kernels/attention/mla_cache_test.cuh"
#include "kernels/attention/mla_decode_attention.cuh"
#include "kernels/attention/mla_prefill_attention.cuh"
#include "kernels/attention/paged_cache_test.cuh"
#include "kernels/attention/prefill_attention.cuh"
#include "kernels/device/recorded_bits.cuh"
#include "kernels/matmul/matmul_bf16.cuh"
#include "kernels/rmsnorm/rmsnorm_bf16.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

constexpr AttentionShape kShape{8, 2, 128};
constexpr int kKeys = 700;

Sequence even_sequence(std::mt19937& generator) {
  const auto n = static_cast<std::size_t>(kKeys * kShape.kv_heads * kShape.d);
  auto keys = even_bf16(generator, n);
  return {kKeys, std::move(keys), even_bf16(generator, n)};
}

}  // namespace

TEST_CASE("matmul_bf16: the bits recorded on an H100", "[gpu][invariance]") {
  std::mt19937 generator(1);
  const int m = 40, n = 256, k = 2056;
  const auto x = on_device(even_bf16(generator, static_cast<std::size_t>(m * k)));
  const auto w = on_device(even_bf16(generator, static_cast<std::size_t>(n * k)));
  const auto logits = poisoned<float>(static_cast<std::size_t>(m * n));
  must(matmul_bf16({x.data(), k, m, w.data(), n, k, Epilogue::store_f32, nullptr, logits.data(), n}, nullptr));
  check_recorded(digest(from_device(logits)), 0x93293bbef55f81d0ull, 0x93293bbef55f81d0ull);
  const auto gated = poisoned<Bf16>(static_cast<std::size_t>(m * n / 2));
  must(matmul_bf16({x.data(), k, m, w.data(), n, k, Epilogue::swiglu_bf16, nullptr, gated.data(), n / 2}, nullptr));
  check_recorded(digest(from_device(gated)), 0x916092fe378bd52eull, 0x916092fe378bd52eull);
}

TEST_CASE("rmsnorm_bf16: the bits recorded on an H100", "[gpu][invariance]") {
  std::mt19937 generator(2);
  const int tokens = 5, hidden = 4096;
  const auto x = on_device(even_floats(generator, tokens * hidden));
  const auto weight = on_device(even_floats(generator, hidden));
  const auto y = poisoned<Bf16>(tokens * hidden);
  must(rmsnorm_bf16({x.data(), nullptr, weight.data(), 1e-5f, tokens, hidden, y.data()}, nullptr));
  check_recorded(digest(from_device(y)), 0xa38c53b7f7522688ull, 0xa38c53b7f7522688ull);
}

TEST_CASE("decode_attention: the bits recorded on an H100", "[gpu][invariance]") {
  std::mt19937 generator(3);
  const Sequence sequence = even_sequence(generator);
  const auto q = on_device(even_bf16(generator, static_cast<std::size_t>(kShape.heads * kShape.d)));
  const CacheOnDevice cache = lay_in_pages({sequence}, kShape, 1);
  const DecodePlan plan = plan_decode(std::vector<DecodeRow>{{kKeys, cache.pages(0)}}, DecodeGrain::chunk);
  const auto items = on_device(plan.items);
  const auto first_item = on_device(plan.first_item);
  const int max_items = static_cast<int>(plan.items.size());
  const auto scratch = poisoned<float>(decode_scratch_floats(max_items, kShape.heads, kShape.d));
  const auto out = poisoned<Bf16>(q.size());
  const auto dealt = on_device(std::vector<unsigned>{0});
  must(decode_attention({q.data(), 1, kShape.heads, cache.cache, 0.0883883f, items.data(), first_item.data(), max_items,
                         1, dealt.data(), scratch.data(), out.data()},
                        nullptr));
  check_recorded(digest(from_device(out)), 0x74e66caeff387a9bull, 0x9de818ee44baab66ull);
}

TEST_CASE("prefill_attention: the bits recorded on an H100", "[gpu][invariance]") {
  std::mt19937 generator(4);
  const Sequence sequence = even_sequence(generator);
  const auto q = on_device(even_bf16(generator, static_cast<std::size_t>(kKeys * kShape.heads * kShape.d)));
  const CacheOnDevice cache = lay_in_pages({sequence}, kShape, 1);
  const auto page_table = on_device(cache.page_table);
  const auto tiles = on_device(plan_prefill(std::vector<PrefillSpan>{{0, kKeys, 0, 0}}));
  const auto out = poisoned<Bf16>(q.size());
  must(prefill_attention({q.data(), kKeys, kShape.heads, cache.cache, page_table.data(), cache.page_table_stride,
                          0.0883883f, tiles.data(), static_cast<int>(tiles.size()), out.data()},
                         nullptr));
  check_recorded(digest(from_device(out)), 0xaa51a1ab2e9e04c0ull, 0xaa51a1ab2e9e04c0ull);
}

namespace {

constexpr float kMlaScale = 0.0721687836f;

/// One row over an even sequence, absorbed.
std::uint64_t mla_decode_digest(int heads, int n_keys) {
  std::mt19937 generator(5);
  const MlaSequence sequence{n_keys, even_bf16(generator, static_cast<std::size_t>(n_keys * kMlaRow))};
  const auto q = on_device(even_bf16(generator, static_cast<std::size_t>(heads * kMlaRow)));
  const MlaCacheOnDevice cache = lay_in_mla_pages({sequence}, 1);
  const MlaDecodePlan plan =
      plan_mla_decode(std::vector<DecodeRow>{{n_keys, cache.pages[0]}}, heads, DecodeGrain::chunk);
  const auto items = on_device(plan.items);
  const auto first_item = on_device(plan.first_item), pages = on_device(plan.pages);
  const int max_items = static_cast<int>(plan.items.size());
  const auto scratch = poisoned<float>(mla_decode_scratch_floats(max_items, heads));
  const auto out = poisoned<Bf16>(static_cast<std::size_t>(heads * kMlaLatent));
  must(mla_decode_attention({q.data(), 1, heads, cache.cache, kMlaScale, items.data(), first_item.data(), pages.data(),
                             max_items, 1, scratch.data(), out.data()},
                            nullptr));
  return digest(from_device(out));
}

}  // namespace

TEST_CASE("mla_decode_attention: the bits recorded on an H100", "[gpu][invariance]") {
  check_recorded(mla_decode_digest(16, 2500), 0x766a3b7b8c4b9b46ull, 0xa1db49b831a148ebull);
  check_recorded(mla_decode_digest(128, 2500), 0xad4936098ac19b5eull, 0x87bffae9c53db402ull);
}

TEST_CASE("mla_prefill_attention: the bits recorded on an H100", "[gpu][invariance]") {
  std::mt19937 generator(6);
  const int heads = 3;
  const auto q = on_device(even_bf16(generator, static_cast<std::size_t>(kKeys * heads * kMlaHead)));
  const auto gathered = on_device(even_bf16(generator, static_cast<std::size_t>(kKeys * kMlaRow)));
  const auto expanded =
      on_device(even_bf16(generator, static_cast<std::size_t>(kKeys * heads * (kMlaNope + kMlaValue))));
  const auto first_key = on_device(std::vector<std::int32_t>{0});
  const auto tiles = on_device(plan_prefill(std::vector<PrefillSpan>{{0, kKeys, 0, 0}}));
  const auto out = poisoned<Bf16>(static_cast<std::size_t>(kKeys * heads * kMlaValue));
  must(mla_prefill_attention({q.data(), kKeys, heads, 0, heads, gathered.data(), expanded.data(), kKeys,
                              first_key.data(), kMlaScale, tiles.data(), static_cast<int>(tiles.size()), out.data()},
                             nullptr));
  check_recorded(digest(from_device(out)), 0x3b7e04241c89d116ull, 0x3b7e04241c89d116ull);
}

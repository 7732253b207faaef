// A layer of routed experts, kernel by kernel: decode, where the weights of the experts that are hit are read once, and
// prefill, where the tensor cores are the limit. Experts are drawn evenly; weights rotate through memory.

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "kernels/device/bench_support.cuh"
#include "kernels/matmul/grouped_matmul_bf16.cuh"
#include "kernels/router/combine_rows.cuh"
#include "kernels/router/expert_rows.cuh"
#include "kernels/router/route_and_sort.cuh"

namespace assay::kernels {

namespace {

using Bf16 = __nv_bfloat16;

struct MoeShape {
  const char* name;
  int hidden, width, n_experts, per_token;
};

constexpr std::size_t kPoolElements = std::size_t{8} << 29;  // 8 GiB of weights
constexpr int kMaxTokens = 8192;

struct Pool {
  DeviceBuffer<Bf16> weights, x, gathered, gated;
  DeviceBuffer<float> out, logits, weights_of_slots, residual;
  DeviceBuffer<std::int32_t> slots, first_place, places, tokens, n_tiles;
  DeviceBuffer<ExpertTile> tiles;
};

Result<Pool> create_pool(const BenchContext& context, std::size_t max_pairs, std::size_t max_hidden,
                         std::size_t max_width) {
  Pool p;
  ASSAY_ASSIGN(p.weights, DeviceBuffer<Bf16>::create(kPoolElements));
  ASSAY_ASSIGN(p.x, DeviceBuffer<Bf16>::create(kMaxTokens * max_hidden));
  ASSAY_ASSIGN(p.gathered, DeviceBuffer<Bf16>::create(max_pairs * max_hidden));
  ASSAY_ASSIGN(p.gated, DeviceBuffer<Bf16>::create(max_pairs * max_width));
  ASSAY_ASSIGN(p.out, DeviceBuffer<float>::create(max_pairs * max_hidden));
  ASSAY_ASSIGN(p.logits, DeviceBuffer<float>::create(std::size_t{kMaxTokens} * kMaxRoutedExperts));
  ASSAY_ASSIGN(p.weights_of_slots, DeviceBuffer<float>::create(max_pairs));
  ASSAY_ASSIGN(p.residual, DeviceBuffer<float>::create(kMaxTokens * max_hidden));
  ASSAY_ASSIGN(p.slots, DeviceBuffer<std::int32_t>::create(max_pairs));
  ASSAY_ASSIGN(p.first_place, DeviceBuffer<std::int32_t>::create(kMaxRoutedExperts + 1));
  ASSAY_ASSIGN(p.places, DeviceBuffer<std::int32_t>::create(max_pairs));
  ASSAY_ASSIGN(p.tokens, DeviceBuffer<std::int32_t>::create(max_pairs));
  ASSAY_ASSIGN(p.n_tiles, DeviceBuffer<std::int32_t>::create(1));
  ASSAY_ASSIGN(p.tiles, DeviceBuffer<ExpertTile>::create(max_pairs));
  ASSAY_TRY(fill_random(p.weights.span(), 0.05f, 1, context.stream.get()));
  ASSAY_TRY(fill_random(p.x.span(), 1.0f, 2, context.stream.get()));
  ASSAY_TRY(fill_random(p.gated.span(), 1.0f, 3, context.stream.get()));
  ASSAY_TRY(p.residual.fill_bytes(0));
  return {std::move(p)};
}

/// Different experts for every token, all equally likely; ascending.
std::vector<std::int32_t> even_slots(int tokens, const MoeShape& s) {
  std::mt19937 generator(7);
  std::vector<std::int32_t> slots, experts(static_cast<std::size_t>(s.n_experts));
  for (int e = 0; e < s.n_experts; ++e) experts[static_cast<std::size_t>(e)] = e;
  for (int t = 0; t < tokens; ++t) {
    for (int k = 0; k < s.per_token; ++k) {
      const auto other = static_cast<std::size_t>(k) + generator() % static_cast<std::size_t>(s.n_experts - k);
      std::swap(experts[static_cast<std::size_t>(k)], experts[other]);
    }
    std::vector<std::int32_t> chosen(experts.begin(), experts.begin() + s.per_token);
    std::sort(chosen.begin(), chosen.end());
    slots.insert(slots.end(), chosen.begin(), chosen.end());
  }
  return slots;
}

Result<> bench_layer(const BenchContext& context, const Pool& pool, const MoeShape& s, int tokens) {
  cudaStream_t stream = context.stream.get();
  const auto slots = even_slots(tokens, s);
  ASSAY_TRY(pool.slots.upload(slots));
  std::vector<std::int32_t> distinct = slots;
  std::sort(distinct.begin(), distinct.end());
  const auto n_hit = static_cast<double>(std::unique(distinct.begin(), distinct.end()) - distinct.begin());
  const int n_places = tokens * s.per_token, tile_rows = choose_expert_tile_rows(tokens, s.per_token, s.n_experts);
  const ExpertRowsArgs rows{
      pool.slots.data(),
      tokens,
      s.per_token,
      s.n_experts,
      tile_rows,
      {pool.first_place.data(), pool.places.data(), pool.tokens.data(), pool.tiles.data(), pool.n_tiles.data()}};
  const std::string name = std::string(s.name) + " " + std::to_string(tokens);
  const double pairs = n_places;
  const int n_small = tokens > 256 ? 10 : 50;

  ASSAY_ASSIGN(const double sort_us, time_us(context.stream, n_small, [&](int) { return expert_rows(rows, stream); }));
  print_row(context, {name + " sort", sort_us, 16 * pairs, 0});
  ASSAY_ASSIGN(
      const double gather_us, time_us(context.stream, n_small, [&](int) {
        return gather_rows({pool.x.data(), pool.tokens.data(), n_places, s.hidden, pool.gathered.data()}, stream);
      }));
  print_row(context, {name + " gather", gather_us, 4.0 * pairs * s.hidden, 0});

  const auto weights = [&](int i, std::int64_t n_out, std::int64_t n_in) {
    const auto size = static_cast<std::size_t>(s.n_experts * n_out * n_in),
               n = std::max(kPoolElements / size, std::size_t{1});
    return pool.weights.data() + size * (static_cast<std::size_t>(i) % n);
  };
  struct Product {
    const char* name;
    int n_out, n_in;
    Epilogue epilogue;
    const Bf16* x;
    void* y;
    int y_width, y_bytes;
  };
  const Product products[] = {
      {"gate/up", 2 * s.width, s.hidden, Epilogue::swiglu_bf16, pool.gathered.data(), pool.gated.data(), s.width, 2},
      {"down", s.hidden, s.width, Epilogue::store_f32, pool.gated.data(), pool.out.data(), s.hidden, 4}};
  for (const Product& p : products) {
    const double weight = 1.0 * p.n_out * p.n_in, flop = 2 * pairs * weight;
    const double bytes = 2 * n_hit * weight + pairs * (2.0 * p.n_in + 1.0 * p.y_width * p.y_bytes);
    const int n_launches = static_cast<int>(std::clamp(std::min(6e9 / bytes, 1e12 / flop), 3.0, 100.0));
    const auto time_plan = [&](const MatmulPlan* plan) {
      const int plan_rows = plan != nullptr ? plan->tokens : tile_rows;
      return time_us(context.stream, n_launches, [&](int i) {
        const GroupedMatmulBf16Args args{
            p.x,        p.n_in, n_places,  weights(i, p.n_out, p.n_in), s.n_experts,         p.n_out,  p.n_in,
            p.epilogue, p.y,    p.y_width, pool.tiles.data(),           pool.n_tiles.data(), plan_rows};
        return plan != nullptr ? grouped_matmul_bf16(args, *plan, stream) : grouped_matmul_bf16(args, stream);
      });
    };
    ASSAY_ASSIGN(const double us, time_plan(nullptr));
    print_row(context, {name + " " + p.name + " " + std::to_string(tile_rows), us, bytes, flop});
    if (!context.sweep) continue;
    for (const MatmulPlan& plan : grouped_matmul_plans()) {
      if (plan.tokens < tile_rows / 2 || plan.tokens > 2 * tile_rows) continue;
      ExpertRowsArgs other = rows;
      other.tile_rows = plan.tokens;
      ASSAY_TRY(expert_rows(other, stream));
      ASSAY_ASSIGN(const double plan_us, time_plan(&plan));
      print_row(context,
                {"  sweep " + std::to_string(plan.tokens) + "/" + std::to_string(plan.rows), plan_us, bytes, flop});
    }
    ASSAY_TRY(expert_rows(rows, stream));
  }
  ASSAY_ASSIGN(const double combine_us, time_us(context.stream, n_small, [&](int) {
                 return combine_rows({pool.out.data(), pool.places.data(), pool.weights_of_slots.data(), nullptr,
                                      tokens, s.per_token, s.hidden, pool.residual.data()},
                                     stream);
               }));
  print_row(context, {name + " combine", combine_us, 4.0 * s.hidden * (pairs + 2.0 * tokens), 0});
  return {};
}

Result<> bench_router(const BenchContext& context, const Pool& pool) {
  const std::pair<const char*, RouterArgs> routers[] = {
      {"V3", {RoutingMethod::noaux_tc, ScoringFunction::sigmoid, 256, 8, 8, 4, true, 2.5f}},
      {"Qwen3", {RoutingMethod::greedy, ScoringFunction::softmax, 128, 8, 1, 1, true, 1}}};
  // Any float32 that is a number will do for a logit: twice the bits of small bfloat16 values.
  ASSAY_TRY(fill_random({reinterpret_cast<Bf16*>(pool.logits.data()), pool.logits.size() * 2}, 4.0f, 5,
                        context.stream.get()));
  for (const auto& [name, router] : routers) {
    for (const int tokens : {1, 128, 4096}) {
      ASSAY_ASSIGN(const double us, time_us(context.stream, 50, [&](int) {
                     return route_rows({router, pool.logits.data(), 1, tokens, pool.slots.data(),
                                        pool.weights_of_slots.data(), pool.n_tiles.data()},
                                       context.stream.get());
                   }));
      print_row(context, {"route " + std::string(name) + " " + std::to_string(tokens), us,
                          4.0 * tokens * router.n_routed_experts, 0});
    }
    constexpr int kWidth = 2048;
    for (const int tokens : {1, kMaxRowsAtOnce}) {
      const int n_places = tokens * router.num_experts_per_tok;
      const RouteRowsArgs route{router,           pool.logits.data(), 1, tokens, nullptr, pool.weights_of_slots.data(),
                                pool.slots.data()};
      const ExpertRowsArgs sort{
          nullptr,
          tokens,
          router.num_experts_per_tok,
          router.n_routed_experts,
          8,
          {pool.first_place.data(), pool.places.data(), pool.tokens.data(), pool.tiles.data(), pool.n_tiles.data()}};
      ASSAY_ASSIGN(
          const double us, time_us(context.stream, 50, [&](int) {
            return route_and_sort({route, sort, pool.x.data(), kWidth, pool.gathered.data()}, context.stream.get());
          }));
      print_row(context, {"route, sort and gather " + std::string(name) + " " + std::to_string(tokens), us,
                          4.0 * tokens * router.n_routed_experts + 4.0 * n_places * kWidth, 0});
    }
  }
  return {};
}

}  // namespace

Result<> bench_moe(const BenchContext& context) {
  const MoeShape lite{"V2-Lite", 2048, 1408, 64, 6}, qwen{"Qwen3-30B", 2048, 768, 128, 8},
      v3{"V3/8", 7168, 2048, 32, 8};  // V3: what one of eight devices holds
  ASSAY_ASSIGN(const Pool pool, create_pool(context, std::size_t{kMaxTokens} * 8, 7168, 2048));
  ASSAY_TRY(bench_router(context, pool));
  for (const int tokens : {1, 8, 32, 64, 128, 256, 2048, 8192}) ASSAY_TRY(bench_layer(context, pool, lite, tokens));
  for (const int tokens : {1, 32, 128, 8192}) ASSAY_TRY(bench_layer(context, pool, qwen, tokens));
  for (const int tokens : {4, 64, 4096}) ASSAY_TRY(bench_layer(context, pool, v3, tokens));
  return {};
}

}  // namespace assay::kernels

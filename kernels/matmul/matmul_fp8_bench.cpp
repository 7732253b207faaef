// FP8 blocks: quantising, DeepSeek V3's dense products from a few rows to thousands, and its experts' grouped ones.
// Weights of a row rotate through memory, so that each is read from there.

#include <cuda_runtime.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "kernels/device/bench_support.cuh"
#include "kernels/matmul/grouped_matmul_bf16.cuh"
#include "kernels/matmul/matmul_fp8.cuh"

namespace assay::kernels {

namespace {

struct Pool {
  DeviceBuffer<std::uint8_t> weights, x;
  DeviceBuffer<float> scales;
  DeviceBuffer<__nv_bfloat16> source, y;
  DeviceBuffer<std::int32_t> slots, first_place, places, tokens, n_tiles;
  DeviceBuffer<ExpertTile> tiles;
};

constexpr std::size_t kWeightBytes = std::size_t{4} << 30;
constexpr std::size_t kRowBytes = std::size_t{40960} * 7168;
constexpr std::size_t kMaxPairs = 40960, kMaxExperts = 64;

Result<Pool> create_pool(const BenchContext& context) {
  Pool p;
  ASSAY_ASSIGN(p.weights, DeviceBuffer<std::uint8_t>::create(kWeightBytes));
  ASSAY_ASSIGN(p.x, DeviceBuffer<std::uint8_t>::create(kRowBytes));
  ASSAY_ASSIGN(p.scales, DeviceBuffer<float>::create(std::size_t{16} << 20));
  ASSAY_ASSIGN(p.source, DeviceBuffer<__nv_bfloat16>::create(kRowBytes));
  ASSAY_ASSIGN(p.y, DeviceBuffer<__nv_bfloat16>::create(std::size_t{1} << 29));
  ASSAY_ASSIGN(p.slots, DeviceBuffer<std::int32_t>::create(kMaxPairs));
  ASSAY_ASSIGN(p.first_place, DeviceBuffer<std::int32_t>::create(kMaxExperts + 1));
  ASSAY_ASSIGN(p.places, DeviceBuffer<std::int32_t>::create(kMaxPairs));
  ASSAY_ASSIGN(p.tokens, DeviceBuffer<std::int32_t>::create(kMaxPairs));
  ASSAY_ASSIGN(p.n_tiles, DeviceBuffer<std::int32_t>::create(1));
  ASSAY_ASSIGN(p.tiles, DeviceBuffer<ExpertTile>::create(kMaxPairs));
  cudaStream_t stream = context.stream.get();
  ASSAY_TRY(fill_random(p.source.span(), 1.0f, 2, stream));
  // Weights and rows as the quantiser makes them: real data, not random bytes, decides the power that a product draws.
  const auto rows_of = [](std::size_t n_bytes) { return static_cast<int>(n_bytes / 4096); };
  ASSAY_TRY(quantize_fp8(
      {p.source.data(), nullptr, rows_of(kRowBytes), 4096, p.x.data(), p.scales.data(), rows_of(kRowBytes)}, stream));
  for (std::size_t at = 0; at + kRowBytes <= kWeightBytes; at += kRowBytes) {
    ASSAY_TRY(
        check(cudaMemcpyAsync(p.weights.data() + at, p.x.data(), kRowBytes, cudaMemcpyDeviceToDevice, stream), "copy"));
  }
  const std::size_t rest = kWeightBytes % kRowBytes;
  ASSAY_TRY(
      check(cudaMemcpyAsync(p.weights.data() + kWeightBytes - rest, p.x.data(), rest, cudaMemcpyDeviceToDevice, stream),
            "copy"));
  ASSAY_TRY(check(cudaStreamSynchronize(stream), "set-up"));
  return {std::move(p)};
}

struct Shape {
  int m, n, k;
  double bytes() const { return 1.0 * n * k + 1.0 * m * k + 2.0 * m * n; }
  double flop() const { return 2.0 * m * n * k; }
  int n_launches() const { return static_cast<int>(std::clamp(std::min(6e9 / bytes(), 4e12 / flop()), 3.0, 200.0)); }
};

const std::uint8_t* rotated(const Pool& pool, std::size_t size, int i) {
  return pool.weights.data() + size * (static_cast<std::size_t>(i) % std::max(kWeightBytes / size, std::size_t{1}));
}

MatmulFp8Args dense_args(const Pool& pool, const Shape& s, int i) {
  MatmulFp8Args a;
  a.x = pool.x.data();
  a.x_scales = pool.scales.data();
  a.x_scale_stride = s.m;
  a.m_rows = s.m;
  a.w = rotated(pool, static_cast<std::size_t>(s.n) * static_cast<std::size_t>(s.k), i);
  a.w_scales = pool.scales.data();
  a.n_out = s.n;
  a.n_in = s.k;
  a.epilogue = Epilogue::store_bf16;
  a.y = pool.y.data();
  a.y_stride = s.n;
  return a;
}

std::string plan_text(const MatmulFp8Plan& p) { return std::to_string(p.tokens) + "/" + std::to_string(p.rows); }

Result<> bench_dense(const BenchContext& context, const Pool& pool, const Shape& s) {
  const MatmulFp8Plan chosen = choose_matmul_fp8_plan(s.m, s.n, context.device.n_multiprocessors);
  const std::string shape = std::to_string(s.m) + " x " + std::to_string(s.n) + " x " + std::to_string(s.k);
  const auto time_plan = [&](const MatmulFp8Plan& plan) {
    return time_us(context.stream, s.n_launches(),
                   [&](int i) { return matmul_fp8(dense_args(pool, s, i), plan, context.stream.get()); });
  };
  ASSAY_ASSIGN(const double us, time_plan(chosen));
  print_row(context, {"fp8 " + shape + " " + plan_text(chosen), us, s.bytes(), s.flop()});
  if (!context.sweep) return {};
  for (const MatmulFp8Plan& plan : matmul_fp8_plans()) {
    const bool wasteful = (plan.tokens > 8 && s.m <= plan.tokens / 2) || s.m > 2 * plan.tokens;
    if (plan == chosen || (wasteful && plan.tokens < 128)) continue;
    ASSAY_ASSIGN(const double plan_us, time_plan(plan));
    print_row(context, {"  sweep " + shape + " " + plan_text(plan), plan_us, s.bytes(), s.flop()});
  }
  return {};
}

/// `rows` rows for each of n_experts, up to a quarter more or less.
Result<> bench_grouped(const BenchContext& context, const Pool& pool, int n_experts, int rows, int n, int k) {
  cudaStream_t stream = context.stream.get();
  std::mt19937 generator(11);
  std::vector<std::int32_t> slots;
  for (int e = 0; e < n_experts; ++e) {
    const int spread = static_cast<int>(generator() % static_cast<unsigned>(rows / 2 + 1)) - rows / 4;
    slots.insert(slots.end(), static_cast<std::size_t>(rows + spread), e);
  }
  ASSAY_TRY(pool.slots.upload(slots));
  const int n_places = static_cast<int>(slots.size()), tile_rows = choose_expert_tile_rows(n_places, 1, n_experts);
  ASSAY_TRY(expert_rows(
      {pool.slots.data(),
       n_places,
       1,
       n_experts,
       tile_rows,
       {pool.first_place.data(), pool.places.data(), pool.tokens.data(), pool.tiles.data(), pool.n_tiles.data()}},
      stream));
  Shape s{n_places, n, k};
  const std::size_t size =
      static_cast<std::size_t>(n_experts) * static_cast<std::size_t>(n) * static_cast<std::size_t>(k);
  const double bytes = s.bytes() + 1.0 * (n_experts - 1) * n * k;
  const int n_launches = static_cast<int>(std::clamp(std::min(6e9 / bytes, 4e12 / s.flop()), 3.0, 100.0));
  const auto time_plan = [&](const MatmulFp8Plan* plan) {
    return time_us(context.stream, n_launches, [&](int i) {
      MatmulFp8Args args = dense_args(pool, s, i);
      args.w = rotated(pool, size, i);
      args.n_experts = n_experts;
      args.tiles = pool.tiles.data();
      args.n_tiles = pool.n_tiles.data();
      args.tile_rows = tile_rows;
      return plan != nullptr ? matmul_fp8(args, *plan, stream) : matmul_fp8(args, stream);
    });
  };
  ASSAY_ASSIGN(const double us, time_plan(nullptr));
  const std::string name = std::to_string(n_experts) + " of about " + std::to_string(rows) + " x " + std::to_string(n) +
                           " x " + std::to_string(k) + " " + std::to_string(tile_rows);
  print_row(context, {name, us, bytes, s.flop()});
  if (!context.sweep) return {};
  for (const MatmulFp8Plan& plan : matmul_fp8_plans()) {
    if (plan.tokens != tile_rows) continue;
    ASSAY_ASSIGN(const double plan_us, time_plan(&plan));
    print_row(context, {"  sweep " + plan_text(plan), plan_us, bytes, s.flop()});
  }
  return {};
}

}  // namespace

Result<> bench_fp8(const BenchContext& context) {
  ASSAY_ASSIGN(const Pool pool, create_pool(context));
  for (const int m : {1, 64, 4096}) {
    for (const int k : {2048, 7168}) {
      ASSAY_ASSIGN(const double us, time_us(context.stream, m > 64 ? 20 : 100, [&](int) {
                     return quantize_fp8({pool.source.data(), nullptr, m, k, pool.x.data(), pool.scales.data(), m},
                                         context.stream.get());
                   }));
      print_row(context, {"quantize " + std::to_string(m) + " x " + std::to_string(k), us, 3.0 * m * k, 0});
    }
  }
  const std::pair<int, int> weights[] = {{2112, 7168}, {24576, 1536}, {7168, 16384}, {4096, 7168}};
  for (const int m : {1, 16, 64, 128, 4096}) {
    for (const auto& [n, k] : weights) ASSAY_TRY(bench_dense(context, pool, {m, n, k}));
  }
  ASSAY_TRY(bench_grouped(context, pool, 8, 4000, 4096, 7168));
  ASSAY_TRY(bench_grouped(context, pool, 4, 256, 4096, 7168));
  for (const int rows : {1, 4, 16}) {
    ASSAY_TRY(bench_grouped(context, pool, 32, rows, 4096, 7168));
    ASSAY_TRY(bench_grouped(context, pool, 32, rows, 7168, 2048));
  }
  return {};
}

}  // namespace assay::kernels

// Products with quantised weights on one core. Limit: reading the weight once for few rows of x; for many, the
// processor's int8 products (2 x 64 multiply-adds a cycle with AVX-512 VNNI).

#include <benchmark/benchmark.h>

#include <optional>
#include <random>
#include <vector>

#include "kernels/quantized/repack.h"

namespace {

using namespace assay::kernels;

/// Random blocks of a file; the halves in them are made small and finite.
std::vector<std::byte> random_file(WeightType type, int n_out, int n_in) {
  std::mt19937 generator(1);
  std::vector<std::byte> bytes(static_cast<std::size_t>(n_out) * file_row_bytes(type, n_in));
  for (auto& byte : bytes) byte = static_cast<std::byte>(generator() & 0x2F);
  return bytes;
}

std::vector<const std::byte*> rows_of(const std::vector<std::byte>& file, int n_out) {
  std::vector<const std::byte*> rows;
  for (int n = 0; n < n_out; ++n)
    rows.push_back(file.data() + file.size() / static_cast<std::size_t>(n_out) * static_cast<std::size_t>(n));
  return rows;
}

/// The best build of the quantised products that this machine runs, or the one asked for.
CpuOps ops_of(std::optional<QuantizedBuild> build) {
  CpuOps ops = cpu_ops(best_simd_level());
  if (build) ops.quantized = quantized_ops(*build);
  return ops;
}

void quantized(benchmark::State& state, WeightType type, std::optional<QuantizedBuild> build = {}) {
  if (build && !quantized_build_available(*build)) return state.SkipWithError("this machine can't run that build");
  const int m = static_cast<int>(state.range(0)), n_out = static_cast<int>(state.range(1)),
            n_in = static_cast<int>(state.range(2));
  if (n_in % (type >= WeightType::q4_k ? 256 : 32) != 0)
    return state.SkipWithError("a K type needs rows of 256 inputs");
  const auto file = random_file(type, n_out, n_in);
  ThreadPool pool(1);
  const RepackedWeight w = repack(pool, type, n_in, rows_of(file, n_out));
  std::vector<float> x(static_cast<std::size_t>(m * n_in)),
      y(static_cast<std::size_t>(m) * static_cast<std::size_t>(n_out));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.25f * static_cast<float>(i % 61) - 7.0f;
  const CpuOps ops = ops_of(build);
  for (auto _ : state) matmul(ops, pool, {x.data(), n_in, m, w.matrix(), y.data(), n_out});
  const auto rate = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["mac/s"] = benchmark::Counter(static_cast<double>(m) * n_out * n_in, rate);
  state.counters["weight_bytes/s"] = benchmark::Counter(static_cast<double>(w.size_bytes()), rate);
}

void repacked(benchmark::State& state, WeightType type) {
  const auto file = random_file(type, 4096, 4096);
  const auto rows = rows_of(file, 4096);
  ThreadPool pool(1);
  for (auto _ : state) benchmark::DoNotOptimize(repack(pool, type, 4096, rows).size_bytes());
  state.counters["file_bytes/s"] =
      benchmark::Counter(static_cast<double>(file.size()), benchmark::Counter::kIsIterationInvariantRate);
}

/// The shapes of a small model (576 wide; 768 where K types need whole super-blocks) and of a large one.
void shapes(benchmark::internal::Benchmark* b, int hidden) {
  for (const int m : {1, 4, 16, 64}) {
    b->Args({m, hidden, hidden})->Args({m, 1536, hidden})->Args({m, 49152, hidden})->Args({m, 4096, 4096});
  }
}
void simple_shapes(benchmark::internal::Benchmark* b) { shapes(b, 576); }
void k_shapes(benchmark::internal::Benchmark* b) { shapes(b, 768); }

}  // namespace

BENCHMARK_CAPTURE(quantized, q8_0, WeightType::q8_0)->Apply(simple_shapes);
BENCHMARK_CAPTURE(quantized, q4_0, WeightType::q4_0)->Apply(simple_shapes);
BENCHMARK_CAPTURE(quantized, q4_1, WeightType::q4_1)->Apply(simple_shapes);
BENCHMARK_CAPTURE(quantized, q5_0, WeightType::q5_0)->Apply(simple_shapes);
BENCHMARK_CAPTURE(quantized, q5_1, WeightType::q5_1)->Apply(simple_shapes);
BENCHMARK_CAPTURE(quantized, q4_k, WeightType::q4_k)->Apply(k_shapes);
BENCHMARK_CAPTURE(quantized, q5_k, WeightType::q5_k)->Apply(k_shapes);
BENCHMARK_CAPTURE(quantized, q6_k, WeightType::q6_k)->Apply(k_shapes);

// Build by build, on a large weight.
static void large_shape(benchmark::internal::Benchmark* b) { b->Args({1, 4096, 4096})->Args({64, 4096, 4096}); }
BENCHMARK_CAPTURE(quantized, q8_0_scalar, WeightType::q8_0, QuantizedBuild::scalar)->Apply(large_shape);
BENCHMARK_CAPTURE(quantized, q8_0_avx2, WeightType::q8_0, QuantizedBuild::avx2)->Apply(large_shape);
BENCHMARK_CAPTURE(quantized, q8_0_vnni, WeightType::q8_0, QuantizedBuild::avx512_vnni)->Apply(large_shape);
BENCHMARK_CAPTURE(quantized, q4_k_scalar, WeightType::q4_k, QuantizedBuild::scalar)->Apply(large_shape);
BENCHMARK_CAPTURE(quantized, q4_k_avx2, WeightType::q4_k, QuantizedBuild::avx2)->Apply(large_shape);
BENCHMARK_CAPTURE(quantized, q4_k_vnni, WeightType::q4_k, QuantizedBuild::avx512_vnni)->Apply(large_shape);
BENCHMARK_CAPTURE(quantized, q6_k_vnni, WeightType::q6_k, QuantizedBuild::avx512_vnni)->Apply(large_shape);

BENCHMARK_CAPTURE(repacked, q8_0, WeightType::q8_0);
BENCHMARK_CAPTURE(repacked, q4_0, WeightType::q4_0);
BENCHMARK_CAPTURE(repacked, q4_k, WeightType::q4_k);
BENCHMARK_CAPTURE(repacked, q6_k, WeightType::q6_k);

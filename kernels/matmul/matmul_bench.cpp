// Matrix products of the reference model and of DeepSeek-V2-Lite on one core. Limit: 2 fused multiply-adds of 16
// (AVX-512) or 8 (AVX2) floats a cycle and core for many rows; reading the weight once for few.

#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "kernels/matmul/matmul.h"

namespace {

using namespace assay::kernels;

void matmul_rows(benchmark::State& state, WeightType type) {
  const int m = static_cast<int>(state.range(0)), n_out = static_cast<int>(state.range(1)),
            n_in = static_cast<int>(state.range(2));
  std::mt19937 generator(1);
  std::vector<float> x(static_cast<std::size_t>(m * n_in), 0.5f), y(static_cast<std::size_t>(m * n_out));
  std::vector<std::uint32_t> weight(static_cast<std::size_t>(n_out) * static_cast<std::size_t>(n_in));
  for (auto& word : weight) word = (generator() & 0x3F3F3F3F) | 0x3C003C00;  // finite and moderate in every stored form
  const std::vector<float> scales(static_cast<std::size_t>((n_out / 128 + 1) * (n_in / 128 + 1)), 0.01f);
  const WeightMatrix w{weight.data(), type, n_out, n_in, scales.data()};
  ThreadPool pool(1);
  const CpuOps& ops = cpu_ops(best_simd_level());
  for (auto _ : state) matmul(ops, pool, {x.data(), n_in, m, w, y.data(), n_out});
  const double flop = 2.0 * m * n_out * n_in;
  const double bytes = static_cast<double>(n_out) * n_in *
                       (type == WeightType::f32       ? 4
                        : type == WeightType::f8_e4m3 ? 1
                                                      : 2);
  state.counters["flop/s"] = benchmark::Counter(flop, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["weight_bytes/s"] = benchmark::Counter(bytes, benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace

BENCHMARK_CAPTURE(matmul_rows, f32, WeightType::f32)->ArgsProduct({{1, 16, 64}, {768}, {128, 256, 512}})->UseRealTime();
BENCHMARK_CAPTURE(matmul_rows, f8, WeightType::f8_e4m3)
    ->ArgsProduct({{1, 16, 64}, {768}, {128, 256, 512}})
    ->UseRealTime();
BENCHMARK_CAPTURE(matmul_rows, bf16, WeightType::bf16)->ArgsProduct({{1, 16, 64}, {2048}, {256, 2048}})->UseRealTime();

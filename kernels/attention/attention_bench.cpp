// MLA attention of the reference model on the CPU: absorbed (4 heads a sequence over its latent rows) and materialised
// (16 prompt positions of one head). Limit: fused multiply-adds; for the absorbed form also reading 2,304 B a key.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "kernels/attention/attention.h"

namespace {

using namespace assay::kernels;

/// One thread, n_queries that see all n_keys; pages of several sequences are walked in turn, so that they don't stay
/// cached.
void attend(benchmark::State& state, int key_width, int value_width, int n_queries) {
  const int n_keys = static_cast<int>(state.range(0)), n_sequences = 64;
  const std::size_t n_chunks = static_cast<std::size_t>((n_keys + kChunkTokens - 1) / kChunkTokens);
  std::vector<float> keys(
      static_cast<std::size_t>(n_sequences) * n_chunks * kChunkTokens * static_cast<std::size_t>(key_width), 0.01f);
  std::vector<float> query(static_cast<std::size_t>(n_queries * key_width), 0.5f),
      out(static_cast<std::size_t>(n_queries * value_width));
  std::vector<float> scratch(attention_scratch_floats(value_width));
  std::vector<const float*> q, chunks(n_chunks);
  std::vector<float*> o;
  for (int i = 0; i < n_queries; ++i) {
    q.push_back(query.data() + i * key_width);
    o.push_back(out.data() + i * value_width);
  }
  const std::vector<int> visible(static_cast<std::size_t>(n_queries), n_keys);
  const CpuOps& ops = cpu_ops(best_simd_level());
  std::size_t sequence = 0;
  for (auto _ : state) {
    for (std::size_t c = 0; c < n_chunks; ++c) {
      chunks[c] = keys.data() + (sequence * n_chunks + c) * kChunkTokens * static_cast<std::size_t>(key_width);
    }
    sequence = (sequence + 1) % n_sequences;
    ops.attend({n_queries, q.data(), visible.data(), o.data(), chunks.data(), chunks.data(), key_width, key_width,
                key_width, value_width, 0.1f},
               scratch.data());
  }
  state.counters["flop/s"] = benchmark::Counter(2.0 * n_queries * n_keys * (key_width + value_width),
                                                benchmark::Counter::kIsIterationInvariantRate);
  state.counters["key_bytes/s"] =
      benchmark::Counter(4.0 * n_keys * key_width, benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace

BENCHMARK_CAPTURE(attend, absorbed_1row, 576, 512, 4)->Arg(256)->Arg(1024);
BENCHMARK_CAPTURE(attend, absorbed_2rows, 576, 512, 8)->Arg(256)->Arg(1024);
BENCHMARK_CAPTURE(attend, materialised, 192, 128, 16)->Arg(256)->Arg(1024);

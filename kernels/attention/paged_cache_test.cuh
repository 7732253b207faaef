#pragma once
// Sequences with random keys and values, laid in pages in any order, for the tests of decode and prefill attention; and
// what they should give: in float64, and as a plain bfloat16 implementation would.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <span>

#include "kernels/attention/paged_cache.cuh"
#include "kernels/device/gpu_test.cuh"

namespace assay::tests {

struct AttentionShape {
  int heads, kv_heads, d;
  int group() const { return heads / kv_heads; }
};

/// One sequence: keys and values [n_keys][kv_heads][d], as bfloat16 holds them.
struct Sequence {
  int n_keys;
  std::vector<Bf16> keys, values;
};

inline Sequence random_sequence(std::mt19937& generator, const AttentionShape& shape, int n_keys) {
  const auto n = static_cast<std::size_t>(n_keys * shape.kv_heads * shape.d);
  return {n_keys, normal_bf16(generator, n), normal_bf16(generator, n)};
}

/// The cache on the device: all that no sequence owns is NaN.
struct CacheOnDevice {
  kernels::DeviceBuffer<Bf16> memory;
  std::vector<std::int32_t> page_table;  // [sequences, page_table_stride]
  int page_table_stride = 0;
  std::span<const std::int32_t> pages(std::size_t sequence) const {
    return std::span(page_table).subspan(sequence * static_cast<std::size_t>(page_table_stride));
  }
  kernels::PagedCache cache;
};

/// Lays sequences down; `seed` shuffles which page is whose.
inline CacheOnDevice lay_in_pages(const std::vector<Sequence>& sequences, const AttentionShape& shape, unsigned seed) {
  constexpr int kTokens = kernels::kCachePageTokens;
  CacheOnDevice out;
  int n_pages = 3;
  for (const Sequence& s : sequences) {
    const int pages = (s.n_keys + kTokens - 1) / kTokens;
    n_pages += pages;
    out.page_table_stride = std::max(out.page_table_stride, pages);
  }
  std::vector<std::int32_t> order(static_cast<std::size_t>(n_pages));
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 generator(seed);
  std::shuffle(order.begin(), order.end(), generator);
  const std::size_t row = static_cast<std::size_t>(shape.d);
  std::vector<Bf16> memory(static_cast<std::size_t>(n_pages * shape.kv_heads * 2 * kTokens) * row);
  std::memset(static_cast<void*>(memory.data()), 0xFF, memory.size() * sizeof(Bf16));
  std::vector<std::int32_t> table(sequences.size() * static_cast<std::size_t>(out.page_table_stride), -1);
  std::size_t next = 0;
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    for (int t = 0; t < sequences[s].n_keys; ++t) {
      auto& page = table[s * static_cast<std::size_t>(out.page_table_stride) + static_cast<std::size_t>(t / kTokens)];
      if (page < 0) page = order[next++];
      for (int h = 0; h < shape.kv_heads; ++h) {
        const std::ptrdiff_t to = ((page * shape.kv_heads + h) * 2 * kTokens + t % kTokens) * shape.d;
        const std::ptrdiff_t from = (t * shape.kv_heads + h) * shape.d;
        std::copy_n(sequences[s].keys.begin() + from, row, memory.begin() + to);
        std::copy_n(sequences[s].values.begin() + from, row, memory.begin() + to + kTokens * shape.d);
      }
    }
  }
  out.memory = on_device(memory);
  out.page_table = std::move(table);
  out.cache = {out.memory.data(), n_pages, shape.kv_heads, shape.d};
  return out;
}

/// One query position's outputs [heads, d] over the first n_keys keys.
struct Expected {
  std::vector<double> exact;
  std::vector<float> plain;  ///< float32 scores and weights, weights rounded to bfloat16, float32 sums
};

inline void append_expected(const AttentionShape& shape, const Bf16* q, const Sequence& s, int n_keys, float scale,
                            Expected& out) {
  std::vector<double> weight(static_cast<std::size_t>(n_keys));
  for (int h = 0; h < shape.heads; ++h) {
    const int kv_head = h / shape.group();
    const auto at = [&](int t) { return static_cast<std::size_t>((t * shape.kv_heads + kv_head) * shape.d); };
    double largest = -INFINITY;
    for (int t = 0; t < n_keys; ++t) {
      double dot = 0;
      for (int i = 0; i < shape.d; ++i) {
        dot += static_cast<double>(as_float(q[h * shape.d + i])) *
               static_cast<double>(as_float(s.keys[at(t) + static_cast<std::size_t>(i)]));
      }
      weight[static_cast<std::size_t>(t)] = dot * static_cast<double>(scale);
      largest = std::max(largest, weight[static_cast<std::size_t>(t)]);
    }
    double total = 0;
    float plain_total = 0;
    std::vector<float> plain_weight;
    for (double& w : weight) {
      const float p = std::exp(static_cast<float>(w) - static_cast<float>(largest));
      plain_total += p;
      plain_weight.push_back(as_float(__float2bfloat16(p)));
      total += w = std::exp(w - largest);
    }
    for (int i = 0; i < shape.d; ++i) {
      double sum = 0;
      float plain = 0;
      for (int t = 0; t < n_keys; ++t) {
        const float value = as_float(s.values[at(t) + static_cast<std::size_t>(i)]);
        sum += weight[static_cast<std::size_t>(t)] * static_cast<double>(value);
        plain += plain_weight[static_cast<std::size_t>(t)] * value;
      }
      out.exact.push_back(sum / total);
      out.plain.push_back(plain / plain_total);
    }
  }
}

}  // namespace assay::tests

#pragma once
// Sequences of random cache rows, laid in pages in any order, for the tests of latent attention.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <span>

#include "kernels/attention/mla_cache.cuh"
#include "kernels/device/gpu_test.cuh"

namespace assay::tests {

/// One sequence: cache rows [n_keys][576], as bfloat16 holds them.
struct MlaSequence {
  int n_keys;
  std::vector<Bf16> rows;
  const Bf16* row(int t) const { return rows.data() + static_cast<std::ptrdiff_t>(t) * kernels::kMlaRow; }
};

inline MlaSequence random_mla_sequence(std::mt19937& generator, int n_keys) {
  return {n_keys, normal_bf16(generator, static_cast<std::size_t>(n_keys) * kernels::kMlaRow)};
}

/// The cache on the device: all that no sequence owns is NaN.
struct MlaCacheOnDevice {
  kernels::DeviceBuffer<Bf16> rows;
  std::vector<std::vector<std::int32_t>> pages;  // of each sequence
  kernels::MlaCache cache;
};

/// Lays the first n_keys rows of each sequence down; `seed` shuffles which page is whose.
inline MlaCacheOnDevice lay_in_mla_pages(const std::vector<MlaSequence>& sequences, unsigned seed) {
  constexpr int kTokens = kernels::kCachePageTokens, kRow = kernels::kMlaRow;
  MlaCacheOnDevice out;
  int n_pages = 3;
  for (const MlaSequence& s : sequences) n_pages += (s.n_keys + kTokens - 1) / kTokens;
  std::vector<std::int32_t> order(static_cast<std::size_t>(n_pages));
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 generator(seed);
  std::shuffle(order.begin(), order.end(), generator);
  std::vector<Bf16> rows(static_cast<std::size_t>(n_pages) * kTokens * kRow);
  std::memset(static_cast<void*>(rows.data()), 0xFF, rows.size() * sizeof(Bf16));
  std::size_t next = 0;
  for (const MlaSequence& s : sequences) {
    auto& pages = out.pages.emplace_back();
    for (int t = 0; t < s.n_keys; ++t) {
      if (t % kTokens == 0) pages.push_back(order[next++]);
      const std::ptrdiff_t to = static_cast<std::ptrdiff_t>(pages.back()) * kTokens + t % kTokens;
      std::copy_n(s.row(t), kRow, rows.begin() + to * kRow);
    }
  }
  out.rows = on_device(rows);
  out.cache = {out.rows.data(), n_pages};
  return out;
}

/// One query's outputs over keys of any kind: exact, and as a plain bfloat16 implementation would have them (float32
/// scores and weights, weights rounded to bfloat16, float32 sums).
struct MlaExpected {
  std::vector<double> exact;
  std::vector<float> plain;
};

/// scores are scaled; value(t)[i] for i < width.
template <class Value>
void append_mla_expected(std::vector<double> scores, int width, Value value, MlaExpected& out) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  double total = 0;
  float plain_total = 0;
  std::vector<float> plain_weight;
  for (double& w : scores) {
    const float p = std::exp(static_cast<float>(w) - static_cast<float>(largest));
    plain_total += p;
    plain_weight.push_back(as_float(__float2bfloat16(p)));
    total += w = std::exp(w - largest);
  }
  std::vector<double> sum(static_cast<std::size_t>(width));
  std::vector<float> plain(static_cast<std::size_t>(width));
  for (std::size_t t = 0; t < scores.size(); ++t) {
    const Bf16* v = value(static_cast<int>(t));
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum[i] += scores[t] * static_cast<double>(as_float(v[i]));
      plain[i] += plain_weight[t] * as_float(v[i]);
    }
  }
  for (const double s : sum) out.exact.push_back(s / total);
  for (const float p : plain) out.plain.push_back(p / plain_total);
}

inline double dot(const Bf16* a, const Bf16* b, int n) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += static_cast<double>(as_float(a[i])) * static_cast<double>(as_float(b[i]));
  return sum;
}

}  // namespace assay::tests

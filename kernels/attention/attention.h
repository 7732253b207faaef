#pragma once
// Softmax attention of a few queries over a list of keys cut into chunks of 64 tokens, at positions that are multiples
// of 64.
//   score_u = scale · (q · key_u)                         (the dot in 16 lanes, as in kernels/matmul)
//   per chunk c:  m_c = max score;  p_u = e^(score_u - m_c);  l_c = Σ p_u;  o_c = Σ_u p_u · value_u, u ascending, fma
//   chunks are merged in ascending order:  m' = max(m, m_c);  l' = l·e^(m-m') + l_c·e^(m_c-m');  o' likewise;  o = o /
//   l.
// The parts and their order follow from the key positions alone, so a query's result does not depend on which queries
// share the call, on where the pages lie, or on how the prompt was cut. The same routine serves MLA in both forms
// (absorbed: keys are latent rows of width 576 whose first 512 entries are the values; materialised: per-head keys of
// width 192 and values of width 128) and grouped-query attention.

#include <cstddef>
#include <vector>

#include "kernels/simd/cpu_ops.h"

namespace assay::kernels {

constexpr int kChunkTokens = 64;  ///< also the page size of every cache

/// One group of queries over the same keys.
struct AttentionArgs {
  int n_queries = 0;
  const float* const* queries = nullptr;  ///< [n_queries] -> [key_width]
  const int* n_keys = nullptr;            ///< [n_queries]: query i sees keys 0 … n_keys[i] - 1; at least 1
  float* const* outputs = nullptr;        ///< [n_queries] -> [value_width]
  const float* const* key_chunks =
      nullptr;  ///< [ceil(max n_keys / 64)] -> key 64·c; the next key is key_stride floats on
  const float* const* value_chunks = nullptr;  ///< likewise for values
  std::ptrdiff_t key_stride = 0;
  std::ptrdiff_t value_stride = 0;
  int key_width = 0;
  int value_width = 0;
  float scale = 1;
};

constexpr int kQueryTile = 4;  ///< queries that are computed together
constexpr std::size_t attention_scratch_floats(int value_width) {
  return static_cast<std::size_t>(kQueryTile) * (kChunkTokens + static_cast<std::size_t>((value_width + 15) / 16 * 16));
}
constexpr int kMaxQueriesPerGroup = 64;

/// The reference: float64, one pass over all keys, written to be read.
void attend_ref(const AttentionArgs& args);

}  // namespace assay::kernels

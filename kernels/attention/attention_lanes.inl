// Attention in lanes. Included by kernels/simd/level_*.cpp only; contract in attention.h.

namespace assay::kernels {
namespace {

#if defined(__AVX512F__)
constexpr int kValueTile = 4;  // vectors of 16 values per query: 4 x 4 accumulators
#else
constexpr int kValueTile = 1;
#endif

/// out[q][j] = Σ_u weight[q][u] · value_u[j], u ascending; columns j … j + 16·kV - 1.
template <int kQ, int kV>
inline void weigh_values(const float* weight, const float* values, ptrdiff_t value_stride, int n, int j, float* out,
                         ptrdiff_t out_stride) {
  Lanes acc[kQ * kV];
  for (Lanes& a : acc) a = zero();
  for (int u = 0; u < n; ++u) {
    Lanes v[kV];
    for (int i = 0; i < kV; ++i) v[i] = load(values + u * value_stride + j + i * kLanes);
    for (int q = 0; q < kQ; ++q) {
      const Lanes p = broadcast(weight[q * kChunkTokens + u]);
      for (int i = 0; i < kV; ++i) acc[q * kV + i] = fma(p, v[i], acc[q * kV + i]);
    }
  }
  for (int q = 0; q < kQ; ++q) {
    for (int i = 0; i < kV; ++i) store(out + q * out_stride + j + i * kLanes, acc[q * kV + i]);
  }
}

/// The same for the last columns, fewer than 16.
template <int kQ>
inline void weigh_last_values(const float* weight, const float* values, ptrdiff_t value_stride, int n, int j, int count,
                              float* out, ptrdiff_t out_stride) {
  for (int q = 0; q < kQ; ++q) {
    Lanes acc = zero();
    for (int u = 0; u < n; ++u) {
      acc = fma(broadcast(weight[q * kChunkTokens + u]), load_first(values + u * value_stride + j, count), acc);
    }
    store_first(out + q * out_stride + j, acc, count);
  }
}

/// Running result of one query.
struct Softmax {
  float max;
  float sum;
  bool empty;
};

/// The largest of 16 lanes; a maximum does not depend on the order.
inline float largest_lane(Lanes a) {
  float lanes[kLanes];
  store(lanes, a);
  float largest = lanes[0];
  for (int i = 1; i < kLanes; ++i) largest = lanes[i] > largest ? lanes[i] : largest;
  return largest;
}

/// Turns a chunk's scores into weights e^(score - m_c), 0 for the keys from n_visible on; returns {m_c, l_c}.
inline Softmax chunk_weights(float* score, int n_visible, int n, float scale) {
  const int n_padded = (n + kLanes - 1) / kLanes * kLanes;
  for (int u = n_visible; u < n_padded; ++u) score[u] = -__builtin_inff();
  const Lanes factor = broadcast(scale);
  Lanes best = broadcast(-__builtin_inff());
  for (int u = 0; u < n_padded; u += kLanes) best = max(best, mul(load(score + u), factor));
  const float largest = largest_lane(best);
  const Lanes shift = broadcast(largest);
  Lanes total = zero();
  for (int u = 0; u < n_padded; u += kLanes) {
    const Lanes p = exp(sub(mul(load(score + u), factor), shift));
    store(score + u, p);
    total = add(total, p);
  }
  return {largest, sum(total), false};
}

inline float exp_one(float x) {
  float lanes[kLanes];
  store(lanes, exp(broadcast(x)));
  return lanes[0];
}

/// output = output · before + part · now.
inline void merge_output(float* output, const float* part, float before, float now, int n) {
  const Lanes b = broadcast(before), w = broadcast(now);
  for (int j = 0; j < n; j += kLanes) {
    const int count = n - j < kLanes ? n - j : kLanes;
    store_first(output + j, fma(load_first(part + j, count), w, mul(load_first(output + j, count), b)), count);
  }
}

/// One chunk for kQ queries.
template <int kQ>
inline void attend_chunk(const AttentionArgs& a, int first_query, int chunk, Softmax* state, float* scratch) {
  const int start = chunk * kChunkTokens;
  int n = 0;  // keys that any of these queries sees
  int n_visible[kQ];
  for (int q = 0; q < kQ; ++q) {
    const int left = a.n_keys[first_query + q] - start;
    n_visible[q] = left < 0 ? 0 : (left < kChunkTokens ? left : kChunkTokens);
    n = n_visible[q] > n ? n_visible[q] : n;
  }
  if (n == 0) return;
  float* score = scratch;
  float* part = scratch + kQueryTile * kChunkTokens;
  const ptrdiff_t part_stride = (a.value_width + kLanes - 1) / kLanes * kLanes;
  dot_block<Ahead::next_rows>(kQ, a.queries + first_query, n, a.key_chunks[chunk], a.key_stride, a.key_width, score,
                              kChunkTokens);

  Softmax chunk_state[kQ];
  for (int q = 0; q < kQ; ++q) {
    float* weights = score + q * kChunkTokens;
    if (n_visible[q] > 0) {
      chunk_state[q] = chunk_weights(weights, n_visible[q], n, a.scale);
    } else {
      memset(weights, 0, sizeof(float) * kChunkTokens);
    }
  }

  const float* values = a.value_chunks[chunk];
  int j = 0;
  for (; j + kValueTile * kLanes <= a.value_width; j += kValueTile * kLanes) {
    weigh_values<kQ, kValueTile>(score, values, a.value_stride, n, j, part, part_stride);
  }
  for (; j + kLanes <= a.value_width; j += kLanes) {
    weigh_values<kQ, 1>(score, values, a.value_stride, n, j, part, part_stride);
  }
  if (j < a.value_width) {
    weigh_last_values<kQ>(score, values, a.value_stride, n, j, a.value_width - j, part, part_stride);
  }

  for (int q = 0; q < kQ; ++q) {
    if (n_visible[q] == 0) continue;
    float* output = a.outputs[first_query + q];
    Softmax& s = state[first_query + q];
    if (s.empty) {
      memcpy(output, part + q * part_stride, sizeof(float) * static_cast<size_t>(a.value_width));
      s = chunk_state[q];
      continue;
    }
    const float largest = s.max > chunk_state[q].max ? s.max : chunk_state[q].max;
    const float before = exp_one(s.max - largest), now = exp_one(chunk_state[q].max - largest);
    merge_output(output, part + q * part_stride, before, now, a.value_width);
    s = {largest, s.sum * before + chunk_state[q].sum * now, false};
  }
}

void attend(const AttentionArgs& a, float* scratch) {
  Softmax state[kMaxQueriesPerGroup];
  int longest = 0;
  for (int q = 0; q < a.n_queries; ++q) {
    state[q] = {0, 0, true};
    longest = a.n_keys[q] > longest ? a.n_keys[q] : longest;
  }
  // Chunks outside, queries inside: a chunk of keys is read from memory once for all queries of the group.
  for (int chunk = 0; chunk * kChunkTokens < longest; ++chunk) {
    for (int q = 0; q < a.n_queries; q += kQueryTile) {
      switch (a.n_queries - q) {
        case 1:
          attend_chunk<1>(a, q, chunk, state, scratch);
          break;
        case 2:
          attend_chunk<2>(a, q, chunk, state, scratch);
          break;
        case 3:
          attend_chunk<3>(a, q, chunk, state, scratch);
          break;
        default:
          attend_chunk<4>(a, q, chunk, state, scratch);
          break;
      }
    }
  }
  for (int q = 0; q < a.n_queries; ++q) {
    const Lanes total = broadcast(state[q].sum);
    float* output = a.outputs[q];
    for (int j = 0; j < a.value_width; j += kLanes) {
      const int count = a.value_width - j < kLanes ? a.value_width - j : kLanes;
      store_first(output + j, div(load_first(output + j, count), total), count);
    }
  }
}

}  // namespace
}  // namespace assay::kernels

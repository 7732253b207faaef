#include "runners/engine/cpu/mla_attention.h"

#include <algorithm>
#include <cstring>

#include "kernels/attention/attention.h"
#include "kernels/matmul/matmul.h"
#include "kernels/quantized/quantized.h"
#include "runners/engine/cpu/buffers.h"

namespace assay::runners {

namespace {

using kernels::kChunkTokens;
using kernels::MatmulArgs;

/// Materialised keys and values of a block of heads may take this much; more heads are done in turn.
constexpr std::size_t kMaterialisedFloats = std::size_t{16} << 20;

struct MlaSizes {
  int heads, nope, rope, v, latent, hidden;
  int qk() const { return nope + rope; }
  int row() const { return latent + rope; }
};

MlaSizes mla_sizes(const ModelConfig& c) {
  return {static_cast<int>(c.num_attention_heads), static_cast<int>(c.qk_nope_head_dim),
          static_cast<int>(c.qk_rope_head_dim),    static_cast<int>(c.v_head_dim),
          static_cast<int>(c.kv_lora_rank),        static_cast<int>(c.hidden_size)};
}

/// Rows that a weight is cut at: a block of scales, a panel.
int row_unit(const WeightMatrix& w) {
  if (kernels::is_quantized(w.type)) return kernels::kQuantPanelRows;
  return w.block_scales != nullptr ? kernels::kScaleBlock : 1;
}

/// Rows [first, first + n) of a weight; `first` is a multiple of its row_unit.
WeightMatrix weight_rows(const WeightMatrix& w, int first, int n) {
  WeightMatrix part = w;
  part.n_out = n;
  if (kernels::is_quantized(w.type)) {
    const std::size_t offset = product(first / kernels::kQuantPanelRows, 1) * kernels::panel_bytes(w.type, w.n_in);
    part.data = static_cast<const std::byte*>(w.data) + offset;
    return part;
  }
  const std::size_t element = w.type == kernels::WeightType::f32 ? 4 : w.type == kernels::WeightType::f8_e4m3 ? 1 : 2;
  part.data = static_cast<const std::byte*>(w.data) + product(first, w.n_in) * element;
  if (w.block_scales != nullptr) {
    const int scale_stride = (w.n_in + kernels::kScaleBlock - 1) / kernels::kScaleBlock;
    part.block_scales = w.block_scales + product(first / kernels::kScaleBlock, scale_stride);
  }
  return part;
}

/// Heads whose keys and values are materialised together, so that they fit and the weight is cut at whole units.
int heads_per_block(const MlaSizes& s, const WeightMatrix& kv_b, int n_positions) {
  const std::size_t per_head = product(n_positions, s.nope + s.v + s.qk());
  const int heads = std::clamp(static_cast<int>(kMaterialisedFloats / per_head), 1, s.heads);
  return heads * (s.nope + s.v) % row_unit(kv_b) == 0 ? heads : s.heads;
}

}  // namespace

void MlaAttention::run(const MlaWeights& weights, int cache_layer, KvCache& cache, const kernels::RopeTable& rope,
                       std::span<const TokenSpan> spans, PositionRole role, const float* x, float* out) {
  const MlaSizes s = mla_sizes(model_.config);
  const int n_rows = count_rows(spans);
  project_inputs(weights, n_rows, x);
  compute_.begin(Operation::rope_append);
  write_cache_rows(weights, cache_layer, cache, rope, spans);
  grown(head_output_, product(n_rows, s.heads, s.v));
  if (role == PositionRole::generated) {
    attend_absorbed(weights, cache_layer, cache, spans);
  } else {
    int first_row = 0;
    for (const TokenSpan& span : spans) {
      attend_materialised(weights, cache_layer, cache, span, first_row);
      first_row += span.n_rows();
    }
  }
  compute_.begin(Operation::attention_output);
  compute_.multiply({head_output_.data(), s.heads * s.v, n_rows, weights.o_proj, out, s.hidden});
}

void MlaAttention::project_inputs(const MlaWeights& weights, int n_rows, const float* x) {
  const MlaSizes s = mla_sizes(model_.config);
  float* query = grown(query_, product(n_rows, s.heads, s.qk()));
  float* kv = grown(compressed_kv_, product(n_rows, s.row()));
  const MatmulArgs kv_product{x, s.hidden, n_rows, weights.kv_a_proj_with_mqa, kv, s.row()};

  if (const auto* plain = std::get_if<PlainQuery>(&weights.query)) {
    compute_.begin(Operation::q_b);  // the latent's product with it
    const MatmulArgs products[] = {{x, s.hidden, n_rows, plain->q_proj, query, s.heads * s.qk()}, kv_product};
    return compute_.multiply(products);
  }
  const auto& compressed = std::get<CompressedQuery>(weights.query);
  const int rank = compressed.q_a_proj.n_out;
  compute_.begin(Operation::q_a);  // the latent's product with it
  float* low = grown(compressed_query_, product(n_rows, rank));
  const MatmulArgs products[] = {{x, s.hidden, n_rows, compressed.q_a_proj, low, rank}, kv_product};
  compute_.multiply(products);
  compute_.begin(Operation::q_a_norm);
  const auto eps = static_cast<float>(model_.config.rms_norm_eps);
  compute_.for_rows(n_rows, [&](int row) {
    float* q = low + product(row, rank);
    compute_.ops.rmsnorm_row(q, compressed.q_a_layernorm.data(), eps, rank, q);
  });
  compute_.begin(Operation::q_b);
  compute_.multiply({low, rank, n_rows, compressed.q_b_proj, query, s.heads * s.qk()});
}

void MlaAttention::write_cache_rows(const MlaWeights& weights, int cache_layer, KvCache& cache,
                                    const kernels::RopeTable& rope, std::span<const TokenSpan> spans) {
  const MlaSizes s = mla_sizes(model_.config);
  const auto eps = static_cast<float>(model_.config.rms_norm_eps);
  int first_row = 0;
  for (const TokenSpan& span : spans) {
    compute_.for_rows(span.n_rows(), [&](int i) {
      const int position = span.first_position + i;
      const float* angles = rope.row(position);
      const float* kv = compressed_kv_.data() + product(first_row + i, s.row());
      float* row = cache.row(span.pages, cache_layer, position);
      compute_.ops.rmsnorm_row(kv, weights.kv_a_layernorm.data(), eps, s.latent, row);
      std::memcpy(row + s.latent, kv + s.latent, sizeof(float) * static_cast<std::size_t>(s.rope));
      kernels::rope_rotate_interleaved(row + s.latent, angles, s.rope);
      float* query = query_.data() + product(first_row + i, s.heads, s.qk());
      for (int h = 0; h < s.heads; ++h) kernels::rope_rotate_interleaved(query + h * s.qk() + s.nope, angles, s.rope);
    });
    first_row += span.n_rows();
  }
}

void MlaAttention::attend_absorbed(const MlaWeights& weights, int cache_layer, KvCache& cache,
                                   std::span<const TokenSpan> spans) {
  const MlaSizes s = mla_sizes(model_.config);
  const int n_rows = count_rows(spans);
  compute_.begin(Operation::key_map);
  float* query = grown(latent_query_, product(n_rows, s.heads, s.row()));
  float* output = grown(latent_output_, product(n_rows, s.heads, s.latent));

  std::vector<MatmulArgs> products;
  for (int h = 0; h < s.heads; ++h) {
    const float* map = weights.key_map.data() + product(h, s.latent, s.nope);
    products.push_back({query_.data() + h * s.qk(),
                        s.heads * s.qk(),
                        n_rows,
                        {map, kernels::WeightType::f32, s.latent, s.nope},
                        query + h * s.row(),
                        s.heads * s.row()});
  }
  matmul(compute_.ops, compute_.pool, products.data(), s.heads);
  compute_.for_rows(n_rows, [&](int row) {
    for (int h = 0; h < s.heads; ++h) {
      std::memcpy(query + product(row * s.heads + h, s.row()) + s.latent,
                  query_.data() + product(row * s.heads + h, s.qk()) + s.nope,
                  sizeof(float) * static_cast<std::size_t>(s.rope));
    }
  });

  compute_.begin(Operation::attention);
  // One task per sequence and group of heads: a group's queries share each page that they read.
  std::vector<std::size_t> first_chunk;
  std::vector<int> first_row;
  chunks_.clear();
  int rows_so_far = 0, most_rows = 1;
  for (const TokenSpan& span : spans) {
    first_chunk.push_back(chunks_.size());
    first_row.push_back(rows_so_far);
    rows_so_far += span.n_rows();
    most_rows = std::max(most_rows, span.n_rows());
    for (int page = 0; page < pages_for(span.end_position()); ++page) {
      chunks_.push_back(cache.rows(span.pages[static_cast<std::size_t>(page)], cache_layer));
    }
  }
  const int n_spans = static_cast<int>(spans.size());
  int group_heads = std::max(1, std::min({s.heads, 4, kernels::kMaxQueriesPerGroup / most_rows}));
  while (group_heads > 1 && n_spans * ((s.heads + group_heads - 1) / group_heads) < compute_.pool.n_threads()) {
    group_heads /= 2;
  }
  const int n_groups = (s.heads + group_heads - 1) / group_heads;
  compute_.pool.reserve_scratch(kernels::attention_scratch_floats(s.latent));
  compute_.pool.for_each(n_spans * n_groups, [&](int task, float* scratch) {
    const auto which = static_cast<std::size_t>(task / n_groups);
    const TokenSpan& span = spans[which];
    const int first_head = task % n_groups * group_heads, end_head = std::min(s.heads, first_head + group_heads);
    const float* queries[kernels::kMaxQueriesPerGroup];
    float* outputs[kernels::kMaxQueriesPerGroup];
    int n_keys[kernels::kMaxQueriesPerGroup];
    int n = 0;
    for (int i = 0; i < span.n_rows(); ++i) {
      for (int h = first_head; h < end_head; ++h, ++n) {
        const int row_head = (first_row[which] + i) * s.heads + h;
        queries[n] = query + product(row_head, s.row());
        outputs[n] = output + product(row_head, s.latent);
        n_keys[n] = span.first_position + i + 1;
      }
    }
    const float* const* chunks = chunks_.data() + first_chunk[which];
    compute_.ops.attend(
        {n, queries, n_keys, outputs, chunks, chunks, s.row(), s.row(), s.row(), s.latent, model_.attention_scale},
        scratch);
  });

  compute_.begin(Operation::value_map);
  products.clear();
  for (int h = 0; h < s.heads; ++h) {
    const float* map = weights.value_map.data() + product(h, s.v, s.latent);
    products.push_back({output + h * s.latent,
                        s.heads * s.latent,
                        n_rows,
                        {map, kernels::WeightType::f32, s.v, s.latent},
                        head_output_.data() + h * s.v,
                        s.heads * s.v});
  }
  matmul(compute_.ops, compute_.pool, products.data(), s.heads);
}

void MlaAttention::attend_materialised(const MlaWeights& weights, int cache_layer, KvCache& cache,
                                       const TokenSpan& span, int first_row) {
  const MlaSizes s = mla_sizes(model_.config);
  const int n_positions = span.end_position();
  const int block = heads_per_block(s, weights.kv_b_proj, n_positions);
  for (int first_head = 0; first_head < s.heads; first_head += block) {
    compute_.begin(Operation::expand);
    const int n_heads = std::min(block, s.heads - first_head);
    const int width = n_heads * (s.nope + s.v);
    float* key_value = grown(key_value_, product(n_positions, width));
    float* keys = grown(keys_, product(n_heads, n_positions, s.qk()));
    const WeightMatrix w = weight_rows(weights.kv_b_proj, first_head * (s.nope + s.v), width);

    std::vector<MatmulArgs> products;
    for (int start = 0; start < n_positions; start += kPageTokens) {
      const float* rows = cache.row(span.pages, cache_layer, start);
      products.push_back(
          {rows, s.row(), std::min(kPageTokens, n_positions - start), w, key_value + product(start, width), width});
    }
    matmul(compute_.ops, compute_.pool, products.data(), static_cast<int>(products.size()));

    compute_.for_rows(n_positions, [&](int position) {
      const float* rotated = cache.row(span.pages, cache_layer, position) + s.latent;
      for (int h = 0; h < n_heads; ++h) {
        float* key = keys + product(h, n_positions, s.qk()) + product(position, s.qk());
        const float* part = key_value + product(position, width) + h * (s.nope + s.v);
        std::memcpy(key, part, sizeof(float) * static_cast<std::size_t>(s.nope));
        std::memcpy(key + s.nope, rotated, sizeof(float) * static_cast<std::size_t>(s.rope));
      }
    });
    compute_.begin(Operation::attention);
    attend_heads(first_head, n_heads, span, first_row);
  }
}

void MlaAttention::attend_heads(int first_head, int n_heads, const TokenSpan& span, int first_row) {
  const MlaSizes s = mla_sizes(model_.config);
  const int n_positions = span.end_position(), width = n_heads * (s.nope + s.v);
  constexpr int kRowsPerTask = 32;
  const int n_blocks = (span.n_rows() + kRowsPerTask - 1) / kRowsPerTask;
  const auto n_chunks = static_cast<std::size_t>((n_positions + kChunkTokens - 1) / kChunkTokens);
  chunks_.clear();  // keys of head 0, values of head 0, keys of head 1, …
  for (int h = 0; h < n_heads; ++h) {
    const float* keys = keys_.data() + product(h, n_positions, s.qk());
    const float* values = key_value_.data() + h * (s.nope + s.v) + s.nope;
    for (std::size_t c = 0; c < n_chunks; ++c) chunks_.push_back(keys + c * product(kChunkTokens, s.qk()));
    for (std::size_t c = 0; c < n_chunks; ++c) chunks_.push_back(values + c * product(kChunkTokens, width));
  }
  compute_.pool.reserve_scratch(kernels::attention_scratch_floats(s.v));
  compute_.pool.for_each(n_heads * n_blocks, [&](int task, float* scratch) {
    const int h = task % n_heads, first = task / n_heads * kRowsPerTask;
    const int n = std::min(kRowsPerTask, span.n_rows() - first);
    const float* queries[kRowsPerTask];
    float* outputs[kRowsPerTask];
    int n_keys[kRowsPerTask];
    for (int i = 0; i < n; ++i) {
      const int row_head = (first_row + first + i) * s.heads + first_head + h;
      queries[i] = query_.data() + product(row_head, s.qk());
      outputs[i] = head_output_.data() + product(row_head, s.v);
      n_keys[i] = span.first_position + first + i + 1;
    }
    const float* const* keys = chunks_.data() + 2 * static_cast<std::size_t>(h) * n_chunks;
    compute_.ops.attend(
        {n, queries, n_keys, outputs, keys, keys + n_chunks, s.qk(), width, s.qk(), s.v, model_.attention_scale},
        scratch);
  });
}

}  // namespace assay::runners

#include "runners/engine/cpu/gqa_attention.h"

#include <algorithm>
#include <cstring>

#include "kernels/attention/attention.h"
#include "kernels/matmul/matmul.h"
#include "runners/engine/cpu/buffers.h"

namespace assay::runners {

namespace {

using kernels::MatmulArgs;

struct GqaSizes {
  int heads, kv_heads, d, hidden;
  int group() const { return heads / kv_heads; }
  int query() const { return heads * d; }
  int key() const { return kv_heads * d; }
};

GqaSizes gqa_sizes(const ModelConfig& c) {
  return {static_cast<int>(c.num_attention_heads), static_cast<int>(c.num_key_value_heads),
          static_cast<int>(c.head_dim), static_cast<int>(c.hidden_size)};
}

void add_bias(const std::vector<float>& bias, float* row) {
  for (std::size_t i = 0; i < bias.size(); ++i) row[i] += bias[i];
}

}  // namespace

void GqaAttention::run(const GqaWeights& weights, int cache_layer, KvCache& cache, const kernels::RopeTable& rope,
                       std::span<const TokenSpan> spans, const float* x, float* out) {
  const GqaSizes s = gqa_sizes(model_.config);
  const int n_rows = count_rows(spans);
  compute_.begin(Operation::qkv);
  project_inputs(weights, n_rows, x);
  compute_.begin(Operation::rope_append);
  write_cache_rows(weights, cache_layer, cache, rope, spans);
  compute_.begin(Operation::attention);
  attend(cache_layer, cache, spans);
  compute_.begin(Operation::attention_output);
  compute_.multiply({head_output_.data(), s.query(), n_rows, weights.o_proj, out, s.hidden});
}

void GqaAttention::project_inputs(const GqaWeights& weights, int n_rows, const float* x) {
  const GqaSizes s = gqa_sizes(model_.config);
  const MatmulArgs products[] = {
      {x, s.hidden, n_rows, weights.q_proj, grown(query_, product(n_rows, s.query())), s.query()},
      {x, s.hidden, n_rows, weights.k_proj, grown(key_, product(n_rows, s.key())), s.key()},
      {x, s.hidden, n_rows, weights.v_proj, grown(value_, product(n_rows, s.key())), s.key()}};
  compute_.multiply(products);
}

void GqaAttention::write_cache_rows(const GqaWeights& weights, int cache_layer, KvCache& cache,
                                    const kernels::RopeTable& rope, std::span<const TokenSpan> spans) {
  const GqaSizes s = gqa_sizes(model_.config);
  const auto eps = static_cast<float>(model_.config.rms_norm_eps);
  const auto normed_and_rotated = [&](float* heads, int n_heads, const std::vector<float>& norm, const float* angles) {
    for (int h = 0; h < n_heads; ++h) {
      float* head = heads + h * s.d;
      if (!norm.empty()) compute_.ops.rmsnorm_row(head, norm.data(), eps, s.d, head);
      kernels::rope_rotate_halves(head, angles, s.d);
    }
  };
  int first_row = 0;
  for (const TokenSpan& span : spans) {
    compute_.for_rows(span.n_rows(), [&](int i) {
      const int position = span.first_position + i;
      float* query = query_.data() + product(first_row + i, s.query());
      float* key = key_.data() + product(first_row + i, s.key());
      float* value = value_.data() + product(first_row + i, s.key());
      add_bias(weights.q_bias, query);
      add_bias(weights.k_bias, key);
      add_bias(weights.v_bias, value);
      normed_and_rotated(query, s.heads, weights.q_norm, rope.row(position));
      normed_and_rotated(key, s.kv_heads, weights.k_norm, rope.row(position));
      float* row = cache.row(span.pages, cache_layer, position);
      std::memcpy(row, key, sizeof(float) * product(1, s.key()));
      std::memcpy(row + s.key(), value, sizeof(float) * product(1, s.key()));
    });
    first_row += span.n_rows();
  }
}

void GqaAttention::attend(int cache_layer, KvCache& cache, std::span<const TokenSpan> spans) {
  const GqaSizes s = gqa_sizes(model_.config);
  grown(head_output_, product(count_rows(spans), s.query()));

  // One task per KV head and block of rows: all its queries share each page that they read.
  struct Task {
    std::size_t span, first_chunk;
    int first_row, first, count, kv_head;
  };
  const int rows_per_task = std::max(1, kernels::kMaxQueriesPerGroup / s.group());
  std::vector<Task> tasks;
  chunks_.clear();  // per span and KV head: keys of its pages, then values of its pages
  int first_row = 0;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const TokenSpan& span = spans[i];
    const int n_pages = pages_for(span.end_position());
    for (int kv_head = 0; kv_head < s.kv_heads; ++kv_head) {
      const std::size_t first_chunk = chunks_.size();
      for (const int offset : {kv_head * s.d, s.key() + kv_head * s.d}) {
        for (int page = 0; page < n_pages; ++page) {
          chunks_.push_back(cache.rows(span.pages[static_cast<std::size_t>(page)], cache_layer) + offset);
        }
      }
      for (int first = 0; first < span.n_rows(); first += rows_per_task) {
        tasks.push_back({i, first_chunk, first_row, first, std::min(rows_per_task, span.n_rows() - first), kv_head});
      }
    }
    first_row += span.n_rows();
  }

  compute_.pool.reserve_scratch(kernels::attention_scratch_floats(s.d));
  compute_.pool.for_each(static_cast<int>(tasks.size()), [&](int which, float* scratch) {
    const Task& task = tasks[static_cast<std::size_t>(which)];
    const TokenSpan& span = spans[task.span];
    const float* queries[kernels::kMaxQueriesPerGroup];
    float* outputs[kernels::kMaxQueriesPerGroup];
    int n_keys[kernels::kMaxQueriesPerGroup];
    int n = 0;
    for (int i = task.first; i < task.first + task.count; ++i) {
      for (int h = task.kv_head * s.group(); h < (task.kv_head + 1) * s.group(); ++h, ++n) {
        const std::size_t at = product(task.first_row + i, s.query()) + product(h, s.d);
        queries[n] = query_.data() + at;
        outputs[n] = head_output_.data() + at;
        n_keys[n] = span.first_position + i + 1;
      }
    }
    const float* const* keys = chunks_.data() + task.first_chunk;
    const float* const* values = keys + pages_for(span.end_position());
    const int stride = cache.row_width();
    compute_.ops.attend({n, queries, n_keys, outputs, keys, values, stride, stride, s.d, s.d, model_.attention_scale},
                        scratch);
  });
}

}  // namespace assay::runners

#pragma once
// Grouped-query attention over the paged cache (Llama, Qwen2, Qwen3).
//   q = q_proj·x (+ bias), k and v likewise;  Qwen3: q and k rmsnorm per head;  q and k rotated by halves.
//   A cache row is [keys of all KV heads | values of all KV heads]; query head h reads KV head h / (heads / kv_heads).
// Sources: arXiv:2305.13245; huggingface/transformers models/llama, qwen2, qwen3.

#include <span>
#include <vector>

#include "kernels/rope/rope.h"
#include "runners/engine/cpu/compute.h"
#include "runners/engine/cpu/kv_cache.h"
#include "runners/engine/model.h"

namespace assay::runners {

/// Holds the buffers of one pass at a time; they grow to the largest pass and stay.
class GqaAttention {
 public:
  GqaAttention(const Model& model, const Compute& compute) : model_(model), compute_(compute) {}

  /// Writes the cache rows of all positions in `spans`, then their attention's output [rows, hidden] to `out`.
  /// `x` [rows, hidden] is the normed input; `rope` has a row for every position.
  void run(const GqaWeights& weights, int cache_layer, KvCache& cache, const kernels::RopeTable& rope,
           std::span<const TokenSpan> spans, const float* x, float* out);

 private:
  void project_inputs(const GqaWeights& weights, int n_rows, const float* x);
  void write_cache_rows(const GqaWeights& weights, int cache_layer, KvCache& cache, const kernels::RopeTable& rope,
                        std::span<const TokenSpan> spans);
  void attend(int cache_layer, KvCache& cache, std::span<const TokenSpan> spans);

  const Model& model_;
  Compute compute_;
  std::vector<float> query_, key_, value_;  // [rows, heads·d], [rows, kv_heads·d]
  std::vector<float> head_output_;          // [rows, heads·d]
  std::vector<const float*> chunks_;        // cache pages of all spans
};

}  // namespace assay::runners

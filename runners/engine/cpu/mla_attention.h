#pragma once
// Multi-head latent attention over the paged cache, in its two equal forms.
//   c = rmsnorm(t[0:kl]), k_pe = rope(t[kl:]) with t = kv_a_proj·x make the cache row [c | k_pe] of a position.
//   materialised:  k = [W_uk c ; k_pe], v = W_uv c per head, scores from [q_nope ; q_pe].
//   absorbed:      q_latent = W_ukᵀ q_nope, scores from [q_latent ; q_pe] against cache rows, o = W_uv Σ p c.
// Sources: DeepSeek-V2 technical report, 2.1 and appendix; DeepSeek-V3 inference/model.py (MLA).

#include <span>
#include <vector>

#include "kernels/rope/rope.h"
#include "runners/engine/cpu/compute.h"
#include "runners/engine/cpu/kv_cache.h"
#include "runners/engine/model.h"

namespace assay::runners {

/// Holds the buffers of one pass at a time; they grow to the largest pass and stay.
class MlaAttention {
 public:
  MlaAttention(const Model& model, const Compute& compute) : model_(model), compute_(compute) {}

  /// Writes the cache rows of all positions in `spans`, then their attention's output [rows, hidden] to `out`.
  /// `x` [rows, hidden] is the normed input; `rope` has a row for every position.
  void run(const MlaWeights& weights, int cache_layer, KvCache& cache, const kernels::RopeTable& rope,
           std::span<const TokenSpan> spans, PositionRole role, const float* x, float* out);

 private:
  void project_inputs(const MlaWeights& weights, int n_rows, const float* x);
  void write_cache_rows(const MlaWeights& weights, int cache_layer, KvCache& cache, const kernels::RopeTable& rope,
                        std::span<const TokenSpan> spans);
  void attend_absorbed(const MlaWeights& weights, int cache_layer, KvCache& cache, std::span<const TokenSpan> spans);
  void attend_materialised(const MlaWeights& weights, int cache_layer, KvCache& cache, const TokenSpan& span,
                           int first_row);
  void attend_heads(int first_head, int n_heads, const TokenSpan& span, int first_row);

  const Model& model_;
  Compute compute_;
  std::vector<float> compressed_query_;  // [rows, q_lora_rank]
  std::vector<float> query_;             // [rows, heads·(nope + rope)]
  std::vector<float> compressed_kv_;     // [rows, kl + rope]
  std::vector<float> latent_query_;      // [rows, heads, kl + rope]
  std::vector<float> latent_output_;     // [rows, heads, kl]
  std::vector<float> head_output_;       // [rows, heads·v]
  std::vector<float> key_value_;         // materialised [positions, heads of a block·(nope + v)]
  std::vector<float> keys_;              // materialised [heads of a block, positions, nope + rope]
  std::vector<const float*> chunks_;     // cache pages of all spans
};

}  // namespace assay::runners

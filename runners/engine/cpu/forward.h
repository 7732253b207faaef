#pragma once
// The forward pass on the CPU: one loop over a model's layers.
//   x = embed(token);  per layer: x += attention(rmsnorm(x)), x += feed_forward(rmsnorm(x));  logits =
//   lm_head(rmsnorm(x)).

#include <span>
#include <vector>

#include "harness/base/result.h"
#include "runners/engine/cpu/compute.h"
#include "runners/engine/cpu/feed_forward.h"
#include "runners/engine/cpu/gqa_attention.h"
#include "runners/engine/cpu/kv_cache.h"
#include "runners/engine/cpu/mla_attention.h"
#include "runners/engine/model.h"

namespace assay::runners {

/// Runs passes over one model and one cache. One pass at a time; a row's result depends on its own sequence alone.
class Forward {
 public:
  Forward(const Model& model, KvCache& cache, const Compute& compute);

  /// The main model on all rows of `spans`. Returns the hidden states after the final norm, [rows, hidden], valid until
  /// the next call. Error{bad_input} if a number that must not be is NaN.
  Result<std::span<const float>> run(std::span<const TokenSpan> spans, PositionRole role,
                                     const LayerObserver& observe = {});

  /// The MTP module on pairs: row i has the main model's hidden state of its position (after the final norm) in
  /// `main_hidden` [rows, hidden], and the *next* position's token in `spans`. Returns hidden states ready for
  /// logits().
  Result<std::span<const float>> run_mtp(std::span<const TokenSpan> spans, PositionRole role, const float* main_hidden);

  /// lm_head of n_rows hidden states [n_rows, hidden] into out [n_rows, vocab_size].
  void logits(const float* hidden, int n_rows, float* out);

 private:
  void extend_rope(std::span<const TokenSpan> spans);
  void embed(std::span<const TokenSpan> spans, float* x);
  Result<> layer(const LayerWeights& weights, int cache_layer, std::span<const TokenSpan> spans, PositionRole role,
                 float* x);
  void norm_rows(const std::vector<float>& weight, int n_rows, const float* x, float* y);
  void add_rows(int n_rows, const float* part, float* x);

  const Model& model_;
  KvCache& cache_;
  Compute compute_;
  kernels::RopeTable rope_;  // as many positions as any pass so far has had
  MlaAttention mla_;
  GqaAttention gqa_;
  FeedForwardPass feed_forward_;
  std::vector<float> x_, normed_, part_, pair_, hidden_, mtp_hidden_;
};

}  // namespace assay::runners

#pragma once
// The feed-forward half of a layer: one gated network, or a mixture of routed experts and a shared one.
//   FFN(x) = down(silu(gate x) · (up x));  y = Σ over chosen e, ascending, of w_e · FFN_e(x)  +  FFN_shared(x).
// Sources: arXiv:2401.06066 (shared and routed experts); DeepSeek-V3 inference/model.py (MoE).

#include <vector>

#include "harness/base/result.h"
#include "kernels/router/router.h"
#include "runners/engine/cpu/compute.h"
#include "runners/engine/model.h"

namespace assay::runners {

/// Holds the buffers of one pass at a time; they grow to the largest pass and stay.
class FeedForwardPass {
 public:
  FeedForwardPass(const Model& model, const Compute& compute) : model_(model), compute_(compute) {}

  /// out [rows, hidden] = feed-forward of x [rows, hidden], the normed input.
  /// Error{bad_input} if a router logit is not a number.
  Result<> run(const LayerWeights& layer, int n_rows, const float* x, float* out);

 private:
  void dense(const FfnWeights& ffn, int n_rows, const float* x, float* out);
  Result<> mixture(const MoeWeights& moe, int n_rows, const float* x, float* out);
  void sort_by_expert(int n_rows, const float* x);

  const Model& model_;
  Compute compute_;
  std::vector<float> gate_, up_;                 // [rows, width]: dense or shared network
  std::vector<float> shared_output_;             // [rows, hidden]
  std::vector<float> router_logits_;             // [rows, n_routed_experts]
  std::vector<kernels::RoutedExpert> slots_;     // [rows, num_experts_per_tok], ascending by expert
  std::vector<int> expert_begin_;                // [n_routed_experts + 1]: rows of each expert after sorting
  std::vector<int> sorted_place_;                // [rows, num_experts_per_tok]: where a slot's row went
  std::vector<float> sorted_x_, sorted_output_;  // [rows·num_experts_per_tok, hidden]
  std::vector<float> sorted_gate_, sorted_up_;   // [rows·num_experts_per_tok, moe_intermediate_size]
};

}  // namespace assay::runners

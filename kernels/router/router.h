#pragma once
// Expert routing of DeepSeek V2 / V3 / R1 and Qwen3-MoE: from a token's router logits to its experts and their weights.
//   greedy                top experts by score
//   group_limited_greedy  the best groups by their largest score, then top experts within them
//   noaux_tc              score + bias chooses: groups by the sum of their two largest, then top experts; the score
//   weighs Ties: the lower index wins, for groups and experts. Slots are ordered by ascending expert, and the
//   normalising sum runs in that order in float32.  Source: DeepSeek-V3 inference/model.py (Gate); DeepSeek-V2
//   technical report, 2.2.

#include <cstdint>
#include <vector>

#include "harness/base/result.h"
#include "kernels/simd/cpu_ops.h"

namespace assay::kernels {

enum class RoutingMethod { greedy, group_limited_greedy, noaux_tc };
enum class ScoringFunction { softmax, sigmoid };

struct RouterArgs {
  RoutingMethod method = RoutingMethod::greedy;
  ScoringFunction scoring = ScoringFunction::softmax;
  int n_routed_experts = 0;
  int num_experts_per_tok = 0;
  int n_group = 1;
  int topk_group = 1;
  bool norm_topk_prob = false;
  float routed_scaling_factor = 1;
  const float* bias = nullptr;  ///< e_score_correction_bias [n_routed_experts], noaux_tc only
};

struct RoutedExpert {
  std::int32_t expert;
  float weight;
};

/// Chooses num_experts_per_tok experts from logits [n_routed_experts], ascending by expert, into `slots`.
/// Error{bad_input} if a logit is not a number.
Result<> route(const CpuOps& ops, const RouterArgs& args, const float* logits, RoutedExpert* slots);

}  // namespace assay::kernels

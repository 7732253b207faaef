#pragma once
// Expert routing of a batch on the GPU: from router logits to each token's experts and their weights. The rules are
// those of router.h, and so are the bits: exponential, sums and ties are the CPU's, so both choose the same experts
// with the same weights.
//   logits [tokens, n_parts · n_routed_experts] float32. A logit is the sum of its parts, the last first: a float32
//   router weight is split into n_parts bfloat16 weights, the largest part first, stacked along n_out, so that a
//   product of bfloat16 rows with all of them keeps the weight's float32 (three parts hold it exactly).
//   slots [tokens, num_experts_per_tok] int32, ascending by expert; weights likewise float32.
//   n_routed_experts <= 256, num_experts_per_tok <= 16, n_group <= 32 and a divisor of n_routed_experts.
//   A row with a logit that is not a number (or whose softmax has none) sets *failed to 1 and gets some distinct
//   experts, so that what follows stays inside its buffers. *failed is never cleared here.
//   Moves tokens · n_parts · n_routed_experts · 4 bytes. A token's result depends on its own row alone.
// Source: as router.h.

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/device/device.cuh"
#include "kernels/router/router.h"

namespace assay::kernels {

constexpr int kMaxRoutedExperts = 256;
constexpr int kMaxExpertsPerToken = 16;

struct RouteRowsArgs {
  RouterArgs router;  ///< its bias is a device address
  const float* logits = nullptr;
  int n_parts = 1;  ///< 1 to 3
  int tokens = 0;
  std::int32_t* slots = nullptr;
  float* weights = nullptr;
  int* failed = nullptr;
};

/// Error{bad_input} names what breaks the contract.
Result<> check_routing(const RouteRowsArgs& args);
/// Launches the routing; errors are check_routing's.
Result<> route_rows(const RouteRowsArgs& args, cudaStream_t stream);

}  // namespace assay::kernels

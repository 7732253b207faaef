#pragma once
// How a warp routes a token: lane l has experts l, l + 32, … Included by the kernels that route only; the contract is
// that of route_rows.cuh.

#include <cuda_runtime.h>

#include <limits>

#include "kernels/router/route_rows.cuh"

namespace assay::kernels {

namespace {

constexpr int kLaneExperts = kMaxRoutedExperts / 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;
constexpr float kOut = -std::numeric_limits<float>::infinity();

/// Of a warp, in shared memory.
struct alignas(16) RouteRoom {
  float row[kMaxRoutedExperts];
  float chosen_scores[kMaxExpertsPerToken];
};

/// e^x with the operations of the CPU's lanes (simd/lanes.h), so with its bits.
__device__ float exp_as_cpu(float x) {
  constexpr float kMagic = 0x1.8p23f;
  const float bounded = 0.0f - fmaxf(0.0f - x, -88.0f);
  const float biased = fmaf(bounded, 0x1.715476p0f, kMagic);
  const float n = biased - kMagic;
  float r = fmaf(n, -0x1.62e400p-1f, bounded);
  r = fmaf(n, -0x1.7f7d1cp-20f, r);
  float p = 0x1.a01a02p-13f;
  p = fmaf(p, r, 0x1.6c16c2p-10f);
  p = fmaf(p, r, 0x1.111112p-7f);
  p = fmaf(p, r, 0x1.555556p-5f);
  p = fmaf(p, r, 0x1.555556p-3f);
  p = fmaf(p, r, 0.5f);
  p = fmaf(p, r, 1.0f);
  p = fmaf(p, r, 1.0f);
  return x >= -87.3f ? __uint_as_float(__float_as_uint(p) + (__float_as_uint(biased) << 23)) : 0.0f;
}

/// An integer that orders as the float does, never 0 for a number.
__device__ unsigned ordered(float value) {
  const unsigned bits = __float_as_uint(value + 0.0f);  // -0 becomes +0: they tie
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

/// The index with the largest key over the warp, the lowest among equals; every lane gets it.
__device__ int best_of_warp(unsigned key, int index) {
  const unsigned best = __reduce_max_sync(kAllLanes, key);
  return static_cast<int>(__reduce_min_sync(kAllLanes, key == best ? static_cast<unsigned>(index) : kAllLanes));
}

/// The groups that stay, a bit each. `choice` holds the scores of the warp's token in shared memory.
__device__ unsigned kept_groups(const RouterArgs& a, const float* choice, int group_size, int lane) {
  // Neighbouring lanes share a group, as many as there are for each; then the two largest of all of them meet.
  int lanes_per_group = 32;
  while (lanes_per_group * a.n_group > 32) lanes_per_group /= 2;
  const int group = lane / lanes_per_group;
  float first = kOut, second = kOut;
  if (group < a.n_group) {
#pragma unroll 4
    for (int i = lane % lanes_per_group; i < group_size; i += lanes_per_group) {
      const float score = choice[group * group_size + i];
      second = fmaxf(second, fminf(first, score));
      first = fmaxf(first, score);
    }
  }
  for (int step = lanes_per_group / 2; step > 0; step /= 2) {
    const float other_first = __shfl_xor_sync(kAllLanes, first, step),
                other_second = __shfl_xor_sync(kAllLanes, second, step);
    second = fmaxf(fminf(first, other_first), fmaxf(second, other_second));
    first = fmaxf(first, other_first);
  }
  unsigned key = 0, kept = 0;
  if (group < a.n_group) key = ordered(a.method == RoutingMethod::noaux_tc && group_size > 1 ? first + second : first);
  for (int i = 0; i < a.topk_group; ++i) {
    const int best = best_of_warp(key, group);
    kept |= 1u << best;
    if (group == best) key = 0;
  }
  return kept;
}

/// A token's [num_experts_per_tok] slots and weights; with no room for weights, the slots alone.
__device__ void route_row(const RouteRowsArgs& args, int token, RouteRoom& room, std::int32_t* slots, float* weights) {
  const RouterArgs& a = args.router;
  const int lane = static_cast<int>(threadIdx.x) % 32, n = a.n_routed_experts;
  float* row = room.row;
  const float* logits = args.logits + static_cast<std::size_t>(token) * static_cast<std::size_t>(args.n_parts * n);

  // Scores. All loads are asked for before the first is used.
  float scores[kLaneExperts], bias[kLaneExperts] = {};
#pragma unroll
  for (int i = 0; i < kLaneExperts; ++i) {
    const int e = 32 * i + lane;
    scores[i] = e < n ? logits[(args.n_parts - 1) * n + e] : 0.0f;
    if (a.method == RoutingMethod::noaux_tc && a.bias != nullptr && e < n) bias[i] = a.bias[e];
  }
  for (int part = args.n_parts - 2; part >= 0; --part) {
#pragma unroll
    for (int i = 0; i < kLaneExperts; ++i) {
      if (32 * i + lane < n) scores[i] += logits[part * n + 32 * i + lane];
    }
  }
  float largest = kOut;
  bool failed = false;
#pragma unroll
  for (int i = 0; i < kLaneExperts; ++i) {
    if (32 * i + lane >= n) continue;
    failed = failed || isnan(scores[i]);
    largest = fmaxf(largest, scores[i]);
  }
  if (a.scoring == ScoringFunction::sigmoid) {
#pragma unroll
    for (int i = 0; i < kLaneExperts; ++i) {
      if (32 * i + lane < n) scores[i] = 1.0f / (1.0f + exp_as_cpu(-scores[i]));
    }
  } else {
    for (int step = 16; step > 0; step /= 2) largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, step));
#pragma unroll
    for (int i = 0; i < kLaneExperts; ++i) {
      scores[i] = 32 * i + lane < n ? exp_as_cpu(scores[i] - largest) : 0.0f;
      row[32 * i + lane] = scores[i];
    }
    __syncwarp();
    float total = 0;  // ascending, as on the CPU; all lanes the same; the zeros behind the last change nothing
#pragma unroll 4
    for (int e = 0; e < n; e += 4) {
      const float4 four = *reinterpret_cast<const float4*>(row + e);
      total = total + four.x + four.y + four.z + four.w;
    }
    __syncwarp();
#pragma unroll
    for (int i = 0; i < kLaneExperts; ++i) {
      if (32 * i + lane < n) scores[i] /= total;
    }
    failed = failed || isinf(largest);
  }
  if (__any_sync(kAllLanes, failed) && lane == 0) *args.failed = 1;

  // What chooses.
  unsigned keys[kLaneExperts];
  if (a.method == RoutingMethod::greedy) {
#pragma unroll
    for (int i = 0; i < kLaneExperts; ++i) keys[i] = 32 * i + lane < n ? ordered(scores[i]) : 0;
  } else {
    float choice[kLaneExperts];
#pragma unroll
    for (int i = 0; i < kLaneExperts; ++i) {
      const int e = 32 * i + lane;
      if (e >= n) continue;
      choice[i] = a.method == RoutingMethod::noaux_tc && a.bias != nullptr ? scores[i] + bias[i] : scores[i];
      row[e] = choice[i];
    }
    __syncwarp();
    const int group_size = n / a.n_group;
    const unsigned kept = kept_groups(a, row, group_size, lane);
#pragma unroll
    for (int i = 0; i < kLaneExperts; ++i) {
      const int e = 32 * i + lane;
      keys[i] = e >= n ? 0 : ordered((kept >> (e / group_size) & 1) != 0 ? choice[i] : kOut);
    }
  }

  // The best, one after the other; `mine` has a bit for each of this lane's.
  unsigned mine = 0;
  for (int k = 0; k < a.num_experts_per_tok; ++k) {
    unsigned key = 0;
    int best = 0;
#pragma unroll
    for (int i = 0; i < kLaneExperts; ++i) {
      if (keys[i] <= key) continue;
      key = keys[i];
      best = i;
    }
    if (best_of_warp(key, 32 * best + lane) != 32 * best + lane) continue;
    mine |= 1u << best;
#pragma unroll
    for (int i = 0; i < kLaneExperts; ++i) {
      if (i == best) keys[i] = 0;
    }
  }

  // Slots ascend by expert; the weights' sum runs in that order.
  int slot = 0;
#pragma unroll
  for (int i = 0; i < kLaneExperts; ++i) {
    const bool chosen = (mine >> i & 1) != 0;
    const unsigned lanes = __ballot_sync(kAllLanes, chosen);
    if (chosen) {
      const int own = slot + __popc(lanes & ((1u << lane) - 1));
      slots[own] = 32 * i + lane;
      room.chosen_scores[own] = scores[i];
    }
    slot += __popc(lanes);
  }
  __syncwarp();
  if (weights == nullptr || lane >= a.num_experts_per_tok) return;
  float weight = room.chosen_scores[lane];
  if (a.norm_topk_prob) {
    float total = 0;
    for (int k = 0; k < a.num_experts_per_tok; ++k) total += room.chosen_scores[k];
    weight /= total + 1e-20f;
  }
  weights[lane] = weight * a.routed_scaling_factor;
}

}  // namespace

}  // namespace assay::kernels

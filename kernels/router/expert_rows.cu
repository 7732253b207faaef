// A block an expert. Every block counts all experts' pairs by itself, so that none waits for another, and then lays
// down its own expert's in order: each warp walks a stretch of the pairs, twice. Contract in expert_rows.cuh.

#include "kernels/router/expert_rows.cuh"

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kThreads = 512, kWarps = kThreads / 32;
constexpr int kMaxExperts = 1024;
constexpr int kBatch = 8;  // pairs that a thread loads at once
constexpr unsigned kAllLanes = 0xFFFFFFFFu;

/// The experts of pairs `first`, `first` + 32, …, all asked for at once; -1 from `end` on.
__device__ void load_batch(const std::int32_t* slots, int first, int end, int (&experts)[kBatch]) {
#pragma unroll
  for (int batch = 0; batch < kBatch; ++batch) {
    const int pair = first + 32 * batch;
    experts[batch] = pair < end ? slots[pair] : -1;
  }
}

__global__ void __launch_bounds__(kThreads) expert_rows_kernel(ExpertRowsArgs a) {
  __shared__ int counts[kMaxExperts];
  __shared__ int warp_counts[kWarps];
  __shared__ int first_place, first_tile, n_tiles, n_own_pairs;
  hopper::let_next_grid_start();
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int first_own = a.first_expert, end_own = first_own + static_cast<int>(gridDim.x);
  const int own = first_own + static_cast<int>(blockIdx.x), n_pairs = a.tokens * a.num_experts_per_tok;
  for (int e = static_cast<int>(threadIdx.x); e < a.n_experts; e += kThreads) counts[e] = 0;
  __syncthreads();
  hopper::wait_for_previous_grid();

  // Count.
  const int stretch = (n_pairs + kThreads - 1) / kThreads * 32;
  const int begin = min(warp * stretch, n_pairs), end = min(begin + stretch, n_pairs);
  int n_own = 0;
  for (int i = begin; i < end; i += kBatch * 32) {
    int experts[kBatch];
    load_batch(a.slots, i + lane, end, experts);
#pragma unroll
    for (const int expert : experts) {
      if (expert >= 0) atomicAdd(&counts[expert], 1);
      n_own += __popc(__ballot_sync(kAllLanes, expert == own));
    }
  }
  if (lane == 0) warp_counts[warp] = n_own;
  __syncthreads();

  // Sum over the experts before.
  if (warp == 0) {
    int pairs_before = 0, tiles_before = 0, tiles = 0, pairs = 0;
    for (int e = first_own + lane; e < end_own; e += 32) {
      const int expert_tiles = (counts[e] + a.tile_rows - 1) / a.tile_rows;
      tiles += expert_tiles;
      pairs += counts[e];
      if (e >= own) continue;
      pairs_before += counts[e];
      tiles_before += expert_tiles;
    }
    pairs_before = __reduce_add_sync(kAllLanes, pairs_before);
    tiles_before = __reduce_add_sync(kAllLanes, tiles_before);
    tiles = __reduce_add_sync(kAllLanes, tiles);
    pairs = __reduce_add_sync(kAllLanes, pairs);
    if (lane == 0) {
      first_place = pairs_before;
      first_tile = tiles_before;
      n_tiles = tiles;
      n_own_pairs = pairs;
    }
  }
  __syncthreads();

  // Lay down.
  int place = first_place;
  for (int i = 0; i < warp; ++i) place += warp_counts[i];
  for (int i = begin; i < end && n_own > 0; i += kBatch * 32) {
    int experts[kBatch];
    load_batch(a.slots, i + lane, end, experts);
#pragma unroll
    for (int batch = 0; batch < kBatch; ++batch) {
      const unsigned lanes = __ballot_sync(kAllLanes, experts[batch] == own);
      if (experts[batch] == own) {
        const int pair = i + 32 * batch + lane, at = place + __popc(lanes & ((1u << lane) - 1));
        a.rows.places[pair] = at;
        a.rows.tokens[at] = pair / a.num_experts_per_tok;
      }
      place += __popc(lanes);
    }
  }
  const int count = counts[own];
  for (int i = static_cast<int>(threadIdx.x); i * a.tile_rows < count; i += kThreads) {
    a.rows.tiles[first_tile + i] = {own - first_own, first_place + i * a.tile_rows,
                                    min(a.tile_rows, count - i * a.tile_rows), 0};
  }
  if (own == first_own && n_own_pairs < n_pairs) {  // what other ranks' experts have
    for (int pair = static_cast<int>(threadIdx.x); pair < n_pairs; pair += kThreads) {
      const int expert = a.slots[pair];
      if (expert < first_own || expert >= end_own) a.rows.places[pair] = -1;
      if (pair >= n_own_pairs) a.rows.tokens[pair] = 0;
    }
  }
  if (threadIdx.x != 0) return;
  a.rows.first_place[own - first_own] = first_place;
  if (own != end_own - 1) return;
  a.rows.first_place[end_own - first_own] = n_own_pairs;
  *a.rows.n_tiles = n_tiles;
}

__global__ void gather_rows_kernel(GatherRowsArgs a) {
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  const auto width = static_cast<std::size_t>(a.width) / 8;  // in units of 16 bytes
  const auto* from = reinterpret_cast<const uint4*>(a.x) + static_cast<std::size_t>(a.rows[blockIdx.x]) * width;
  auto* to = reinterpret_cast<uint4*>(a.y) + blockIdx.x * width;
  for (std::size_t i = threadIdx.x; i < width; i += blockDim.x) to[i] = from[i];
}

}  // namespace

int max_expert_tiles(int tokens, int num_experts_per_tok, int n_experts, int tile_rows) {
  const int n_pairs = tokens * num_experts_per_tok;
  return n_pairs / tile_rows + std::min(n_experts, n_pairs);
}

Result<> expert_rows(const ExpertRowsArgs& args, cudaStream_t stream) {
  if (args.n_experts < 1 || args.n_experts > kMaxExperts) {
    return bad_input("expert_rows: ", args.n_experts, " experts, must be 1 to ", kMaxExperts);
  }
  if (args.tokens < 0 || args.num_experts_per_tok < 1 || args.tile_rows < 1) {
    return bad_input("expert_rows: ", args.tokens, " tokens of ", args.num_experts_per_tok, " experts in tiles of ",
                     args.tile_rows);
  }
  const int n_own = args.n_own_experts == 0 ? args.n_experts : args.n_own_experts;
  if (args.first_expert < 0 || n_own < 0 || args.first_expert + n_own > args.n_experts) {
    return bad_input("expert_rows: ", n_own, " experts from ", args.first_expert, " on, there are ", args.n_experts);
  }
  return launch("expert_rows", expert_rows_kernel, {dim3(static_cast<unsigned>(n_own)), kThreads}, stream, args);
}

Result<> gather_rows(const GatherRowsArgs& args, cudaStream_t stream) {
  if (args.n_rows < 0 || args.width < 8 || args.width % 8 != 0) {
    return bad_input("gather_rows: ", args.n_rows, " rows of ", args.width, ", must be multiples of 8");
  }
  if (args.n_rows == 0) return {};
  const int n_threads = std::clamp((args.width / 8 + 31) / 32 * 32, 32, 256);
  return launch("gather_rows", gather_rows_kernel, {dim3(static_cast<unsigned>(args.n_rows)), n_threads}, stream, args);
}

}  // namespace assay::kernels

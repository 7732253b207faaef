#pragma once
// How a block sorts the pairs of its expert: it counts all experts' pairs by itself, so that no block waits for
// another, and then lays down its own expert's in order: each warp walks a stretch of the pairs, twice. Included by the
// kernels that sort only; the contract is that of expert_rows.cuh.

#include <cuda_runtime.h>

#include "kernels/router/expert_rows.cuh"

namespace assay::kernels {

namespace {

constexpr int kSortThreads = 512, kSortWarps = kSortThreads / 32;
constexpr int kMaxExperts = 1024;
constexpr int kBatch = 8;  // pairs that a thread loads at once
constexpr unsigned kSortLanes = 0xFFFFFFFFu;

/// The experts of pairs `first`, `first` + 32, …, all asked for at once; -1 from `end` on.
__device__ void load_batch(const std::int32_t* slots, int first, int end, int (&experts)[kBatch]) {
#pragma unroll
  for (int batch = 0; batch < kBatch; ++batch) {
    const int pair = first + 32 * batch;
    experts[batch] = pair < end ? slots[pair] : -1;
  }
}

/// Of a block, in shared memory.
struct SortRoom {
  int counts[kMaxExperts];
  int warp_counts[kSortWarps];
  int first_place, first_tile, n_tiles, n_own_pairs;
};

/// A block an expert, the own ones in order. All of its threads call this.
__device__ void sort_pairs(const ExpertRowsArgs& a, SortRoom& room) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int first_own = a.first_expert, end_own = first_own + static_cast<int>(gridDim.x);
  const int own = first_own + static_cast<int>(blockIdx.x), n_pairs = a.tokens * a.num_experts_per_tok;
  for (int e = static_cast<int>(threadIdx.x); e < a.n_experts; e += kSortThreads) room.counts[e] = 0;
  __syncthreads();

  // Count.
  const int stretch = (n_pairs + kSortThreads - 1) / kSortThreads * 32;
  const int begin = min(warp * stretch, n_pairs), end = min(begin + stretch, n_pairs);
  int n_own = 0;
  for (int i = begin; i < end; i += kBatch * 32) {
    int experts[kBatch];
    load_batch(a.slots, i + lane, end, experts);
#pragma unroll
    for (const int expert : experts) {
      if (expert >= 0) atomicAdd(&room.counts[expert], 1);
      n_own += __popc(__ballot_sync(kSortLanes, expert == own));
    }
  }
  if (lane == 0) room.warp_counts[warp] = n_own;
  __syncthreads();

  // Sum over the experts before.
  if (warp == 0) {
    int pairs_before = 0, tiles_before = 0, tiles = 0, pairs = 0;
    for (int e = first_own + lane; e < end_own; e += 32) {
      const int expert_tiles = (room.counts[e] + a.tile_rows - 1) / a.tile_rows;
      tiles += expert_tiles;
      pairs += room.counts[e];
      if (e >= own) continue;
      pairs_before += room.counts[e];
      tiles_before += expert_tiles;
    }
    pairs_before = __reduce_add_sync(kSortLanes, pairs_before);
    tiles_before = __reduce_add_sync(kSortLanes, tiles_before);
    tiles = __reduce_add_sync(kSortLanes, tiles);
    pairs = __reduce_add_sync(kSortLanes, pairs);
    if (lane == 0) {
      room.first_place = pairs_before;
      room.first_tile = tiles_before;
      room.n_tiles = tiles;
      room.n_own_pairs = pairs;
    }
  }
  __syncthreads();

  // Lay down.
  int place = room.first_place;
  for (int i = 0; i < warp; ++i) place += room.warp_counts[i];
  for (int i = begin; i < end && n_own > 0; i += kBatch * 32) {
    int experts[kBatch];
    load_batch(a.slots, i + lane, end, experts);
#pragma unroll
    for (int batch = 0; batch < kBatch; ++batch) {
      const unsigned lanes = __ballot_sync(kSortLanes, experts[batch] == own);
      if (experts[batch] == own) {
        const int pair = i + 32 * batch + lane, at = place + __popc(lanes & ((1u << lane) - 1));
        a.rows.places[pair] = at;
        a.rows.tokens[at] = pair / a.num_experts_per_tok;
      }
      place += __popc(lanes);
    }
  }
  const int count = room.counts[own];
  for (int i = static_cast<int>(threadIdx.x); i * a.tile_rows < count; i += kSortThreads) {
    a.rows.tiles[room.first_tile + i] = {own - first_own, room.first_place + i * a.tile_rows,
                                         min(a.tile_rows, count - i * a.tile_rows), 0};
  }
  if (own == first_own && room.n_own_pairs < n_pairs) {  // what other ranks' experts have
    for (int pair = static_cast<int>(threadIdx.x); pair < n_pairs; pair += kSortThreads) {
      const int expert = a.slots[pair];
      if (expert < first_own || expert >= end_own) a.rows.places[pair] = -1;
      if (pair >= room.n_own_pairs) a.rows.tokens[pair] = 0;
    }
  }
  if (threadIdx.x != 0) return;
  a.rows.first_place[own - first_own] = room.first_place;
  if (own != end_own - 1) return;
  a.rows.first_place[end_own - first_own] = room.n_own_pairs;
  *a.rows.n_tiles = room.n_tiles;
}

}  // namespace

}  // namespace assay::kernels

// Latent decode attention for many heads, where the tensor cores count, too. Contract in mla_decode_attention.cuh.
//
// 64 heads are the rows of every product. A block is two warpgroups that compute and one that asks the copy engine for
// queries and pages. The first group has the scores and the output's first 256 latents, the second one the other 256
// and takes the weights from shared memory. A page comes in two halves, each given back as soon as it has been read:
// latents 0 … 255, and the rest with the rotated part. Blocks stay and walk over (item, 64 heads).

#include <cuda_runtime.h>

#include <algorithm>
#include <array>

#include "kernels/attention/decode_parts.cuh"
#include "kernels/attention/mla_decode_kernels.cuh"
#include "kernels/attention/mma.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/once_per_device.cuh"
#include "kernels/device/wgmma.cuh"

namespace assay::kernels {

namespace {

using namespace hopper;

constexpr int kGroups = 2;
constexpr int kThreads = (kGroups + 1) * kGroupThreads;
constexpr int kHeadTile = 64;
constexpr int kPageTokens = kCachePageTokens;
constexpr int kRowParts = kMlaRow / kSwizzleElements;  // columns of 64
constexpr int kHalves = 2;
constexpr int kHalfLatents = kMlaLatent / kHalves;
constexpr int kFirstParts = kHalfLatents / kSwizzleElements, kSecondParts = kRowParts - kFirstParts;
constexpr int kPartBytes = 8 * kSwizzleRowBytes;  // eight keys of a part
constexpr int kFirstBytes = kPageTokens / 8 * kFirstParts * kPartBytes;
constexpr int kSecondBytes = kPageTokens / 8 * kSecondParts * kPartBytes;
constexpr int kPageBytes = kFirstBytes + kSecondBytes;
constexpr int kStages = 2;
constexpr int kQPartBytes = kHeadTile * kSwizzleRowBytes;
constexpr int kQBytes = kRowParts * kQPartBytes;
constexpr int kWeightBytes = kHeadTile * kSwizzleRowBytes;

using ScoreProduct = Wgmma<kPageTokens>;
using OutputProduct = Wgmma<kHalfLatents>;
using Scores = float[ScoreProduct::kRegisters];
using Outputs = float[OutputProduct::kRegisters];
using Weights = std::uint32_t[ScoreProduct::kRegisters / 2];

struct Shared {
  std::uint64_t full[kStages][kHalves], empty[kStages][kHalves];
  std::uint64_t q_full, q_empty;
  std::uint64_t weights_full, weights_empty;
  float before[kHeadTile];  // what the second group multiplies its outputs with
  float sum[kHeadTile];     // an item's sums of weights, with its last page
};

constexpr int kHeadBytes = (static_cast<int>(sizeof(Shared)) + 1023) / 1024 * 1024;
constexpr int kSharedBytes = kHeadBytes + kQBytes + kWeightBytes + kStages * kPageBytes;
static_assert(kSharedBytes <= 227 * 1024);

struct Tiles {
  char* q;
  char* weights;
  char* pages;
};

struct KernelArgs {
  MlaDecodeAttentionArgs a;
  float* part_outputs;  // [item][heads][512]
  ItemPart* parts;      // [item][heads]
  int n_head_tiles;
};

struct Maps {
  CUtensorMap q, first_half, second_half;
};

/// An item for 64 heads.
struct Work {
  MlaDecodeItem item;
  int index, head;
  bool is_whole;  // the only item of its row
  __device__ int n_pages() const { return (item.n_keys + kPageTokens - 1) / kPageTokens; }
};

/// Calls visit(work) for everything that is this block's.
template <class Visit>
__device__ void for_each_work(const KernelArgs& k, Visit visit) {
  const int n_work = k.a.first_item[k.a.rows] * k.n_head_tiles, n_grid = static_cast<int>(gridDim.x);
  for (int number = static_cast<int>(blockIdx.x); number < n_work; number += n_grid) {
    const int index = number / k.n_head_tiles;
    const int4 item = *reinterpret_cast<const int4*>(k.a.items + index);
    visit(Work{{item.x, item.y, item.z, item.w},
               index,
               number % k.n_head_tiles * kHeadTile,
               is_only_item(k.a.first_item, item.x)});
  }
}

/// A page's place in the ring.
struct Place {
  int slot;
  std::uint32_t parity;
};
__device__ inline Place place_of(int n_pages) {
  return {n_pages % kStages, static_cast<std::uint32_t>(n_pages / kStages % 2)};
}

/// The copying side, one thread.
__device__ void load_pages(const KernelArgs& k, Shared& shared, const Tiles& tiles, const Maps& maps) {
  int n_items = 0, n_pages = 0;
  for_each_work(k, [&](const Work& work) {
    const auto load_page = [&](std::int32_t page) {
      const Place at = place_of(n_pages);
      char* to = tiles.pages + at.slot * kPageBytes;
      if (n_pages >= kStages) barrier_wait(&shared.empty[at.slot][0], at.parity ^ 1);
      barrier_arrive_expect(&shared.full[at.slot][0], kFirstBytes);
      load_box(to, &maps.first_half, &shared.full[at.slot][0], 0, 0, 0, page * 8);
      if (n_pages >= kStages) barrier_wait(&shared.empty[at.slot][1], at.parity ^ 1);
      barrier_arrive_expect(&shared.full[at.slot][1], kSecondBytes);
      load_box(to + kFirstBytes, &maps.second_half, &shared.full[at.slot][1], 0, 0, kFirstParts, page * 8);
      ++n_pages;
    };
    const std::int32_t* pages = k.a.pages + work.item.first_page;
    const int item_pages = work.n_pages();
    const std::int32_t first = pages[0];
    std::int32_t next = item_pages > 1 ? pages[1] : 0;
    if (n_items == 0) wait_for_previous_grid();  // the plan was there before
    load_page(first);                            // before the queries, whose place is free later
    if (n_items > 0) barrier_wait(&shared.q_empty, n_items % 2 ^ 1);
    barrier_arrive_expect(&shared.q_full, kQBytes);
    for (int part = 0; part < kRowParts; ++part) {
      load_box(tiles.q + part * kQPartBytes, &maps.q, &shared.q_full, part * kSwizzleElements, work.head,
               work.item.row);
    }
    ++n_items;
    for (int i = 1; i < item_pages; ++i) {
      const std::int32_t page = next;
      next = i + 1 < item_pages ? pages[i + 1] : 0;
      load_page(page);
    }
  });
}

/// Asks for the scores of a page that is there, or on its way.
__device__ inline void ask_scores(Shared& shared, Scores& scores, const char* q, const char* page, const Place& at) {
  for (int half = 0; half < kHalves; ++half) barrier_wait(&shared.full[at.slot][half], at.parity);
  products_begin();
#pragma unroll
  for (int half = 0; half < kHalves; ++half) {
    const int n_parts = half == 0 ? kFirstParts : kSecondParts;
#pragma unroll
    for (int i = 0; i < n_parts * 4; ++i) {
      const int part = i / 4, unit = 2 * (i % 4), q_part = half * kFirstParts + part;
      const char* keys = page + half * kFirstBytes + part * kPartBytes;
      ScoreProduct::run(scores, tile_descriptor(q + q_part * kQPartBytes) + unit,
                        tile_descriptor(keys, n_parts * kPartBytes) + unit, half + i > 0);
    }
  }
}

/// Clears the latents of keys from n_valid on: a weight of zero does not silence NaN. The first group.
__device__ inline void clear_rows(char* page, int n_valid) {
  constexpr int kUnits = kMlaLatent * 2 / 16, kPartUnits = kSwizzleRowBytes / 16;
  for (int i = static_cast<int>(threadIdx.x); i < (kPageTokens - n_valid) * kUnits; i += kGroupThreads) {
    const int key = n_valid + i / kUnits, unit = i % kUnits, part = unit / kPartUnits;
    const bool is_first = part < kFirstParts;
    char* half = page + (is_first ? 0 : kFirstBytes);
    const int eight = key / 8 * (is_first ? kFirstParts : kSecondParts) * kPartBytes;
    const int in_half = (is_first ? part : part - kFirstParts) * kPartBytes;
    *reinterpret_cast<uint4*>(half + eight + in_half + key % 8 * kSwizzleRowBytes + unit % kPartUnits * 16) =
        make_uint4(0, 0, 0, 0);
  }
}

/// Of a thread's two heads, lane/4 and lane/4 + 8 of its warp's.
struct Running {
  float reference[2] = {-INFINITY, -INFINITY};  // weights are relative to it
  float sum[2] = {0, 0};                        // this thread's share
};

/// Scores to weights, the first n_valid of them; `before` is what earlier pages' sums are multiplied with. A head's
/// reference follows its largest score only when that is more than kSlack above it: most often there is nothing to
/// multiply.
__device__ inline void take_scores(Scores& scores, int n_valid, float scale_log2, Running& r, float (&before)[2]) {
  constexpr float kSlack = 8;  // weights up to 2^8
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  if (n_valid < kPageTokens) {
#pragma unroll
    for (int i = 0; i < ScoreProduct::kRegisters; ++i) {
      if (i / 4 * 8 + 2 * (lane % 4) + i % 2 >= n_valid) scores[i] = -INFINITY;
    }
  }
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    float largest = -INFINITY;
#pragma unroll
    for (int i = 2 * h; i < ScoreProduct::kRegisters; i += 4) {
      largest = fmaxf(largest, fmaxf(scores[i], scores[i + 1]));
    }
    largest = fmaxf(largest, __shfl_xor_sync(0xFFFFFFFFu, largest, 1));
    largest = fmaxf(largest, __shfl_xor_sync(0xFFFFFFFFu, largest, 2)) * scale_log2;
    const float reference = largest > r.reference[h] + kSlack ? largest : r.reference[h];
    before[h] = exp2_approximately(r.reference[h] - reference);  // 0 on the first page; 1 where nothing changes
    r.reference[h] = reference;
#pragma unroll
    for (int i = 2 * h; i < ScoreProduct::kRegisters; i += 4) {
      scores[i] = exp2_approximately(fmaf(scores[i], scale_log2, -reference));
      scores[i + 1] = exp2_approximately(fmaf(scores[i + 1], scale_log2, -reference));
    }
  }
}

/// Adds weights to the sums.
__device__ inline void add_weights(const Scores& weights, const float (&before)[2], Running& r) {
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    float sum = 0;
#pragma unroll
    for (int i = 2 * h; i < ScoreProduct::kRegisters; i += 4) sum += weights[i] + weights[i + 1];
    r.sum[h] = fmaf(r.sum[h], before[h], sum);
  }
}

/// Brings outputs to a new reference. Where no head of the warp has one, multiplying would change nothing.
__device__ inline void rescale(Outputs& outputs, const float (&before)[2]) {
  if (__any_sync(0xFFFFFFFFu, before[0] != 1.0f || before[1] != 1.0f)) {
#pragma unroll
    for (int i = 0; i < OutputProduct::kRegisters; ++i) outputs[i] *= before[i / 2 % 2];
  }
  pin_sums(outputs);
}

/// Stores a half of an item's outputs, from latent `first` on: its part, or all that the row comes to.
__device__ inline void store_outputs(const KernelArgs& k, const Work& work, int first, const Outputs& outputs,
                                     const float (&sum)[2]) {
  const int thread = static_cast<int>(threadIdx.x) % kGroupThreads, lane = thread % kWarpThreads;
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const int head = work.head + thread / kWarpThreads * 16 + lane / 4 + 8 * h;
    const bool is_there = head < k.a.heads;
    if (work.is_whole) {
      __nv_bfloat16* to = k.a.out + (static_cast<std::size_t>(work.item.row) * k.a.heads + head) * kMlaLatent + first;
      store_chunks<kHalfLatents / 8>(to, is_there ? kHalfLatents / 8 : 0, [&](int j) {
        return pack_bf16(outputs[4 * j + 2 * h] / sum[h], outputs[4 * j + 2 * h + 1] / sum[h]);
      });
    } else if (is_there) {
      const std::size_t row = static_cast<std::size_t>(work.index) * k.a.heads + head;
      float* to = k.part_outputs + row * kMlaLatent + first + 2 * (lane % 4);
#pragma unroll
      for (int j = 0; j < kHalfLatents / 8; ++j) {
        *reinterpret_cast<float2*>(to + 8 * j) = make_float2(outputs[4 * j + 2 * h], outputs[4 * j + 2 * h + 1]);
      }
    }
  }
}

/// Stores an item's references and sums.
__device__ inline void store_part(const KernelArgs& k, const Work& work, const Running& r) {
  const int thread = static_cast<int>(threadIdx.x) % kGroupThreads, lane = thread % kWarpThreads;
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const int head = work.head + thread / kWarpThreads * 16 + lane / 4 + 8 * h;
    if (lane % 4 != 0 || head >= k.a.heads) continue;
    k.parts[static_cast<std::size_t>(work.index) * k.a.heads + head] = {
        {r.reference[h], r.sum[h]}, work.item.starts_span, 0};
  }
}

/// The first group: scores, weights, and the first half of the outputs.
__device__ void attend_first_half(const KernelArgs& k, Shared& shared, const Tiles& tiles) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads, warp = static_cast<int>(threadIdx.x) / kWarpThreads;
  const float scale_log2 = k.a.scale * kLog2E;
  const int head = warp * 16 + lane / 4;  // and the one 8 on
  const auto release = [&](std::uint64_t* barrier) {
    if (lane == 0) barrier_arrive(barrier);
  };
  int n_items = 0, n_pages = 0;
  wait_for_previous_grid();
  for_each_work(k, [&](const Work& work) {
    const int item_pages = work.n_pages();
    Running running;
    Scores scores;
    Outputs outputs = {};
    Weights weights;
    barrier_wait(&shared.q_full, n_items++ % 2);
    for (int i = 0; i < item_pages; ++i, ++n_pages) {
      const Place at = place_of(n_pages);
      char* page = tiles.pages + at.slot * kPageBytes;
      const int n_valid = min(kPageTokens, work.item.n_keys - i * kPageTokens);
      ask_scores(shared, scores, tiles.q, page, at);
      products_commit();
      products_wait<0>();
      float before[2];
      take_scores(scores, n_valid, scale_log2, running, before);
#pragma unroll
      for (int j = 0; j < ScoreProduct::kRegisters / 2; ++j) weights[j] = pack_bf16(scores[2 * j], scores[2 * j + 1]);
      if (n_valid < kPageTokens) {
        named_barrier(1, kGroupThreads);  // all have the scores
        clear_rows(page, n_valid);
        fence_for_async();
        named_barrier(1, kGroupThreads);
      }
      rescale(outputs, before);
      products_begin();
#pragma unroll
      for (int step = 0; step < kPageTokens / 16; ++step) {
        const char* values = page + 2 * step * kFirstParts * kPartBytes;
        OutputProduct::run_from_registers(
            outputs, weights[4 * step], weights[4 * step + 1], weights[4 * step + 2], weights[4 * step + 3],
            transposed_tile_descriptor(values, kPartBytes, kFirstParts * kPartBytes), true);
      }
      products_commit();
      // While these are under way: what the second group needs.
      add_weights(scores, before, running);
      if (n_pages > 0) barrier_wait(&shared.weights_empty, n_pages % 2 ^ 1);
#pragma unroll
      for (int j = 0; j < ScoreProduct::kRegisters / 2; ++j) {
        const std::uint32_t offset =
            swizzled_offset(head + j % 2 * 8, j / 2) + static_cast<std::uint32_t>(lane % 4 * 4);
        *reinterpret_cast<std::uint32_t*>(tiles.weights + offset) = weights[j];
      }
      if (i + 1 == item_pages) {
        release(&shared.q_empty);
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          running.sum[h] += __shfl_xor_sync(0xFFFFFFFFu, running.sum[h], 1);
          running.sum[h] += __shfl_xor_sync(0xFFFFFFFFu, running.sum[h], 2);
        }
      }
      if (lane % 4 == 0) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          shared.before[head + 8 * h] = before[h];
          shared.sum[head + 8 * h] = running.sum[h];
        }
      }
      fence_for_async();
      barrier_arrive(&shared.weights_full);  // every thread for what it wrote
      products_wait<0>();
      release(&shared.empty[at.slot][0]);
    }
    store_outputs(k, work, 0, outputs, running.sum);
    if (!work.is_whole) store_part(k, work, running);
  });
}

/// The second group: the second half of the outputs.
__device__ void attend_second_half(const KernelArgs& k, Shared& shared, const Tiles& tiles) {
  const int thread = static_cast<int>(threadIdx.x) % kGroupThreads, lane = thread % kWarpThreads;
  const int head = thread / kWarpThreads * 16 + lane / 4;
  int n_pages = 0;
  wait_for_previous_grid();
  for_each_work(k, [&](const Work& work) {
    const int item_pages = work.n_pages();
    Outputs outputs = {};
    float sum[2];  // in the end the item's
    for (int i = 0; i < item_pages; ++i, ++n_pages) {
      const Place at = place_of(n_pages);
      const char* half = tiles.pages + at.slot * kPageBytes + kFirstBytes;
      barrier_wait(&shared.full[at.slot][1], at.parity);
      barrier_wait(&shared.weights_full, n_pages % 2);
      const float before[2] = {shared.before[head], shared.before[head + 8]};
      sum[0] = shared.sum[head];
      sum[1] = shared.sum[head + 8];
      rescale(outputs, before);
      products_begin();
#pragma unroll
      for (int step = 0; step < kPageTokens / 16; ++step) {
        const char* values = half + 2 * step * kSecondParts * kPartBytes;
        OutputProduct::run_right_across(outputs, tile_descriptor(tiles.weights) + 2 * step,
                                        transposed_tile_descriptor(values, kPartBytes, kSecondParts * kPartBytes),
                                        true);
      }
      products_commit();
      products_wait<0>();
      barrier_arrive(&shared.weights_empty);  // every thread for what it read
      if (lane == 0) barrier_arrive(&shared.empty[at.slot][1]);
    }
    store_outputs(k, work, kHalfLatents, outputs, sum);
  });
}

__global__ void __launch_bounds__(kThreads, 1)
    many_heads_kernel(const __grid_constant__ Maps maps, const __grid_constant__ KernelArgs k) {
  extern __shared__ __align__(1024) char memory[];
  Shared& shared = *reinterpret_cast<Shared*>(memory);
  const Tiles tiles{memory + kHeadBytes, memory + kHeadBytes + kQBytes, memory + kHeadBytes + kQBytes + kWeightBytes};
  let_next_grid_start();
  if (threadIdx.x == 0) {
    prefetch_tensor_map(&maps.q);
    prefetch_tensor_map(&maps.first_half);
    prefetch_tensor_map(&maps.second_half);
    for (int i = 0; i < kStages; ++i) {
      for (int half = 0; half < kHalves; ++half) {
        barrier_init(&shared.full[i][half], 1);
        barrier_init(&shared.empty[i][half], 4);
      }
    }
    barrier_init(&shared.q_full, 1);
    barrier_init(&shared.q_empty, 4);
    barrier_init(&shared.weights_full, kGroupThreads);
    barrier_init(&shared.weights_empty, kGroupThreads);
    barrier_init_fence();
  }
  __syncthreads();
  const int group = static_cast<int>(threadIdx.x) / kGroupThreads;
  if (group == kGroups) {
    give_registers<40>();
    if (threadIdx.x == kGroups * kGroupThreads) load_pages(k, shared, tiles, maps);
  } else if (group == 0) {
    take_registers<232>();
    attend_first_half(k, shared, tiles);
  } else {
    take_registers<232>();
    attend_second_half(k, shared, tiles);
  }
}

}  // namespace

Result<> launch_mla_decode_many(const MlaDecodeLaunch& launched) {
  const MlaDecodeAttentionArgs& args = *launched.args;
  const auto heads = static_cast<std::uint64_t>(args.heads);
  const std::array<TensorMapDim, 3> q_dims{TensorMapDim{kMlaRow, 0, kSwizzleElements},
                                           TensorMapDim{heads, kMlaRow * 2, kHeadTile},
                                           TensorMapDim{static_cast<std::uint64_t>(args.rows), heads * kMlaRow * 2, 1}};
  Maps maps;
  ASSAY_ASSIGN(maps.q, encode_tensor_map(args.q, q_dims));
  ASSAY_ASSIGN(maps.first_half, mla_page_map(args.cache, kFirstParts));
  ASSAY_ASSIGN(maps.second_half, mla_page_map(args.cache, kSecondParts));
  static OncePerDevice<> allowed;
  ASSAY_TRY(allowed([] { return allow_shared_memory(many_heads_kernel, kSharedBytes); }));
  KernelArgs k{args, args.scratch, nullptr, (args.heads + kHeadTile - 1) / kHeadTile};
  k.parts =
      reinterpret_cast<ItemPart*>(args.scratch + static_cast<std::size_t>(args.max_items) * args.heads * kMlaLatent);
  const int n_blocks = std::min(launched.n_multiprocessors, args.max_items * k.n_head_tiles);
  return launch("mla_decode_attention", many_heads_kernel,
                {dim3(static_cast<unsigned>(n_blocks)), kThreads, kSharedBytes}, launched.stream, maps, k);
}

}  // namespace assay::kernels

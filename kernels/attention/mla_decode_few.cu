// Latent decode attention for few heads, where reading the cache is all that counts. Contract in
// mla_decode_attention.cuh.
//
// Sixteen heads are the columns of every product and the cache rows its 64-row operand: scores = rows · qᵀ for a page's
// 64 keys, and output = rowsᵀ · weightsᵀ for 64 latents at a time. A block is two warpgroups that compute, one a
// chunk's even pages and one the odd ones without waiting for each other, and a third whose first thread asks the copy
// engine for pages. Blocks stay and walk over (item, 16 heads). The even group takes the odd one's part at the end of a
// chunk and keeps the span.

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
constexpr int kHeadTile = 16;
constexpr int kPageTokens = kCachePageTokens;
constexpr int kRowParts = kMlaRow / kSwizzleElements;        // columns of 64, which lie apart in shared memory
constexpr int kLatentParts = kMlaLatent / kSwizzleElements;  // those that are values, too
constexpr int kPartBytes = 8 * kSwizzleRowBytes;             // eight keys of a part
constexpr int kEightBytes = kRowParts * kPartBytes;          // eight keys
constexpr int kPageBytes = kPageTokens / 8 * kEightBytes;
constexpr int kQPartBytes = kHeadTile * kSwizzleRowBytes;
constexpr int kQBytes = kRowParts * kQPartBytes;
constexpr int kQSlots = 2;
constexpr int kWeightBytes = kHeadTile * kSwizzleRowBytes;
constexpr int kColumns = 4;                                 // heads of a thread: 2·(lane % 4), the next, both + 8
constexpr int kHandoverBytes = kHeadTile * kMlaLatent * 4;  // the odd group's outputs on their way to the even one
constexpr int kPageChunk = kDecodeChunkTokens / kPageTokens;

using Product = Wgmma<kHeadTile>;

struct Shared {
  std::uint64_t full[kGroups], empty[kGroups];  // of each group's page
  std::uint64_t q_full[kQSlots], q_empty[kQSlots];
  std::uint64_t handed_over, taken_over;
  float warp_max[kGroups][4][kHeadTile];
  float warp_sum[kGroups][4][kHeadTile];
  Part odd[kHeadTile];
};

constexpr int kHeadBytes = (static_cast<int>(sizeof(Shared)) + 1023) / 1024 * 1024;
constexpr int kSharedBytes =
    kHeadBytes + kQSlots * kQBytes + kGroups * kWeightBytes + kHandoverBytes + kGroups * kPageBytes;
static_assert(kSharedBytes <= 227 * 1024);

struct Tiles {
  char* q;
  char* weights;
  float4* handover;  // [16][128 threads]
  char* pages;
};

struct KernelArgs {
  MlaDecodeAttentionArgs a;
  float* part_outputs;  // [item][heads][512]
  ItemPart* parts;      // [item][heads]
  int n_head_tiles;
};

/// An item for 16 heads.
struct Work {
  MlaDecodeItem item;
  int index, head;
};
__device__ inline Work work_at(const KernelArgs& k, int number) {
  const int index = number / k.n_head_tiles;
  const int4 item = *reinterpret_cast<const int4*>(k.a.items + index);
  return {{item.x, item.y, item.z, item.w}, index, number % k.n_head_tiles * kHeadTile};
}

/// How much there is, and how many blocks share it so that all get nearly the same.
struct Share {
  int n_work, n_blocks;
};
__device__ inline Share share_of(const KernelArgs& k) {
  const int n_work = k.a.first_item[k.a.rows] * k.n_head_tiles, n_grid = static_cast<int>(gridDim.x);
  const int n_rounds = max(1, (n_work + n_grid - 1) / n_grid);
  return {n_work, (n_work + n_rounds - 1) / n_rounds};
}

/// Calls visit(work) for everything that is this block's.
template <class Visit>
__device__ void for_each_work(const KernelArgs& k, Visit visit) {
  const auto [n_work, step] = share_of(k);
  if (static_cast<int>(blockIdx.x) >= step) return;
  for (int number = static_cast<int>(blockIdx.x); number < n_work; number += step) visit(work_at(k, number));
}

/// The copying side, one thread. Each group has a place for one page of its own.
__device__ void load_pages(const KernelArgs& k, Shared& shared, const Tiles& tiles, const CUtensorMap& q_map,
                           const CUtensorMap& page_map) {
  int n_items = 0, n_pages[kGroups] = {};
  const auto load_page = [&](int group, std::int32_t page) {
    const int n = n_pages[group]++;
    if (n > 0) barrier_wait(&shared.empty[group], n % 2 ^ 1);
    barrier_arrive_expect(&shared.full[group], kPageBytes);
    load_box(tiles.pages + group * kPageBytes, &page_map, &shared.full[group], 0, 0, 0, page * 8);
  };
  for_each_work(k, [&](const Work& work) {
    const std::int32_t* pages = k.a.pages + work.item.first_page;
    const int item_pages = (work.item.n_keys + kPageTokens - 1) / kPageTokens;
    std::int32_t even = pages[0], odd = item_pages > 1 ? pages[1] : 0;
    int n_early = 0;
    if (n_items == 0) {
      // The plan was there before. So were all pages but those that this pass appends to: two have their place already,
      // and the others of a chunk come into the L2 cache.
      n_early = (work.item.n_keys - k.a.fresh_keys) / kPageTokens;
      if (n_early > 0) load_page(0, even);
      if (n_early > 1) load_page(1, odd);
      for (int i = 0; i < min(item_pages, kPageChunk); ++i) {
        if (i >= min(n_early, kGroups)) prefetch_box(&page_map, 0, 0, 0, pages[i] * 8);
      }
      wait_for_previous_grid();
    }
    const int q_slot = n_items % kQSlots;
    if (n_items >= kQSlots) barrier_wait(&shared.q_empty[q_slot], n_items / kQSlots % 2 ^ 1);
    barrier_arrive_expect(&shared.q_full[q_slot], kQBytes);
    for (int part = 0; part < kRowParts; ++part) {
      load_box(tiles.q + q_slot * kQBytes + part * kQPartBytes, &q_map, &shared.q_full[q_slot], part * kSwizzleElements,
               work.head, work.item.row);
    }
    ++n_items;
    for (int i = 0; i < item_pages; i += kGroups) {
      const std::int32_t next_even = i + 2 < item_pages ? pages[i + 2] : 0,
                         next_odd = i + 3 < item_pages ? pages[i + 3] : 0;
      if (i > 0 || n_early < 1) load_page(0, even);
      if (i + 1 < item_pages && (i > 0 || n_early < 2)) load_page(1, odd);
      even = next_even;
      odd = next_odd;
    }
  });
}

/// A thread's share of 512 latents by 16 heads: sums of latents 64·c + 16·warp + lane/4 and + 8, as wgmma has them.
using Outputs = float[kLatentParts][Product::kRegisters];

struct Running {
  Outputs output;
  float max[kColumns];
  float sum[kColumns];  // this thread's share
};

/// The head of column i of this thread.
__device__ inline int column_of(int i) { return 2 * (static_cast<int>(threadIdx.x) % 4) + i % 2 + i / 2 * 8; }
/// The column of register i of a product.
__device__ inline constexpr int column_of_register(int i) { return i / 4 * 2 + i % 2; }

/// Clears the latents of keys from n_valid on: a weight of zero does not silence NaN.
__device__ inline void clear_rows(char* page, int n_valid) {
  constexpr int kUnits = kLatentParts * kSwizzleRowBytes / 16;
  const int thread = static_cast<int>(threadIdx.x) % kGroupThreads;
  for (int i = thread; i < (kPageTokens - n_valid) * kUnits; i += kGroupThreads) {
    const int key = n_valid + i / kUnits, unit = i % kUnits;
    *reinterpret_cast<uint4*>(page + key / 8 * kEightBytes + unit / 8 * kPartBytes + key % 8 * kSwizzleRowBytes +
                              unit % 8 * 16) = make_uint4(0, 0, 0, 0);
  }
}

/// A warpgroup takes a page, of which the first n_valid keys count.
__device__ void attend_page(Shared& shared, char* page, const char* q, char* weights, int group, int n_valid,
                            float scale_log2, Running& r) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const int warp = static_cast<int>(threadIdx.x) % kGroupThreads / kWarpThreads;
  float score[Product::kRegisters];
  products_begin();
#pragma unroll
  for (int i = 0; i < kMlaRow / 16; ++i) {
    const int part = i / 4, unit = 2 * (i % 4);
    Product::run(score, tile_descriptor(page + part * kPartBytes, kEightBytes) + unit,
                 tile_descriptor(q + part * kQPartBytes) + unit, i > 0);
  }
  products_commit();
  products_wait<0>();
  float largest[kColumns] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
#pragma unroll
  for (int i = 0; i < Product::kRegisters; ++i) {
    const int key = 16 * warp + lane / 4 + i / 2 % 2 * 8;
    score[i] = key < n_valid ? score[i] * scale_log2 : -INFINITY;
    largest[column_of_register(i)] = fmaxf(largest[column_of_register(i)], score[i]);
  }
#pragma unroll
  for (int i = 0; i < kColumns; ++i) {
    for (int step = 4; step < kWarpThreads; step *= 2) {
      largest[i] = fmaxf(largest[i], __shfl_xor_sync(0xFFFFFFFFu, largest[i], step));
    }
    if (lane < 4) shared.warp_max[group][warp][column_of(i)] = largest[i];
  }
  named_barrier(1 + group, kGroupThreads);  // also: all have read the weights before these
  float before[kColumns];
#pragma unroll
  for (int i = 0; i < kColumns; ++i) {
    float max = r.max[i];
    for (int w = 0; w < 4; ++w) max = fmaxf(max, shared.warp_max[group][w][column_of(i)]);
    before[i] = exp2_approximately(r.max[i] - max);  // 0 on the first page
    r.max[i] = max;
    r.sum[i] *= before[i];
  }
#pragma unroll
  for (int i = 0; i < Product::kRegisters; ++i) {
    const int column = column_of_register(i);
    score[i] = exp2_approximately(score[i] - r.max[column]);
    r.sum[column] += score[i];
  }
  // The weights become the product's right operand: a row of 64 keys for each head.
#pragma unroll
  for (int i = 0; i < Product::kRegisters; i += 2) {
    const std::uint32_t pair = transpose_8x8(pack_bf16(score[i], score[i + 1]));
    const int head = i / 4 * 8 + lane / 4, unit = 2 * warp + i / 2 % 2;
    *reinterpret_cast<std::uint32_t*>(weights + swizzled_offset(head, unit) + lane % 4 * 4) = pair;
  }
  if (n_valid < kPageTokens) clear_rows(page, n_valid);
#pragma unroll
  for (int part = 0; part < kLatentParts; ++part) {
#pragma unroll
    for (int i = 0; i < Product::kRegisters; ++i) r.output[part][i] *= before[column_of_register(i)];
    pin_sums(r.output[part]);
  }
  fence_for_async();
  named_barrier(1 + group, kGroupThreads);
  products_begin();
#pragma unroll
  for (int step = 0; step < kPageTokens / 16; ++step) {
#pragma unroll
    for (int part = 0; part < kLatentParts; ++part) {
      const char* rows = page + part * kPartBytes + 2 * step * kEightBytes;
      Product::run_left_across(r.output[part], transposed_tile_descriptor(rows, kPartBytes, kEightBytes),
                               tile_descriptor(weights) + 2 * step, true);
    }
  }
  products_commit();
  products_wait<0>();
}

/// A thread's sums of the group's rows become the sums over all keys, the same tree always.
__device__ inline void add_up_sums(Shared& shared, int group, Running& r) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const int warp = static_cast<int>(threadIdx.x) % kGroupThreads / kWarpThreads;
#pragma unroll
  for (int i = 0; i < kColumns; ++i) {
    for (int step = 4; step < kWarpThreads; step *= 2) r.sum[i] += __shfl_xor_sync(0xFFFFFFFFu, r.sum[i], step);
    if (lane < 4) shared.warp_sum[group][warp][column_of(i)] = r.sum[i];
  }
  named_barrier(1 + group, kGroupThreads);
#pragma unroll
  for (int i = 0; i < kColumns; ++i) {
    r.sum[i] = shared.warp_sum[group][0][column_of(i)];
    for (int w = 1; w < 4; ++w) r.sum[i] += shared.warp_sum[group][w][column_of(i)];
  }
}

/// r = r and what is behind it.
__device__ inline void fold_in(Running& r, const Part (&next)[kColumns], const Outputs& outputs) {
  Fold f[kColumns];
#pragma unroll
  for (int i = 0; i < kColumns; ++i) {
    f[i] = fold(r.max[i], next[i].max);
    r.max[i] = f[i].max;
    r.sum[i] = folded(f[i], r.sum[i], next[i].sum);
  }
#pragma unroll
  for (int part = 0; part < kLatentParts; ++part) {
#pragma unroll
    for (int i = 0; i < Product::kRegisters; ++i) {
      r.output[part][i] = folded(f[column_of_register(i)], r.output[part][i], outputs[part][i]);
    }
  }
}

/// The odd group's side at the end of a chunk.
__device__ inline void hand_over(Shared& shared, const Tiles& tiles, int n_chunks, const Running& r) {
  const int thread = static_cast<int>(threadIdx.x) % kGroupThreads;
  if (n_chunks > 0) barrier_wait(&shared.taken_over, (n_chunks - 1) % 2);
#pragma unroll
  for (int part = 0; part < kLatentParts; ++part) {
#pragma unroll
    for (int i = 0; i < Product::kRegisters; i += 4) {
      const float* from = r.output[part] + i;
      tiles.handover[(part * 2 + i / 4) * kGroupThreads + thread] = make_float4(from[0], from[1], from[2], from[3]);
    }
  }
  if (thread < 4) {
#pragma unroll
    for (int i = 0; i < kColumns; ++i) shared.odd[column_of(i)] = {r.max[i], r.sum[i]};
  }
  barrier_arrive(&shared.handed_over);
}

/// The even group's side.
__device__ inline void take_over(Shared& shared, const Tiles& tiles, int n_chunks, Running& r) {
  const int thread = static_cast<int>(threadIdx.x) % kGroupThreads;
  barrier_wait(&shared.handed_over, n_chunks % 2);
  Part odd[kColumns];
#pragma unroll
  for (int i = 0; i < kColumns; ++i) odd[i] = shared.odd[column_of(i)];
  Outputs outputs;
#pragma unroll
  for (int part = 0; part < kLatentParts; ++part) {
#pragma unroll
    for (int i = 0; i < Product::kRegisters; i += 4) {
      const float4 four = tiles.handover[(part * 2 + i / 4) * kGroupThreads + thread];
      outputs[part][i] = four.x;
      outputs[part][i + 1] = four.y;
      outputs[part][i + 2] = four.z;
      outputs[part][i + 3] = four.w;
    }
  }
  barrier_arrive(&shared.taken_over);
  fold_in(r, odd, outputs);
}

/// Stores what an item comes to: its part, or all that the row comes to.
__device__ inline void store_item(const KernelArgs& k, const Work& work, const Running& r) {
  const int thread = static_cast<int>(threadIdx.x) % kGroupThreads, lane = thread % kWarpThreads;
  const int latent = thread / kWarpThreads * 16 + lane / 4;  // of a part of 64, and the one 8 on
  const bool is_whole = is_only_item(k.a.first_item, work.item.row);
#pragma unroll
  for (int i = 0; i < kColumns; ++i) {
    const int head = work.head + column_of(i);
    if (head >= k.a.heads) continue;
    const auto each = [&](auto store) {
#pragma unroll
      for (int part = 0; part < kLatentParts; ++part) {
        const float* from = r.output[part] + i / 2 * 4 + i % 2;
        store(part * kSwizzleElements + latent, from[0]);
        store(part * kSwizzleElements + latent + 8, from[2]);
      }
    };
    if (is_whole) {
      __nv_bfloat16* to = k.a.out + (static_cast<std::size_t>(work.item.row) * k.a.heads + head) * kMlaLatent;
      each([&](int column, float output) { to[column] = __float2bfloat16_rn(output / r.sum[i]); });
    } else {
      const std::size_t at = static_cast<std::size_t>(work.index) * k.a.heads + head;
      float* to = k.part_outputs + at * kMlaLatent;
      each([&](int column, float output) { to[column] = output; });
      if (thread < 4) k.parts[at] = {{r.max[i], r.sum[i]}, work.item.starts_span, 0};
    }
  }
}

/// A computing warpgroup: the even one (0) or the odd one (1).
template <int kGroup>
__device__ void attend_items(const KernelArgs& k, Shared& shared, const Tiles& tiles) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const float scale_log2 = k.a.scale * kLog2E;
  char* weights = tiles.weights + kGroup * kWeightBytes;
  char* own_page = tiles.pages + kGroup * kPageBytes;
  int n_items = 0, n_pages = 0, n_handovers = 0;  // of this group so far
  wait_for_previous_grid();
  for_each_work(k, [&](const Work& work) {
    const int q_slot = n_items % kQSlots;
    const char* q = tiles.q + q_slot * kQBytes;
    barrier_wait(&shared.q_full[q_slot], n_items / kQSlots % 2);
    ++n_items;
    Running span;
    const int item_pages = (work.item.n_keys + kPageTokens - 1) / kPageTokens;
    for (int first_page = 0; first_page < item_pages; first_page += kPageChunk) {
      const int chunk_pages = min(kPageChunk, item_pages - first_page);
      Running chunk = {};
#pragma unroll
      for (int i = 0; i < kColumns; ++i) chunk.max[i] = -INFINITY;
      for (int page = kGroup; page < chunk_pages; page += kGroups) {
        barrier_wait(&shared.full[kGroup], n_pages++ % 2);
        const int n_valid = min(kPageTokens, work.item.n_keys - (first_page + page) * kPageTokens);
        attend_page(shared, own_page, q, weights, kGroup, n_valid, scale_log2, chunk);
        if (lane == 0) barrier_arrive(&shared.empty[kGroup]);
      }
      if (kGroup < chunk_pages) add_up_sums(shared, kGroup, chunk);
      if (chunk_pages > 1) {
        if constexpr (kGroup == 1) hand_over(shared, tiles, n_handovers, chunk);
        if constexpr (kGroup == 0) take_over(shared, tiles, n_handovers, chunk);
        ++n_handovers;
      }
      if constexpr (kGroup == 0) {
        if (first_page == 0) {
          span = chunk;
        } else {
          Part next[kColumns];
#pragma unroll
          for (int i = 0; i < kColumns; ++i) next[i] = {chunk.max[i], chunk.sum[i]};
          fold_in(span, next, chunk.output);
        }
      }
    }
    if (lane == 0) barrier_arrive(&shared.q_empty[q_slot]);
    if constexpr (kGroup == 0) store_item(k, work, span);
  });
}

__global__ void __launch_bounds__(kThreads, 1)
    few_heads_kernel(const __grid_constant__ CUtensorMap q_map, const __grid_constant__ CUtensorMap page_map,
                     const __grid_constant__ KernelArgs k) {
  extern __shared__ __align__(1024) char memory[];
  Shared& shared = *reinterpret_cast<Shared*>(memory);
  Tiles tiles;
  tiles.q = memory + kHeadBytes;
  tiles.weights = tiles.q + kQSlots * kQBytes;
  tiles.handover = reinterpret_cast<float4*>(tiles.weights + kGroups * kWeightBytes);
  tiles.pages = tiles.weights + kGroups * kWeightBytes + kHandoverBytes;
  let_next_grid_start();
  if (threadIdx.x == 0) {
    prefetch_tensor_map(&q_map);
    prefetch_tensor_map(&page_map);
    for (int i = 0; i < kGroups; ++i) {
      barrier_init(&shared.full[i], 1);
      barrier_init(&shared.empty[i], 4);
    }
    for (int i = 0; i < kQSlots; ++i) {
      barrier_init(&shared.q_full[i], 1);
      barrier_init(&shared.q_empty[i], kGroups * 4);
    }
    barrier_init(&shared.handed_over, kGroupThreads);
    barrier_init(&shared.taken_over, kGroupThreads);
    barrier_init_fence();
  }
  __syncthreads();
  const int group = static_cast<int>(threadIdx.x) / kGroupThreads;
  if (group == kGroups) {
    give_registers<40>();
    if (threadIdx.x == kGroups * kGroupThreads) load_pages(k, shared, tiles, q_map, page_map);
  } else if (group == 0) {
    take_registers<232>();
    attend_items<0>(k, shared, tiles);
  } else {
    take_registers<232>();
    attend_items<1>(k, shared, tiles);
  }
}

}  // namespace

Result<> launch_mla_decode_few(const MlaDecodeLaunch& launched) {
  const MlaDecodeAttentionArgs& args = *launched.args;
  const auto heads = static_cast<std::uint64_t>(args.heads);
  const std::array<TensorMapDim, 3> q_dims{TensorMapDim{kMlaRow, 0, kSwizzleElements},
                                           TensorMapDim{heads, kMlaRow * 2, kHeadTile},
                                           TensorMapDim{static_cast<std::uint64_t>(args.rows), heads * kMlaRow * 2, 1}};
  ASSAY_ASSIGN(const CUtensorMap q_map, encode_tensor_map(args.q, q_dims));
  ASSAY_ASSIGN(const CUtensorMap page_map, mla_page_map(args.cache, kRowParts));
  static OncePerDevice<> allowed;
  ASSAY_TRY(allowed([] { return allow_shared_memory(few_heads_kernel, kSharedBytes); }));
  KernelArgs k{args, args.scratch, nullptr, (args.heads + kHeadTile - 1) / kHeadTile};
  k.parts =
      reinterpret_cast<ItemPart*>(args.scratch + static_cast<std::size_t>(args.max_items) * args.heads * kMlaLatent);
  const int n_blocks = std::min(launched.n_multiprocessors, args.max_items * k.n_head_tiles);
  return launch("mla_decode_attention", few_heads_kernel,
                {dim3(static_cast<unsigned>(n_blocks)), kThreads, kSharedBytes}, launched.stream, q_map, page_map, k);
}

}  // namespace assay::kernels

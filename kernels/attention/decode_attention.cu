// Decode attention in two kernels: chunks, then their merge. Contract in decode_attention.cuh.
//
// A block on each multiprocessor: one warp asks the copy engine for pages, and two groups of four warps take turns with
// chunks, so that one adds up its quarters while the other computes. Each warp has its 16 tokens of every page and does
// not wait for the others until a chunk ends. A block takes one (item, KV head) after the other, and which is next is
// dealt out, since multiprocessors are not served equally fast. An item is a chunk, or a span of chunks that the block
// adds up by itself: the same additions that the merge does otherwise, so that the plan changes no bit.

#include "kernels/attention/decode_attention.cuh"

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/attention/decode_parts.cuh"
#include "kernels/attention/decode_quarter.cuh"
#include "kernels/attention/portable.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/once_per_device.cuh"

namespace assay::kernels {

namespace {

constexpr int kGroups = 2;
constexpr int kThreads = kGroups * kGroupThreads + kWarpThreads;
constexpr int kMaxGroup = 16;  // query heads of a KV head: two tiles
constexpr int kPageTokens = kCachePageTokens;
constexpr int kChunkPages = kDecodeChunkTokens / kPageTokens;
constexpr int kChunksAhead = 4;  // that are begun at most

/// How many pages are under way.
template <int kDim>
constexpr int kStages = kDim == 128 ? 6 : 12;
static_assert(kStages<64> / kChunkPages < kChunksAhead && kStages<128> > kChunkPages);
static_assert(kQuarters * kMaxGroup * sizeof(float) * 64 == Stage<64>::kBytes, "the quarters' outputs fit one stage");

/// An item for one KV head. None: n_keys is 0.
struct Work {
  int row, n_keys, index, kv_head;
};
struct Chunk {
  Work work;
  int first_key;  // in the item
};

template <int kDim>
struct Shared {
  /// A group has barriers of its own: it does not wait for the other's pages, so of theirs it would know no phase.
  std::uint64_t full[kGroups][kStages<kDim>];
  std::uint64_t empty[kStages<kDim>];
  std::uint64_t added;  // completes a phase with each chunk that was added to its item
  Chunk chunks[kChunksAhead];
  Part quarters[kGroups][kQuarters][kMaxGroup];
  Part span[2][kMaxGroup];  // the chunks of this item so far; read one, write the other
  float span_output[kMaxGroup * kDim];
};

template <int kDim>
constexpr int head_bytes() {
  return (static_cast<int>(sizeof(Shared<kDim>)) + 1023) / 1024 * 1024;  // keeps pages aligned to the swizzle
}

struct KernelArgs {
  DecodeAttentionArgs a;
  float* part_outputs;  // [item][heads][d]
  ItemPart* parts;      // [item][heads]
};

/// A block's pages are numbered, four for each chunk whether it has so many or not. Where the number-th lies, which
/// round of the slots that is (modulo two), and which group's it is.
template <int kDim>
struct Place {
  int slot;
  std::uint32_t parity;
  int group;
  __device__ explicit Place(int number)
      : slot(number % kStages<kDim>),
        parity(static_cast<std::uint32_t>(number / kStages<kDim>) % 2),
        group(number / kChunkPages % kGroups) {}
};

/// The copying side, one thread.
template <int kDim>
struct Loader {
  const DecodeAttentionArgs& a;
  Shared<kDim>& shared;
  char* stages;
  const CUtensorMap& map;
  int n_work = 0;
  int n_pages = 0;   // numbered so far
  int n_loaded = 0;  // asked for: pages that were there before this pass may be ahead of the numbers

  /// Work by its number; past the last there is none, and reading its pages is harmless.
  __device__ Work work_at(int number) const {
    const int i = number < n_work ? number : 0, index = i / a.cache.kv_heads;
    const int2 head = *reinterpret_cast<const int2*>(a.items + index);
    return {head.x, number < n_work ? head.y : 0, index, i % a.cache.kv_heads};
  }
  __device__ int4 pages_at(const Work& work, int key) const {
    return *reinterpret_cast<const int4*>(a.items[work.index].pages + key / kPageTokens);
  }
  /// The next work that no block has. The numbers come round to 0 when every block has asked in vain.
  __device__ int draw() const {
    const int n_blocks = static_cast<int>(gridDim.x);
    const int n_draws = max(n_work - n_blocks, 0) + n_blocks;
    return n_blocks + static_cast<int>(atomicInc(a.dealt, static_cast<unsigned>(n_draws - 1)));
  }
  /// Waits until the number-th page may be written; the first of a chunk comes with the chunk.
  __device__ Place<kDim> begin_page(int number, const Work& work, int key) const {
    if (number >= kStages<kDim>) {
      const Place<kDim> before(number - kStages<kDim>);
      barrier_wait(&shared.empty[before.slot], before.parity);
    }
    if (number % kChunkPages == 0) shared.chunks[number / kChunkPages % kChunksAhead] = {work, key};
    return Place<kDim>(number);
  }
  __device__ void load(const Work& work, int key, int page) {
    if (n_pages++ < n_loaded) return;
    const Place<kDim> at = begin_page(n_loaded++, work, key);
    std::uint64_t* full = &shared.full[at.group][at.slot];
    barrier_arrive_expect(full, Stage<kDim>::kBytes);
    load_box(stages + at.slot * Stage<kDim>::kBytes, &map, full, 0,
             (page * a.cache.kv_heads + work.kv_head) * Stage<kDim>::kRows);
  }
  /// A page past the item's last.
  __device__ void skip(const Work& work, int key) {
    const Place<kDim> at = begin_page(n_pages++, work, key);
    barrier_arrive(&shared.full[at.group][at.slot]);
    n_loaded = n_pages;
  }
  __device__ void load_chunk(const Work& work, int key, const int4& pages) {
    const int left = work.n_keys - key;
    load(work, key, pages.x);
    left > kPageTokens ? load(work, key, pages.y) : skip(work, key);
    left > 2 * kPageTokens ? load(work, key, pages.z) : skip(work, key);
    left > 3 * kPageTokens ? load(work, key, pages.w) : skip(work, key);
  }

  /// While launches before this one still work: pages of the first item that none of them writes, as many as have room.
  __device__ void load_early(const Work& work, const int4& first_pages) {
    const int n_ready = min((work.n_keys - a.fresh_keys) / kPageTokens, kStages<kDim>);
    for (int key = 0; key < n_ready * kPageTokens; key += kDecodeChunkTokens) {
      const int4 pages = key == 0 ? first_pages : pages_at(work, key);
      const int n = n_ready - key / kPageTokens;
      load(work, key, pages.x);
      if (n > 1) load(work, key, pages.y);
      if (n > 2) load(work, key, pages.z);
      if (n > 3) load(work, key, pages.w);
    }
    n_pages = 0;
  }

  __device__ void run() {
    // Every row has an item, so the plan surely goes as far as that, and its first need not wait to hear how far.
    const int first = static_cast<int>(blockIdx.x);
    Work work{};
    int4 pages{};
    const auto begin = [&](int index) {
      const int2 head = *reinterpret_cast<const int2*>(a.items + index);
      work = {head.x, head.y, index, first % a.cache.kv_heads};
      pages = pages_at(work, 0);
    };
    if (first < a.rows * a.cache.kv_heads) begin(first / a.cache.kv_heads);
    n_work = a.first_item[a.rows] * a.cache.kv_heads;
    if (first >= a.rows * a.cache.kv_heads && first < n_work) begin(first / a.cache.kv_heads);
    load_early(work, pages);
    wait_for_previous_grid();
    bool has_drawn = false;
    while (work.n_keys > 0) {
      const Work next = work_at(draw());
      has_drawn = true;
      for (int key = 0; key < work.n_keys; key += kDecodeChunkTokens) {
        const bool is_last = work.n_keys - key <= kDecodeChunkTokens;
        const int4 next_pages = is_last ? pages_at(next, 0) : pages_at(work, key + kDecodeChunkTokens);
        load_chunk(work, key, pages);
        pages = next_pages;
      }
      work = next;
    }
    if (!has_drawn) draw();
    for (int i = 0; i < kGroups; ++i) {  // the end, for each group
      const Place<kDim> at = begin_page(n_pages + i * kChunkPages, {}, 0);
      barrier_arrive(&shared.full[at.group][at.slot]);
    }
  }
};

/// A chunk's place in its item.
struct ChunkPlace {
  bool is_first, is_last;
  bool is_whole_row;  // the last one of a row's only item
  int parity;         // of its number
};

/// Adds the quarters in order and then the chunk to its item; the last chunk stores the item's part, or the row's
/// output if there is no other item. `outputs` are the quarters' [kQuarters][kMaxGroup][kDim].
template <int kDim>
__device__ void add_chunk(const KernelArgs& k, Shared<kDim>& shared, const Part (&quarters)[kQuarters][kMaxGroup],
                          const float* outputs, int group, const Work& work, const ChunkPlace& place) {
  const std::size_t first_head = static_cast<std::size_t>(work.index) * k.a.heads + work.kv_head * group;
  for (int i = static_cast<int>(threadIdx.x) % kGroupThreads; i < group * kDim; i += kGroupThreads) {
    const int row = i / kDim, column = i % kDim;
    float max = quarters[0][row].max;
    for (int w = 1; w < kQuarters; ++w) max = fmaxf(max, quarters[w][row].max);
    float sum = 0, output = 0;
    for (int w = 0; w < kQuarters; ++w) {
      const Part part = quarters[w][row];
      if (part.max == -INFINITY) continue;  // a quarter with no token in this chunk
      const float factor = exp2f(part.max - max);
      sum = fmaf(part.sum, factor, sum);
      output = fmaf(outputs[(w * kMaxGroup + row) * kDim + column], factor, output);
    }
    if (!place.is_first) {
      const Part span = shared.span[place.parity ^ 1][row];
      const Fold f = fold(span.max, max);
      max = f.max;
      sum = folded(f, span.sum, sum);
      output = folded(f, shared.span_output[i], output);
    }
    if (!place.is_last) {
      shared.span_output[i] = output;
      if (column == 0) shared.span[place.parity][row] = {max, sum};
      continue;
    }
    if (place.is_whole_row) {
      const std::size_t head = static_cast<std::size_t>(work.row) * k.a.heads + work.kv_head * group + row;
      k.a.out[head * kDim + static_cast<std::size_t>(column)] = __float2bfloat16_rn(output / sum);
      continue;
    }
    const std::size_t head = first_head + static_cast<std::size_t>(row);
    k.part_outputs[head * kDim + static_cast<std::size_t>(column)] = output;
    if (column == 0) k.parts[head] = {{max, sum}, k.a.items[work.index].starts_span, 0};
  }
}

/// Read by the warp's first lane, the one that says for all that a page is done with: then nobody else need be asked
/// before the chunk's place is taken.
__device__ inline Chunk chunk_of_warp(const Chunk& there) {
  Chunk chunk{};
  if (threadIdx.x % kWarpThreads == 0) chunk = there;
  return {{warp_uniform(chunk.work.row), warp_uniform(chunk.work.n_keys), warp_uniform(chunk.work.index),
           warp_uniform(chunk.work.kv_head)},
          warp_uniform(chunk.first_key)};
}

/// A warp of a computing group: every kGroups-th chunk.
template <int kDim, int kTiles>
__device__ void attend_chunks(const KernelArgs& k, Shared<kDim>& shared, char* stages) {
  const DecodeAttentionArgs& a = k.a;
  const int own = warp_uniform(static_cast<int>(threadIdx.x) / kGroupThreads);
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads % kQuarters;
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const int group = a.heads / a.cache.kv_heads;
  const float scale_log2 = a.scale * kLog2E;
  std::uint32_t phases = 0;  // of the group's barriers, a bit each
  const auto wait_for_page = [&](int slot) { barrier_wait(&shared.full[own][slot], phases >> slot & 1); };
  Queries<kDim, kTiles> q;
  int q_index = -1, q_head = -1;  // whose they are
  bool is_only = false;
  wait_for_previous_grid();
  for (int number = own;; number += kGroups) {
    wait_for_page(Place<kDim>(number * kChunkPages).slot);
    const auto [work, first_key] = chunk_of_warp(shared.chunks[number % kChunksAhead]);
    if (work.n_keys == 0) return;
    if (work.index != q_index || work.kv_head != q_head) {
      q.load(a.q + (static_cast<std::size_t>(work.row) * a.heads + work.kv_head * group) * kDim, group);
      is_only = is_only_item(a.first_item, work.row);
      q_index = work.index;
      q_head = work.kv_head;
    }
    Running<kDim, kTiles> running;
    for (int p = 0; p < kChunkPages; ++p) {
      const Place<kDim> at(number * kChunkPages + p);
      char* page = stages + at.slot * Stage<kDim>::kBytes;
      wait_for_page(at.slot);
      phases ^= 1u << at.slot;
      const int n_keys = work.n_keys - first_key - p * kPageTokens;
      const int n_valid = min(kQuarterTokens, n_keys - warp * kQuarterTokens);
      if (n_valid > 0) attend_quarter(page, warp * kQuarterTokens, n_valid, scale_log2, q, running);
      if (p == kChunkPages - 1) {
        float* outputs = reinterpret_cast<float*>(page);
        named_barrier(1 + own, kGroupThreads);  // nobody reads the page any more
        put_quarter(running, group, shared.quarters[own][warp], outputs + warp * kMaxGroup * kDim);
        named_barrier(1 + own, kGroupThreads);
        if (number > 0) barrier_wait(&shared.added, static_cast<std::uint32_t>(number - 1) % 2);
        const bool is_last = n_keys <= kPageTokens;
        add_chunk<kDim>(k, shared, shared.quarters[own], outputs, group, work,
                        {first_key == 0, is_last, is_last && is_only, first_key / kDecodeChunkTokens % 2});
        barrier_arrive(&shared.added);
        fence_for_async();  // the stage was written here and will be written by the copy engine
      }
      __syncwarp();
      if (lane == 0) barrier_arrive(&shared.empty[at.slot]);
    }
  }
}

template <int kDim, int kTiles>
__global__ void __launch_bounds__(kThreads, 1)
    items_kernel(const __grid_constant__ CUtensorMap map, const __grid_constant__ KernelArgs k) {
  extern __shared__ __align__(1024) char memory[];
  auto& shared = *reinterpret_cast<Shared<kDim>*>(memory);
  char* stages = memory + head_bytes<kDim>();
  let_next_grid_start();
  if (threadIdx.x == kGroups * kGroupThreads) {
    prefetch_tensor_map(&map);
    for (int i = 0; i < kStages<kDim>; ++i) {
      for (int group = 0; group < kGroups; ++group) barrier_init(&shared.full[group][i], 1);
      barrier_init(&shared.empty[i], kQuarters);
    }
    barrier_init(&shared.added, kGroupThreads);
    barrier_init_fence();
  }
  __syncthreads();
  if (threadIdx.x < kGroups * kGroupThreads) {
    attend_chunks<kDim, kTiles>(k, shared, stages);
  } else if (threadIdx.x == kGroups * kGroupThreads) {
    Loader<kDim>{k.a, shared, stages, map}.run();
  }
}

template <int kDim, int kTiles>
Result<> launch_items(const KernelArgs& k, cudaStream_t stream) {
  const DecodeAttentionArgs& a = k.a;
  ASSAY_ASSIGN(const CUtensorMap map, cache_page_map(a.cache));
  int device = 0, n_multiprocessors = 0;
  ASSAY_TRY(check(cudaGetDevice(&device), "CUDA device"));
  ASSAY_TRY(check(cudaDeviceGetAttribute(&n_multiprocessors, cudaDevAttrMultiProcessorCount, device), "CUDA device"));
  constexpr std::size_t kSharedBytes = head_bytes<kDim>() + kStages<kDim> * Stage<kDim>::kBytes;
  static OncePerDevice<> allowed;
  ASSAY_TRY(allowed([] { return allow_shared_memory(items_kernel<kDim, kTiles>, kSharedBytes); }));
  const int n_blocks = std::min(n_multiprocessors, a.max_items * a.cache.kv_heads);
  return launch("decode_attention", items_kernel<kDim, kTiles>,
                {dim3(static_cast<unsigned>(n_blocks)), kThreads, kSharedBytes}, stream, map, k);
}

template <int kDim>
Result<> launch_decode(const DecodeAttentionArgs& args, cudaStream_t stream) {
  KernelArgs k{args, args.scratch, nullptr};
  k.parts = reinterpret_cast<ItemPart*>(args.scratch + static_cast<std::size_t>(args.max_items) * args.heads * kDim);
  const bool is_small = args.heads / args.cache.kv_heads <= kTileHeads;
  ASSAY_TRY(is_small ? launch_items<kDim, 1>(k, stream) : launch_items<kDim, kMaxGroup / kTileHeads>(k, stream));
  return merge_items<kDim, 4>(
      merge_args(args.rows, args.heads, args.first_item, args.items, k.part_outputs, k.parts, args.out, true), stream);
}

}  // namespace

Result<> decode_attention(const DecodeAttentionArgs& args, cudaStream_t stream) {
  const PagedCache& cache = args.cache;
  if (cache.kv_heads < 1 || args.heads < 1 || args.heads % cache.kv_heads != 0 ||
      args.heads / cache.kv_heads > kMaxGroup) {
    return bad_input("decode_attention: ", args.heads, " query heads over ", cache.kv_heads,
                     " KV heads; must be a multiple, at most ", kMaxGroup, " times as many");
  }
  if (cache.head_dim != 64 && cache.head_dim != 128) {
    return bad_input("decode_attention: head_dim is ", cache.head_dim, ", must be 64 or 128");
  }
  if (args.rows == 0) return {};
  if (args.max_items < args.rows) {
    return bad_input("decode_attention: room for ", args.max_items, " chunks of ", args.rows, " rows");
  }
  if (cuda_path() == CudaPath::portable) return launch_portable_decode(args, stream);
  return cache.head_dim == 64 ? launch_decode<64>(args, stream) : launch_decode<128>(args, stream);
}

}  // namespace assay::kernels

// Decode attention in two kernels: chunks, then their merge. Contract in decode_attention.cuh.
//
// A block is one warp that asks the copy engine for pages and four that compute, each on its 16 tokens of every page,
// without waiting for each other until a chunk ends. Blocks stay and walk over (item, KV head), two or three on a
// multiprocessor, so that one's softmax hides under the other's loads. An item is a chunk, or a span of chunks that the
// block adds up by itself: the same additions that the merge does otherwise, so that the plan changes no bit.

#include "kernels/attention/decode_attention.cuh"

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/attention/decode_parts.cuh"
#include "kernels/attention/mma.cuh"
#include "kernels/attention/portable.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/once_per_device.cuh"

namespace assay::kernels {

namespace {

using namespace hopper;

constexpr int kQuarters = 4;  // computing warps: 16 tokens of a page each
constexpr int kQuarterTokens = 16;
constexpr int kMaxGroup = 16;  // query heads of a KV head: rows of one mma
constexpr int kThreads = (kQuarters + 1) * kWarpThreads;
constexpr int kPageTokens = kCachePageTokens;

/// Keys and values of a page lie in shared memory as in the cache: kParts rows of 64 columns for each token.
template <int kDim>
struct Stage {
  static constexpr int kParts = kDim / kSwizzleElements;
  static constexpr int kRows = kPageTokens * kParts;  // of keys or values
  static constexpr int kRowsBytes = kRows * kSwizzleRowBytes;
  static constexpr int kBytes = 2 * kRowsBytes;
  /// Of 16 bytes of a token's columns, the unit-th.
  static __device__ int offset(int token, int unit) {
    constexpr int kUnits = kSwizzleRowBytes / 16;
    return swizzled_offset(token * kParts + unit / kUnits, unit % kUnits);
  }
};
/// How many blocks share a multiprocessor, and how many pages each has under way. Few rows have few chunks: a block
/// alone there takes a whole one.
template <int kDim, bool kFewRows>
struct Ring {
  static constexpr int kBlocks = kFewRows ? 1 : kDim == 128 ? 2 : 3;
  static constexpr int kCount = kFewRows ? 5 : kDim == 128 ? 3 : 4;
};
static_assert(kQuarters * kMaxGroup * sizeof(float) == 4 * kPageTokens, "the quarters' outputs take exactly one stage");

template <int kDim>
struct Shared {
  std::uint64_t full[8];
  std::uint64_t empty[8];
  Part quarters[kQuarters][kMaxGroup];
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

struct Place {
  int slot = 0;
  std::uint32_t parity = 0;
  __device__ void advance(int n) {
    if (++slot == n) {
      slot = 0;
      parity ^= 1;
    }
  }
};

/// An item for one KV head.
struct Work {
  int row, n_keys, index, kv_head;
};
/// Past the last piece of work it gives the first one again, so that reading ahead is harmless.
__device__ inline Work work_at(const DecodeAttentionArgs& a, int number, int n_work) {
  const int i = number < n_work ? number : 0, index = i / a.cache.kv_heads;
  const int2 head = *reinterpret_cast<const int2*>(a.items + index);
  return {head.x, head.y, index, i % a.cache.kv_heads};
}

/// A block's first piece of work and the pages of its first chunk, read without waiting to hear how much there is:
/// every row has an item, so the plan surely goes as far as that.
struct FirstWork {
  Work work;
  int4 pages;
};
__device__ inline FirstWork first_work(const DecodeAttentionArgs& a) {
  const int index = min(static_cast<int>(blockIdx.x) / a.cache.kv_heads, a.rows - 1);
  const DecodeItem* item = a.items + index;
  const int2 head = *reinterpret_cast<const int2*>(item);
  const int4 pages = *reinterpret_cast<const int4*>(item->pages);
  return {{head.x, head.y, index, static_cast<int>(blockIdx.x) % a.cache.kv_heads}, pages};
}

/// How much there is, and how many blocks share it so that all get nearly the same.
struct Share {
  int n_work, n_blocks;
};
__device__ inline Share share_of(const DecodeAttentionArgs& a) {
  const int n_work = a.first_item[a.rows] * a.cache.kv_heads, n_grid = static_cast<int>(gridDim.x);
  const int n_rounds = max(1, (n_work + n_grid - 1) / n_grid);
  return {n_work, (n_work + n_rounds - 1) / n_rounds};
}

/// The copying side, one thread. A chunk's pages are known before those of the one before it are asked for.
template <int kDim, int kCount>
__device__ void load_pages(const DecodeAttentionArgs& a, Shared<kDim>& shared, char* stages, const CUtensorMap& key_map,
                           const CUtensorMap& value_map) {
  const FirstWork begin = first_work(a);
  const auto [n_work, step] = share_of(a);
  const auto pages_of = [&](const Work& work, int first) {
    return *reinterpret_cast<const int4*>(a.items[work.index].pages + first / kPageTokens);
  };
  const auto first_row = [&](int kv_head, int page) {
    return (page * a.cache.kv_heads + kv_head) * Stage<kDim>::kRows;
  };
  Place at;
  int n_loaded = 0;
  const auto load_page = [&](int kv_head, int page) {
    if (n_loaded++ >= kCount) barrier_wait(&shared.empty[at.slot], at.parity ^ 1);
    barrier_arrive_expect(&shared.full[at.slot], Stage<kDim>::kBytes);
    char* to = stages + at.slot * Stage<kDim>::kBytes;
    const int row = first_row(kv_head, page);
    load_box(to, &key_map, &shared.full[at.slot], 0, row);
    load_box(to + Stage<kDim>::kRowsBytes, &value_map, &shared.full[at.slot], 0, row);
    at.advance(kCount);
  };
  Work work = begin.work;
  int4 pages = begin.pages;
  if (static_cast<int>(blockIdx.x) >= a.rows * a.cache.kv_heads) {
    work = work_at(a, static_cast<int>(blockIdx.x), n_work);
    pages = pages_of(work, 0);
  }
  // While others still work: all rows but those that this pass appends were there before.
  const auto prefetch_page = [&](int page) {
    prefetch_box(&key_map, 0, first_row(work.kv_head, page));
    prefetch_box(&value_map, 0, first_row(work.kv_head, page));
  };
  if (static_cast<int>(blockIdx.x) < step) {
    prefetch_page(pages.x);
    if (work.n_keys > kPageTokens) prefetch_page(pages.y);
    if (work.n_keys > 2 * kPageTokens) prefetch_page(pages.z);
    if (work.n_keys > 3 * kPageTokens) prefetch_page(pages.w);
  }
  wait_for_previous_grid();
  if (static_cast<int>(blockIdx.x) >= step) return;
  for (int number = static_cast<int>(blockIdx.x); number < n_work; number += step) {
    const Work next = work_at(a, number + step, n_work);
    for (int key = 0; key < work.n_keys; key += kDecodeChunkTokens) {
      const int left = work.n_keys - key;
      const int4 next_pages = left > kDecodeChunkTokens ? pages_of(work, key + kDecodeChunkTokens) : pages_of(next, 0);
      load_page(work.kv_head, pages.x);
      if (left > kPageTokens) load_page(work.kv_head, pages.y);
      if (left > 2 * kPageTokens) load_page(work.kv_head, pages.z);
      if (left > 3 * kPageTokens) load_page(work.kv_head, pages.w);
      pages = next_pages;
    }
    work = next;
  }
}

/// The group's query heads as the left operand: rows past the group are zero.
template <int kDim>
__device__ void load_queries(const __nv_bfloat16* q, int group, std::uint32_t (&out)[kDim / 16][4]) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads, column = 2 * (lane % 4);
#pragma unroll
  for (int k = 0; k < kDim / 16; ++k) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int row = lane / 4 + i % 2 * 8;
      const __nv_bfloat16* from = q + row * kDim + 16 * k + i / 2 * 8 + column;
      out[k][i] = row < group ? *reinterpret_cast<const std::uint32_t*>(from) : 0u;
    }
  }
}

/// Running state of a warp's two rows (lane/4 and lane/4 + 8).
template <int kDim>
struct Running {
  float output[kDim / 8][4];
  float max[2];
  float sum[2];  // this lane's share
};

/// The largest of the four lanes that share a row.
__device__ inline float row_max(float v) {
  v = fmaxf(v, __shfl_xor_sync(0xFFFFFFFFu, v, 1));
  return fmaxf(v, __shfl_xor_sync(0xFFFFFFFFu, v, 2));
}

/// This warp's 16 tokens of a page, of which the first n_valid (at most 16) count.
template <int kDim>
__device__ void attend_quarter(const char* page, int first_token, int n_valid, float scale_log2,
                               const std::uint32_t (&q)[kDim / 16][4], Running<kDim>& r) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const std::uint32_t keys = shared_address(page), values = keys + Stage<kDim>::kRowsBytes;
  // Scores: two tiles of eight tokens.
  float score[2][4] = {};
  const int key_row = first_token + lane % 8 + (lane / 16) * 8, key_unit = lane / 8 % 2;
#pragma unroll
  for (int k = 0; k < kDim / 16; ++k) {
    std::uint32_t b[4];
    load_matrices(b, keys + Stage<kDim>::offset(key_row, 2 * k + key_unit));
    multiply_16x8(score[0], q[k], b[0], b[1]);
    multiply_16x8(score[1], q[k], b[2], b[3]);
  }
#pragma unroll
  for (int t = 0; t < 2; ++t) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const bool valid = 8 * t + 2 * (lane % 4) + i % 2 < n_valid;
      score[t][i] = valid ? score[t][i] * scale_log2 : -INFINITY;
    }
  }
  // Weights, and what is left of the earlier pages.
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const float largest = row_max(fmaxf(fmaxf(score[0][2 * h], score[0][2 * h + 1]),  //
                                        fmaxf(score[1][2 * h], score[1][2 * h + 1])));
    const float max = fmaxf(r.max[h], largest);
    const float before = exp2f(r.max[h] - max);  // 0 on the first page
    float sum = 0;
#pragma unroll
    for (int t = 0; t < 2; ++t) {
#pragma unroll
      for (int i = 2 * h; i < 2 * h + 2; ++i) {
        score[t][i] = exp2f(score[t][i] - max);
        sum += score[t][i];
      }
    }
    r.sum[h] = fmaf(r.sum[h], before, sum);
    r.max[h] = max;
#pragma unroll
    for (int j = 0; j < kDim / 8; ++j) {
      r.output[j][2 * h] *= before;
      r.output[j][2 * h + 1] *= before;
    }
  }
  const std::uint32_t weights[4] = {pack_bf16(score[0][0], score[0][1]), pack_bf16(score[0][2], score[0][3]),
                                    pack_bf16(score[1][0], score[1][1]), pack_bf16(score[1][2], score[1][3])};
  // Values. A weight of zero does not silence NaN, so the pairs past n_valid are cleared.
  const auto pair_mask = [&](int token) {
    return (token < n_valid ? 0x0000FFFFu : 0u) | (token + 1 < n_valid ? 0xFFFF0000u : 0u);
  };
  const std::uint32_t first_mask = pair_mask(2 * (lane % 4)), second_mask = pair_mask(2 * (lane % 4) + 8);
  const int value_row = first_token + lane % 16, value_unit = lane / 16;
#pragma unroll
  for (int j = 0; j < kDim / 16; ++j) {
    std::uint32_t b[4];
    load_matrices_transposed(b, values + Stage<kDim>::offset(value_row, 2 * j + value_unit));
    multiply_16x8(r.output[2 * j], weights, b[0] & first_mask, b[1] & second_mask);
    multiply_16x8(r.output[2 * j + 1], weights, b[2] & first_mask, b[3] & second_mask);
  }
}

/// A chunk's place in its item.
struct ChunkPlace {
  bool is_first, is_last;
  bool is_whole_row;  // the last one of a row's only item
  int parity;         // of its number
};

/// Adds the quarters in order and then the chunk to its item; the last chunk stores the item's part, or the row's
/// output if there is no other item. `buffer` is the last page's stage, which all have read.
template <int kDim>
__device__ void finish_chunk(const KernelArgs& k, Shared<kDim>& shared, float* buffer, int group, const Work& work,
                             const ChunkPlace& place, const Running<kDim>& r) {
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads, lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  constexpr int kComputing = kQuarters * kWarpThreads;
  named_barrier(1, kComputing);  // nobody reads the page any more
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const int row = lane / 4 + 8 * h;
    float sum = r.sum[h] + __shfl_xor_sync(0xFFFFFFFFu, r.sum[h], 1);
    sum += __shfl_xor_sync(0xFFFFFFFFu, sum, 2);
    if (lane % 4 == 0) shared.quarters[warp][row] = {r.max[h], sum};
    if (row >= group) continue;
    float* to = buffer + (warp * kMaxGroup + row) * kDim + 2 * (lane % 4);
#pragma unroll
    for (int j = 0; j < kDim / 8; ++j) {
      *reinterpret_cast<float2*>(to + 8 * j) = make_float2(r.output[j][2 * h], r.output[j][2 * h + 1]);
    }
  }
  named_barrier(1, kComputing);
  const std::size_t first_head = static_cast<std::size_t>(work.index) * k.a.heads + work.kv_head * group;
  for (int i = static_cast<int>(threadIdx.x); i < group * kDim; i += kComputing) {
    const int row = i / kDim, column = i % kDim;
    float max = shared.quarters[0][row].max;
    for (int w = 1; w < kQuarters; ++w) max = fmaxf(max, shared.quarters[w][row].max);
    float sum = 0, output = 0;
    for (int w = 0; w < kQuarters; ++w) {
      const Part part = shared.quarters[w][row];
      if (part.max == -INFINITY) continue;  // a quarter with no token in this chunk
      const float factor = exp2f(part.max - max);
      sum = fmaf(part.sum, factor, sum);
      output = fmaf(buffer[(w * kMaxGroup + row) * kDim + column], factor, output);
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

/// A computing warp.
template <int kDim, int kCount>
__device__ void attend_items(const KernelArgs& k, Shared<kDim>& shared, char* stages) {
  const DecodeAttentionArgs& a = k.a;
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads, lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const int group = a.heads / a.cache.kv_heads;
  const auto [n_work, step] = share_of(a);
  const float scale_log2 = a.scale * kLog2E;
  Place at;
  Work work = work_at(a, static_cast<int>(blockIdx.x), n_work);
  wait_for_previous_grid();
  if (static_cast<int>(blockIdx.x) >= step) return;
  for (int number = static_cast<int>(blockIdx.x); number < n_work; number += step) {
    std::uint32_t q[kDim / 16][4];
    load_queries<kDim>(a.q + (static_cast<std::size_t>(work.row) * a.heads + work.kv_head * group) * kDim, group, q);
    const Work next = work_at(a, number + step, n_work);
    const bool is_only = is_only_item(a.first_item, work.row);
    for (int chunk = 0; chunk < work.n_keys; chunk += kDecodeChunkTokens) {
      const int n_keys = min(kDecodeChunkTokens, work.n_keys - chunk);
      Running<kDim> running = {};
      running.max[0] = running.max[1] = -INFINITY;
      for (int first = 0; first < n_keys; first += kPageTokens) {
        char* page = stages + at.slot * Stage<kDim>::kBytes;
        barrier_wait(&shared.full[at.slot], at.parity);
        const int n_valid = min(kQuarterTokens, n_keys - first - warp * kQuarterTokens);
        if (n_valid > 0) attend_quarter<kDim>(page, warp * kQuarterTokens, n_valid, scale_log2, q, running);
        if (first + kPageTokens >= n_keys) {
          const bool is_last = chunk + n_keys == work.n_keys;
          const ChunkPlace place{chunk == 0, is_last, is_last && is_only, chunk / kDecodeChunkTokens % 2};
          finish_chunk<kDim>(k, shared, reinterpret_cast<float*>(page), group, work, place, running);
          fence_for_async();  // the stage was written here and will be written by the copy engine
        }
        __syncwarp();
        if (lane == 0) barrier_arrive(&shared.empty[at.slot]);
        at.advance(kCount);
      }
    }
    work = next;
  }
}

template <int kDim, bool kFewRows>
__global__ void __launch_bounds__(kThreads, Ring<kDim, kFewRows>::kBlocks)
    items_kernel(const __grid_constant__ CUtensorMap key_map, const __grid_constant__ CUtensorMap value_map,
                 const __grid_constant__ KernelArgs k) {
  constexpr int kCount = Ring<kDim, kFewRows>::kCount;
  extern __shared__ __align__(1024) char memory[];
  auto& shared = *reinterpret_cast<Shared<kDim>*>(memory);
  char* stages = memory + head_bytes<kDim>();
  let_next_grid_start();
  if (threadIdx.x == 0) {
    prefetch_tensor_map(&key_map);
    prefetch_tensor_map(&value_map);
    for (int i = 0; i < kCount; ++i) {
      barrier_init(&shared.full[i], 1);
      barrier_init(&shared.empty[i], kQuarters);
    }
    barrier_init_fence();
  }
  __syncthreads();
  if (threadIdx.x < kQuarters * kWarpThreads) {
    attend_items<kDim, kCount>(k, shared, stages);
  } else if (threadIdx.x == kQuarters * kWarpThreads) {
    load_pages<kDim, kCount>(k.a, shared, stages, key_map, value_map);
  }
}

template <int kDim, bool kFewRows>
Result<> launch_items(const KernelArgs& k, cudaStream_t stream) {
  const DecodeAttentionArgs& a = k.a;
  ASSAY_ASSIGN(const CUtensorMap key_map, cache_page_map(a.cache, a.cache.keys));
  ASSAY_ASSIGN(const CUtensorMap value_map, cache_page_map(a.cache, a.cache.values));
  int device = 0, n_multiprocessors = 0;
  ASSAY_TRY(check(cudaGetDevice(&device), "CUDA device"));
  ASSAY_TRY(check(cudaDeviceGetAttribute(&n_multiprocessors, cudaDevAttrMultiProcessorCount, device), "CUDA device"));
  using Blocks = Ring<kDim, kFewRows>;
  constexpr std::size_t kSharedBytes = head_bytes<kDim>() + Blocks::kCount * Stage<kDim>::kBytes;
  static OncePerDevice<> allowed;
  ASSAY_TRY(allowed([] { return allow_shared_memory(items_kernel<kDim, kFewRows>, kSharedBytes); }));
  const int n_blocks = std::min(Blocks::kBlocks * n_multiprocessors, a.max_items * a.cache.kv_heads);
  return launch("decode_attention", items_kernel<kDim, kFewRows>,
                {dim3(static_cast<unsigned>(n_blocks)), kThreads, kSharedBytes}, stream, key_map, value_map, k);
}

template <int kDim>
Result<> launch_decode(const DecodeAttentionArgs& args, cudaStream_t stream) {
  KernelArgs k{args, args.scratch, nullptr};
  k.parts = reinterpret_cast<ItemPart*>(args.scratch + static_cast<std::size_t>(args.max_items) * args.heads * kDim);
  ASSAY_TRY(args.rows <= kDecodeFewRows ? launch_items<kDim, true>(k, stream) : launch_items<kDim, false>(k, stream));
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

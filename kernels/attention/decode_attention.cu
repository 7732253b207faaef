// Decode attention in two kernels: chunks, then their merge. Contract in decode_attention.cuh.
//
// A block is one warp that asks the copy engine for pages and four that compute, each on its 16 tokens of every page,
// without waiting for each other until a chunk ends. Blocks stay and walk over (item, KV head), two on a
// multiprocessor, so that one's softmax hides under the other's loads.

#include "kernels/attention/decode_attention.cuh"

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/attention/mma.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

using namespace hopper;

constexpr int kQuarters = 4;  // computing warps: 16 tokens of a page each
constexpr int kQuarterTokens = 16;
constexpr int kMaxGroup = 16;  // query heads of a KV head: rows of one mma
constexpr int kThreads = (kQuarters + 1) * kWarpThreads;
constexpr int kHeadBytes = 1024;  // barriers and the quarters' maxima and sums; keeps pages aligned to 1024
constexpr int kPageTokens = kCachePageTokens;
constexpr float kLog2E = 1.4426950408889634f;

template <int kDim>
struct Stage {
  static constexpr int kRowsBytes = kPageTokens * kDim * 2;  // keys or values of a page
  static constexpr int kBytes = 2 * kRowsBytes;
  static constexpr int kBlocks = kDim == 128 ? 2 : 3;  // blocks on a multiprocessor
  static constexpr int kCount = kDim == 128 ? 3 : 4;   // 96 and 64 KiB
};
static_assert(kQuarters * kMaxGroup * sizeof(float) == 4 * kPageTokens, "the quarters' outputs take exactly one stage");

struct Part {
  float max;  // of score · log2 e
  float sum;
};

struct Shared {
  std::uint64_t full[8];
  std::uint64_t empty[8];
  Part parts[kQuarters][kMaxGroup];
};
static_assert(sizeof(Shared) <= kHeadBytes, "the head of shared memory holds it");

struct KernelArgs {
  DecodeAttentionArgs a;
  float* part_outputs;  // [item][heads][d]
  Part* parts;          // [item][heads]
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

/// A chunk for one KV head.
struct Work {
  DecodeItem item;
  int index, kv_head;
};
/// Past the last piece of work it gives the first one again, so that reading ahead is harmless.
__device__ inline Work work_at(const DecodeAttentionArgs& a, int number, int n_work) {
  const int i = number < n_work ? number : 0;
  Work work;
  work.index = i / a.cache.kv_heads;
  work.kv_head = i % a.cache.kv_heads;
  const auto* from = reinterpret_cast<const int4*>(a.items + work.index);
  const int4 head = from[0], pages = from[1];
  work.item.row = head.x;
  work.item.n_keys = head.y;
  work.item.pages[0] = pages.x;
  work.item.pages[1] = pages.y;
  work.item.pages[2] = pages.z;
  work.item.pages[3] = pages.w;
  return work;
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

/// The copying side, one thread. What the next chunk is has been read before this one's pages are asked for.
template <int kDim>
__device__ void load_pages(const DecodeAttentionArgs& a, Shared& shared, char* stages, const CUtensorMap& key_map,
                           const CUtensorMap& value_map) {
  const auto [n_work, step] = share_of(a);
  Place at;
  int n_loaded = 0;
  Work work = work_at(a, static_cast<int>(blockIdx.x), n_work);
  wait_for_previous_grid();
  if (static_cast<int>(blockIdx.x) >= step) return;
  for (int number = static_cast<int>(blockIdx.x); number < n_work; number += step) {
    const Work next = work_at(a, number + step, n_work);
#pragma unroll
    for (int p = 0; p < kDecodeChunkPages; ++p) {
      if (p * kPageTokens >= work.item.n_keys) break;
      if (n_loaded >= Stage<kDim>::kCount) barrier_wait(&shared.empty[at.slot], at.parity ^ 1);
      barrier_arrive_expect(&shared.full[at.slot], Stage<kDim>::kBytes);
      char* to = stages + at.slot * Stage<kDim>::kBytes;
      for (int c = 0; c < kDim; c += kSwizzleElements) {
        const int offset = c * kPageTokens * 2;
        load_box(to + offset, &key_map, &shared.full[at.slot], c, 0, work.kv_head, work.item.pages[p]);
        load_box(to + Stage<kDim>::kRowsBytes + offset, &value_map, &shared.full[at.slot], c, 0, work.kv_head,
                 work.item.pages[p]);
      }
      ++n_loaded;
      at.advance(Stage<kDim>::kCount);
    }
    work = next;
  }
}

/// Half of the group's query heads as the left operand: rows 0 … 7 (kHigh 0) or 8 … 15; rows past the group are zero.
template <int kDim, int kHigh>
__device__ void load_queries(const __nv_bfloat16* q, int group, std::uint32_t (&out)[kDim / 16][2]) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads, row = lane / 4 + 8 * kHigh, column = 2 * (lane % 4);
#pragma unroll
  for (int k = 0; k < kDim / 16; ++k) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const __nv_bfloat16* from = q + row * kDim + 16 * k + 8 * i + column;
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
                               const std::uint32_t (&low)[kDim / 16][2], const std::uint32_t (&high)[kDim / 16][2],
                               Running<kDim>& r) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const std::uint32_t keys = shared_address(page), values = keys + Stage<kDim>::kRowsBytes;
  // Scores: two tiles of eight tokens.
  float score[2][4] = {};
  const int key_row = first_token + lane % 8 + (lane / 16) * 8, key_unit = lane / 8 % 2;
#pragma unroll
  for (int k = 0; k < kDim / 16; ++k) {
    std::uint32_t b[4];
    const int half = k / 4, unit = 2 * (k % 4) + key_unit;
    load_matrices(b, keys + half * kSwizzleElements * kPageTokens * 2 + swizzled_offset(key_row, unit));
    const std::uint32_t q[4] = {low[k][0], high[k][0], low[k][1], high[k][1]};
    multiply_16x8(score[0], q, b[0], b[1]);
    multiply_16x8(score[1], q, b[2], b[3]);
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
    const int half = j / 4, unit = 2 * (j % 4) + value_unit;
    load_matrices_transposed(b, values + half * kSwizzleElements * kPageTokens * 2 + swizzled_offset(value_row, unit));
    multiply_16x8(r.output[2 * j], weights, b[0] & first_mask, b[1] & second_mask);
    multiply_16x8(r.output[2 * j + 1], weights, b[2] & first_mask, b[3] & second_mask);
  }
}

/// Adds the quarters in order and stores the chunk's part. `buffer` is the last page's stage, which all have read.
template <int kDim>
__device__ void merge_quarters(const KernelArgs& k, Shared& shared, float* buffer, int group, std::size_t first_head,
                               const Running<kDim>& r) {
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads, lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  constexpr int kComputing = kQuarters * kWarpThreads;
  named_barrier(1, kComputing);  // nobody reads the page any more
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const int row = lane / 4 + 8 * h;
    float sum = r.sum[h] + __shfl_xor_sync(0xFFFFFFFFu, r.sum[h], 1);
    sum += __shfl_xor_sync(0xFFFFFFFFu, sum, 2);
    if (lane % 4 == 0) shared.parts[warp][row] = {r.max[h], sum};
    if (row >= group) continue;
    float* to = buffer + (warp * kMaxGroup + row) * kDim + 2 * (lane % 4);
#pragma unroll
    for (int j = 0; j < kDim / 8; ++j) {
      *reinterpret_cast<float2*>(to + 8 * j) = make_float2(r.output[j][2 * h], r.output[j][2 * h + 1]);
    }
  }
  named_barrier(1, kComputing);
  for (int i = static_cast<int>(threadIdx.x); i < group * kDim; i += kComputing) {
    const int row = i / kDim, column = i % kDim;
    float max = shared.parts[0][row].max;
    for (int w = 1; w < kQuarters; ++w) max = fmaxf(max, shared.parts[w][row].max);
    float sum = 0, output = 0;
    for (int w = 0; w < kQuarters; ++w) {
      const Part part = shared.parts[w][row];
      if (part.max == -INFINITY) continue;  // a quarter with no token in this chunk
      const float factor = exp2f(part.max - max);
      sum = fmaf(part.sum, factor, sum);
      output = fmaf(buffer[(w * kMaxGroup + row) * kDim + column], factor, output);
    }
    const std::size_t head = first_head + static_cast<std::size_t>(row);
    k.part_outputs[head * kDim + static_cast<std::size_t>(column)] = output;
    if (column == 0) k.parts[head] = {max, sum};
  }
}

/// A computing warp.
template <int kDim>
__device__ void attend_chunks(const KernelArgs& k, Shared& shared, char* stages) {
  const DecodeAttentionArgs& a = k.a;
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads, lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const int group = a.heads / a.cache.kv_heads;
  const auto [n_work, step] = share_of(a);
  const float scale_log2 = a.scale * kLog2E;
  const auto queries_of = [&](const Work& w) {
    return a.q + (static_cast<std::size_t>(w.item.row) * a.heads + w.kv_head * group) * kDim;
  };
  Place at;
  Work work = work_at(a, static_cast<int>(blockIdx.x), n_work);
  Work next = work_at(a, static_cast<int>(blockIdx.x) + step, n_work);
  wait_for_previous_grid();
  if (static_cast<int>(blockIdx.x) >= step) return;
  std::uint32_t low[kDim / 16][2], next_low[kDim / 16][2], high[kDim / 16][2] = {};
  load_queries<kDim, 0>(queries_of(work), group, low);
  for (int number = static_cast<int>(blockIdx.x); number < n_work; number += step) {
    const int first_head = work.kv_head * group, n_keys = work.item.n_keys;
    // The next chunk's queries, and what the one after that is, are on their way while this one is computed.
    load_queries<kDim, 0>(queries_of(next), group, next_low);
    if (group > 8) load_queries<kDim, 1>(queries_of(work), group, high);
    const Work after_next = work_at(a, number + 2 * step, n_work);
    Running<kDim> running = {};
    running.max[0] = running.max[1] = -INFINITY;
    for (int first = 0; first < n_keys; first += kPageTokens) {
      char* page = stages + at.slot * Stage<kDim>::kBytes;
      barrier_wait(&shared.full[at.slot], at.parity);
      const int n_valid = min(kQuarterTokens, n_keys - first - warp * kQuarterTokens);
      if (n_valid > 0) attend_quarter<kDim>(page, warp * kQuarterTokens, n_valid, scale_log2, low, high, running);
      if (first + kPageTokens >= n_keys) {
        merge_quarters<kDim>(k, shared, reinterpret_cast<float*>(page), group,
                             static_cast<std::size_t>(work.index) * a.heads + first_head, running);
        fence_for_async();  // the stage was written here and will be written by the copy engine
      }
      __syncwarp();
      if (lane == 0) barrier_arrive(&shared.empty[at.slot]);
      at.advance(Stage<kDim>::kCount);
    }
    work = next;
    next = after_next;
#pragma unroll
    for (int i = 0; i < kDim / 16; ++i) {
      low[i][0] = next_low[i][0];
      low[i][1] = next_low[i][1];
    }
  }
}

template <int kDim>
__global__ void __launch_bounds__(kThreads, Stage<kDim>::kBlocks)
    chunks_kernel(const __grid_constant__ CUtensorMap key_map, const __grid_constant__ CUtensorMap value_map,
                  const __grid_constant__ KernelArgs k) {
  extern __shared__ __align__(1024) char memory[];
  Shared& shared = *reinterpret_cast<Shared*>(memory);
  char* stages = memory + kHeadBytes;
  let_next_grid_start();
  if (threadIdx.x == 0) {
    prefetch_tensor_map(&key_map);
    prefetch_tensor_map(&value_map);
    for (int i = 0; i < Stage<kDim>::kCount; ++i) {
      barrier_init(&shared.full[i], 1);
      barrier_init(&shared.empty[i], kQuarters);
    }
    barrier_init_fence();
  }
  __syncthreads();
  if (threadIdx.x < kQuarters * kWarpThreads) {
    attend_chunks<kDim>(k, shared, stages);
  } else if (threadIdx.x == kQuarters * kWarpThreads) {
    load_pages<kDim>(k.a, shared, stages, key_map, value_map);
  }
}

// The merge exists twice, with the same additions: for many rows with little work each, and for few rows, where it must
// not walk a long row's chunks a few at a time.

/// For many rows: kDim / 4 threads a head, four columns each.
template <int kDim>
struct Merge {
  static constexpr int kLanes = kDim / 4, kThreads = 128, kHeads = kThreads / kLanes;
};
template <int kDim>
__global__ void __launch_bounds__(Merge<kDim>::kThreads) merge_many_kernel(const __grid_constant__ KernelArgs k) {
  constexpr int kLanes = Merge<kDim>::kLanes;
  constexpr int kAhead = 8;  // chunks that are read before the first is used
  const DecodeAttentionArgs& a = k.a;
  const int index = static_cast<int>(blockIdx.x) * Merge<kDim>::kHeads + static_cast<int>(threadIdx.x) / kLanes;
  const int lane = static_cast<int>(threadIdx.x) % kLanes, own = min(index, a.rows * a.heads - 1);
  const int row = own / a.heads, head = own % a.heads, first = a.first_item[row], last = a.first_item[row + 1];
  const auto at = [&](int item) { return static_cast<std::size_t>(item) * a.heads + head; };
  let_next_grid_start();
  wait_for_previous_grid();
  float max = -INFINITY;
  for (int item = first + lane; item < last; item += kLanes) max = fmaxf(max, k.parts[at(item)].max);
  for (int step = kLanes / 2; step > 0; step /= 2) max = fmaxf(max, __shfl_xor_sync(0xFFFFFFFFu, max, step));
  float sum = 0;
  float4 output = make_float4(0, 0, 0, 0);
  for (int start = first; start < last; start += kAhead) {
    Part parts[kAhead];
    float4 adds[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      const std::size_t from = at(min(start + i, last - 1));
      parts[i] = k.parts[from];
      adds[i] = reinterpret_cast<const float4*>(k.part_outputs + from * kDim)[lane];
    }
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      if (start + i >= last) break;
      const float factor = exp2f(parts[i].max - max);
      sum = fmaf(parts[i].sum, factor, sum);
      output.x = fmaf(adds[i].x, factor, output.x);
      output.y = fmaf(adds[i].y, factor, output.y);
      output.z = fmaf(adds[i].z, factor, output.z);
      output.w = fmaf(adds[i].w, factor, output.w);
    }
  }
  if (index >= a.rows * a.heads) return;
  reinterpret_cast<uint2*>(a.out + static_cast<std::size_t>(index) * kDim)[lane] =
      make_uint2(pack_bf16(output.x / sum, output.y / sum), pack_bf16(output.z / sum, output.w / sum));
}

/// For few rows: a block a (row, head), a thread a column.
template <int kDim>
__global__ void __launch_bounds__(kDim) merge_few_kernel(const __grid_constant__ KernelArgs k) {
  constexpr int kAhead = 32;  // chunks whose outputs are asked for before the first is used
  __shared__ float factors[kDim], sums[kDim], warp_max[kDim / kWarpThreads];
  const DecodeAttentionArgs& a = k.a;
  const int row = static_cast<int>(blockIdx.x) / a.heads, head = static_cast<int>(blockIdx.x) % a.heads;
  const int thread = static_cast<int>(threadIdx.x), first = a.first_item[row], n = a.first_item[row + 1] - first;
  const auto at = [&](int chunk) { return static_cast<std::size_t>(first + chunk) * a.heads + head; };
  let_next_grid_start();
  wait_for_previous_grid();
  float max = -INFINITY;
  for (int chunk = thread; chunk < n; chunk += kDim) max = fmaxf(max, k.parts[at(chunk)].max);
  for (int step = kWarpThreads / 2; step > 0; step /= 2) max = fmaxf(max, __shfl_xor_sync(0xFFFFFFFFu, max, step));
  if (thread % kWarpThreads == 0) warp_max[thread / kWarpThreads] = max;
  __syncthreads();
  for (int w = 0; w < kDim / kWarpThreads; ++w) max = fmaxf(max, warp_max[w]);
  float sum = 0, output = 0;
  for (int start = 0; start < n; start += kDim) {  // as many chunks at a time as there are threads
    if (start > 0) __syncthreads();
    if (start + thread < n) {
      const Part part = k.parts[at(start + thread)];
      factors[thread] = exp2f(part.max - max);
      sums[thread] = part.sum;
    }
    __syncthreads();
    const int end = min(n - start, kDim);
    for (int i = 0; i < end; i += kAhead) {
      float add[kAhead];
#pragma unroll
      for (int j = 0; j < kAhead; ++j) add[j] = i + j < end ? k.part_outputs[at(start + i + j) * kDim + thread] : 0.0f;
#pragma unroll
      for (int j = 0; j < kAhead; ++j) {
        if (i + j >= end) break;
        sum = fmaf(sums[i + j], factors[i + j], sum);
        output = fmaf(add[j], factors[i + j], output);
      }
    }
  }
  a.out[static_cast<std::size_t>(blockIdx.x) * kDim + thread] = __float2bfloat16_rn(output / sum);
}

template <int kDim>
Result<> launch_decode(const DecodeAttentionArgs& args, cudaStream_t stream) {
  ASSAY_ASSIGN(const CUtensorMap key_map, cache_map(args.cache, args.cache.keys));
  ASSAY_ASSIGN(const CUtensorMap value_map, cache_map(args.cache, args.cache.values));
  int device = 0, n_multiprocessors = 0;
  ASSAY_TRY(check(cudaGetDevice(&device), "CUDA device"));
  ASSAY_TRY(check(cudaDeviceGetAttribute(&n_multiprocessors, cudaDevAttrMultiProcessorCount, device), "CUDA device"));
  constexpr std::size_t kSharedBytes = kHeadBytes + Stage<kDim>::kCount * Stage<kDim>::kBytes;
  static const Result<> allowed = allow_shared_memory(chunks_kernel<kDim>, kSharedBytes);
  ASSAY_TRY(allowed);
  KernelArgs k{args, args.scratch, nullptr};
  k.parts = reinterpret_cast<Part*>(args.scratch + static_cast<std::size_t>(args.max_items) * args.heads * kDim);
  const int n_blocks = std::min(Stage<kDim>::kBlocks * n_multiprocessors, args.max_items * args.cache.kv_heads);
  ASSAY_TRY(launch("decode_attention", chunks_kernel<kDim>,
                   {dim3(static_cast<unsigned>(n_blocks)), kThreads, kSharedBytes}, stream, key_map, value_map, k));
  constexpr int kFewHeads = 512;
  const int n_heads = args.rows * args.heads;
  if (n_heads <= kFewHeads) {
    return launch("decode_attention: merge", merge_few_kernel<kDim>, {dim3(static_cast<unsigned>(n_heads)), kDim},
                  stream, k);
  }
  const int n_merge_blocks = (n_heads + Merge<kDim>::kHeads - 1) / Merge<kDim>::kHeads;
  return launch("decode_attention: merge", merge_many_kernel<kDim>,
                {dim3(static_cast<unsigned>(n_merge_blocks)), Merge<kDim>::kThreads}, stream, k);
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
  return cache.head_dim == 64 ? launch_decode<64>(args, stream) : launch_decode<128>(args, stream);
}

}  // namespace assay::kernels

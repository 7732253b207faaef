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
  static constexpr int kCount = 3 * 128 / kDim;  // 96 KiB: two blocks on a multiprocessor
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

/// The copying side, one thread. What the next chunk is has been read before this one's pages are asked for.
template <int kDim>
__device__ void load_pages(const DecodeAttentionArgs& a, Shared& shared, char* stages, const CUtensorMap& key_map,
                           const CUtensorMap& value_map) {
  const int n_work = a.first_item[a.rows] * a.cache.kv_heads, step = static_cast<int>(gridDim.x);
  Place at;
  int n_loaded = 0;
  Work work = work_at(a, static_cast<int>(blockIdx.x), n_work);
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

/// The group's query heads as the left operand: rows past the group are zero.
template <int kDim>
__device__ void load_queries(const __nv_bfloat16* q, int group, std::uint32_t (&out)[kDim / 16][4]) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads, row = lane / 4, column = 2 * (lane % 4);
  const auto pair = [&](int r, int c) {
    return r < group ? *reinterpret_cast<const std::uint32_t*>(q + r * kDim + c) : 0u;
  };
#pragma unroll
  for (int k = 0; k < kDim / 16; ++k) {
    out[k][0] = pair(row, 16 * k + column);
    out[k][1] = pair(row + 8, 16 * k + column);
    out[k][2] = pair(row, 16 * k + column + 8);
    out[k][3] = pair(row + 8, 16 * k + column + 8);
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
    const int half = k / 4, unit = 2 * (k % 4) + key_unit;
    load_matrices(b, keys + half * kSwizzleElements * kPageTokens * 2 + swizzled_offset(key_row, unit));
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
  const std::uint32_t low = pair_mask(2 * (lane % 4)), high = pair_mask(2 * (lane % 4) + 8);
  const int value_row = first_token + lane % 16, value_unit = lane / 16;
#pragma unroll
  for (int j = 0; j < kDim / 16; ++j) {
    std::uint32_t b[4];
    const int half = j / 4, unit = 2 * (j % 4) + value_unit;
    load_matrices_transposed(b, values + half * kSwizzleElements * kPageTokens * 2 + swizzled_offset(value_row, unit));
    multiply_16x8(r.output[2 * j], weights, b[0] & low, b[1] & high);
    multiply_16x8(r.output[2 * j + 1], weights, b[2] & low, b[3] & high);
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
  const int group = a.heads / a.cache.kv_heads, step = static_cast<int>(gridDim.x);
  const int n_work = a.first_item[a.rows] * a.cache.kv_heads;
  const float scale_log2 = a.scale * kLog2E;
  Place at;
  Work work = work_at(a, static_cast<int>(blockIdx.x), n_work);
  for (int number = static_cast<int>(blockIdx.x); number < n_work; number += step) {
    const int first_head = work.kv_head * group, n_keys = work.item.n_keys;
    std::uint32_t q[kDim / 16][4];
    load_queries<kDim>(a.q + (static_cast<std::size_t>(work.item.row) * a.heads + first_head) * kDim, group, q);
    const Work next = work_at(a, number + step, n_work);
    Running<kDim> running = {};
    running.max[0] = running.max[1] = -INFINITY;
    for (int first = 0; first < n_keys; first += kPageTokens) {
      char* page = stages + at.slot * Stage<kDim>::kBytes;
      barrier_wait(&shared.full[at.slot], at.parity);
      const int n_valid = min(kQuarterTokens, n_keys - first - warp * kQuarterTokens);
      if (n_valid > 0) attend_quarter<kDim>(page, warp * kQuarterTokens, n_valid, scale_log2, q, running);
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
  }
}

template <int kDim>
__global__ void __launch_bounds__(kThreads, 2)
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
  wait_for_previous_grid();
  if (threadIdx.x < kQuarters * kWarpThreads) {
    attend_chunks<kDim>(k, shared, stages);
  } else if (threadIdx.x == kQuarters * kWarpThreads) {
    load_pages<kDim>(k.a, shared, stages, key_map, value_map);
  }
}

/// Adds a row's chunks in ascending order: kDim / 4 threads a head, four columns each.
template <int kDim>
struct Merge {
  static constexpr int kLanes = kDim / 4, kThreads = 128, kHeads = kThreads / kLanes;
};
template <int kDim>
__global__ void __launch_bounds__(Merge<kDim>::kThreads) merge_kernel(const __grid_constant__ KernelArgs k) {
  constexpr int kLanes = Merge<kDim>::kLanes;
  let_next_grid_start();
  wait_for_previous_grid();
  const DecodeAttentionArgs& a = k.a;
  const int index = static_cast<int>(blockIdx.x) * Merge<kDim>::kHeads + static_cast<int>(threadIdx.x) / kLanes;
  const int lane = static_cast<int>(threadIdx.x) % kLanes, own = min(index, a.rows * a.heads - 1);
  const int row = own / a.heads, head = own % a.heads, first = a.first_item[row], last = a.first_item[row + 1];
  const auto at = [&](int item) { return static_cast<std::size_t>(item) * a.heads + head; };
  float max = -INFINITY;
  for (int item = first + lane; item < last; item += kLanes) max = fmaxf(max, k.parts[at(item)].max);
  for (int step = kLanes / 2; step > 0; step /= 2) max = fmaxf(max, __shfl_xor_sync(0xFFFFFFFFu, max, step));
  float sum = 0;
  float4 output = make_float4(0, 0, 0, 0);
  constexpr int kAhead = 8;  // parts that are read before the first is used
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
  const int n_blocks = std::min(2 * n_multiprocessors, args.max_items * args.cache.kv_heads);
  ASSAY_TRY(launch("decode_attention", chunks_kernel<kDim>,
                   {dim3(static_cast<unsigned>(n_blocks)), kThreads, kSharedBytes}, stream, key_map, value_map, k));
  const int n_merge_blocks = (args.rows * args.heads + Merge<kDim>::kHeads - 1) / Merge<kDim>::kHeads;
  return launch("decode_attention: merge", merge_kernel<kDim>,
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

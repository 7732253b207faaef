// Sixteen or eight threads a head, four pairs (i, i + d/2) each. Contract in rope_append.cuh.

#include "kernels/rope/rope_append.cuh"

#include <cuda_runtime.h>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kThreads = 128;
constexpr int kPairs = 4;  // of a thread, neighbours: (i, i + d/2)

/// The four numbers rounded to bfloat16.
__device__ uint2 packed(const float (&x)[kPairs]) {
  return {hopper::pack_bf16(x[0], x[1]), hopper::pack_bf16(x[2], x[3])};
}
__device__ void load_four(float (&to)[kPairs], const float* from) {
  const float4 four = *reinterpret_cast<const float4*>(from);
  to[0] = four.x;
  to[1] = four.y;
  to[2] = four.z;
  to[3] = four.w;
}

/// The sum of a head's squares: 32 chains over d/64 pairs each, then as a tree from the farthest chains to neighbours.
template <int kDim>
__device__ float head_squares(const float (&low)[kPairs], const float (&high)[kPairs]) {
  constexpr int kOfChain = kDim / 64, kChains = kPairs / kOfChain;  // this thread's
  float sums[kChains];
#pragma unroll
  for (int c = 0; c < kChains; ++c) {
    sums[c] = 0;
#pragma unroll
    for (int i = c * kOfChain; i < (c + 1) * kOfChain; ++i) {
      sums[c] = fmaf(high[i], high[i], fmaf(low[i], low[i], sums[c]));
    }
#pragma unroll
    for (int step = 16 / kChains; step > 0; step /= 2) sums[c] += __shfl_xor_sync(0xFFFFFFFFu, sums[c], step);
  }
#pragma unroll
  for (int step = kChains / 2; step > 0; step /= 2) {
#pragma unroll
    for (int c = 0; c < step; ++c) sums[c] += sums[c + step];
  }
  return sums[0];
}

template <int kDim>
__global__ void __launch_bounds__(kThreads) rope_append_kernel(RopeAppendArgs a) {
  constexpr int kLanes = kDim / 2 / kPairs, kHeads = kThreads / kLanes;
  hopper::let_next_grid_start();
  const int thread = static_cast<int>(threadIdx.x), first = thread % kLanes * kPairs,
            n_heads = a.heads + 2 * a.kv_heads;
  const int last = a.tokens * n_heads - 1, index = static_cast<int>(blockIdx.x) * kHeads + thread / kLanes;
  const int token = min(index, last) / n_heads, head = min(index, last) % n_heads;  // all lanes take part in sums
  const int position = a.positions[token], slot = a.slots[token];
  const float* angles = a.rope + static_cast<std::size_t>(position) * kDim + 2 * first;  // cosine, sine
  float turn[2][kPairs];
  load_four(turn[0], angles);
  load_four(turn[1], angles + kPairs);
  hopper::wait_for_previous_grid();
  const float* x = a.qkv + static_cast<std::size_t>(min(index, last)) * kDim + first;
  float low[kPairs], high[kPairs];
  load_four(low, x);
  load_four(high, x + kDim / 2);
  const bool is_value = head >= a.heads + a.kv_heads, is_query = head < a.heads;
  if (a.q_norm != nullptr || a.k_norm != nullptr) {
    const float* norm = is_value ? nullptr : is_query ? a.q_norm : a.k_norm;
    const float scale = 1.0f / sqrtf(head_squares<kDim>(low, high) / kDim + a.eps);
    if (norm != nullptr) {
#pragma unroll
      for (int i = 0; i < kPairs; ++i) {
        low[i] = low[i] * scale * norm[first + i];
        high[i] = high[i] * scale * norm[first + i + kDim / 2];
      }
    }
  }
  if (!is_value) {
#pragma unroll
    for (int i = 0; i < kPairs; ++i) {
      const float cosine = turn[i / 2][i % 2 * 2], sine = turn[i / 2][i % 2 * 2 + 1], x0 = low[i], x1 = high[i];
      low[i] = x0 * cosine - x1 * sine;
      high[i] = x1 * cosine + x0 * sine;
    }
  }
  if (index > last) return;
  __nv_bfloat16* to = nullptr;
  if (is_query) {
    to = a.q +
         (static_cast<std::size_t>(token) * static_cast<std::size_t>(a.heads) + static_cast<std::size_t>(head)) * kDim;
  } else {
    const int kv_head = (head - a.heads) % a.kv_heads;
    to = a.cache + cache_keys_place(slot / kCachePageTokens, a.kv_heads, kv_head, kDim) +
         (is_value ? cache_head_elements(kDim) / 2 : 0) + slot % kCachePageTokens * kDim;
  }
  *reinterpret_cast<uint2*>(to + first) = packed(low);
  *reinterpret_cast<uint2*>(to + first + kDim / 2) = packed(high);
}

}  // namespace

Result<> rope_append(const RopeAppendArgs& args, cudaStream_t stream) {
  if (args.head_dim != 64 && args.head_dim != 128) {
    return bad_input("rope_append: head_dim is ", args.head_dim, ", must be 64 or 128");
  }
  if (args.heads < 1 || args.kv_heads < 1) {
    return bad_input("rope_append: ", args.heads, " query and ", args.kv_heads, " key heads");
  }
  if (args.tokens == 0) return {};
  const int n_heads = args.tokens * (args.heads + 2 * args.kv_heads), of_block = kThreads * 2 * kPairs / args.head_dim;
  const LaunchShape shape{dim3(static_cast<unsigned>((n_heads + of_block - 1) / of_block)), kThreads};
  return launch("rope_append", args.head_dim == 64 ? rope_append_kernel<64> : rope_append_kernel<128>, shape, stream,
                args);
}

}  // namespace assay::kernels

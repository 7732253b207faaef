// A warp a head: each lane has d/64 pairs (i, i + d/2). Contract in rope_append.cuh.

#include "kernels/rope/rope_append.cuh"

#include <cuda_runtime.h>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kWarps = 4;

template <int kDim>
__global__ void __launch_bounds__(kWarps * 32) rope_append_kernel(RopeAppendArgs a) {
  constexpr int kPairs = kDim / 64;  // pairs of a lane, neighbours
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  const int lane = static_cast<int>(threadIdx.x) % 32, n_heads = a.heads + 2 * a.kv_heads;
  const int index = static_cast<int>(blockIdx.x) * kWarps + static_cast<int>(threadIdx.x) / 32;
  if (index >= a.tokens * n_heads) return;
  const int token = index / n_heads, head = index % n_heads;
  const float* x = a.qkv + static_cast<std::size_t>(index) * kDim;
  float low[kPairs], high[kPairs];
  for (int i = 0; i < kPairs; ++i) {
    low[i] = x[lane * kPairs + i];
    high[i] = x[lane * kPairs + i + kDim / 2];
  }
  const bool is_value = head >= a.heads + a.kv_heads, is_query = head < a.heads;
  const float* norm = is_query ? a.q_norm : a.k_norm;
  if (!is_value && norm != nullptr) {
    float squares = 0;
    for (int i = 0; i < kPairs; ++i) squares = fmaf(high[i], high[i], fmaf(low[i], low[i], squares));
    for (int step = 16; step > 0; step /= 2) squares += __shfl_xor_sync(0xFFFFFFFFu, squares, step);
    const float scale = 1.0f / sqrtf(squares / kDim + a.eps);
    for (int i = 0; i < kPairs; ++i) {
      low[i] = low[i] * scale * norm[lane * kPairs + i];
      high[i] = high[i] * scale * norm[lane * kPairs + i + kDim / 2];
    }
  }
  if (!is_value) {
    const auto* angles = reinterpret_cast<const float2*>(a.rope + static_cast<std::size_t>(a.positions[token]) * kDim);
    for (int i = 0; i < kPairs; ++i) {
      const float2 angle = angles[lane * kPairs + i];  // cosine, sine
      const float x0 = low[i], x1 = high[i];
      low[i] = x0 * angle.x - x1 * angle.y;
      high[i] = x1 * angle.x + x0 * angle.y;
    }
  }
  __nv_bfloat16* to = nullptr;
  if (is_query) {
    to = a.q +
         (static_cast<std::size_t>(token) * static_cast<std::size_t>(a.heads) + static_cast<std::size_t>(head)) * kDim;
  } else {
    const int kv_head = (head - a.heads) % a.kv_heads, slot = a.slots[token];
    const std::size_t page = static_cast<std::size_t>(slot / kCachePageTokens);
    const std::size_t row =
        (page * static_cast<std::size_t>(a.kv_heads) + static_cast<std::size_t>(kv_head)) * kCachePageTokens +
        static_cast<std::size_t>(slot % kCachePageTokens);
    to = (is_value ? a.values : a.keys) + row * kDim;
  }
  for (int i = 0; i < kPairs; ++i) {
    to[lane * kPairs + i] = __float2bfloat16_rn(low[i]);
    to[lane * kPairs + i + kDim / 2] = __float2bfloat16_rn(high[i]);
  }
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
  const int n_warps = args.tokens * (args.heads + 2 * args.kv_heads);
  const LaunchShape shape{dim3(static_cast<unsigned>((n_warps + kWarps - 1) / kWarps)), kWarps * 32};
  return launch("rope_append", args.head_dim == 64 ? rope_append_kernel<64> : rope_append_kernel<128>, shape, stream,
                args);
}

}  // namespace assay::kernels

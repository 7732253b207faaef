// A warp a query head, and one more for the token's cache row: each lane has four neighbours of every 128 values and
// one rotated pair. Contract in mla_append.cuh.

#include "kernels/rope/mla_append.cuh"

#include <cuda_runtime.h>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kWarps = 8;
constexpr int kLaneValues = 4;
constexpr int kWarpValues = 32 * kLaneValues;
static_assert(kMlaNope == kWarpValues && kMlaRope == 2 * 32, "a lane has four values and one pair of a head");

__device__ inline uint2 packed(const float4& v) { return {hopper::pack_bf16(v.x, v.y), hopper::pack_bf16(v.z, v.w)}; }

/// A pair rotated by its angle (cosine, sine), as bfloat16.
__device__ inline std::uint32_t rotated(const float2& x, const float2& angle) {
  return hopper::pack_bf16(x.x * angle.x - x.y * angle.y, x.y * angle.x + x.x * angle.y);
}

/// One token's row of the cache.
__device__ void append_row(const MlaAppendArgs& a, int token, int lane, const float2& angle) {
  constexpr int kGroups = kMlaLatent / kWarpValues;
  const float* x = a.kv + token * a.kv_stride;
  const int slot = a.slots[token];
  __nv_bfloat16* to = a.cache + static_cast<std::int64_t>(slot) * kMlaRow;
  float4 v[kGroups];
  float squares = 0;
  for (int g = 0; g < kGroups; ++g) {
    const int i = g * kWarpValues + lane * kLaneValues;
    v[g] = i < a.n_latent ? *reinterpret_cast<const float4*>(x + i) : make_float4(0, 0, 0, 0);
    squares = fmaf(v[g].w, v[g].w, fmaf(v[g].z, v[g].z, fmaf(v[g].y, v[g].y, fmaf(v[g].x, v[g].x, squares))));
  }
  for (int step = 16; step > 0; step /= 2) squares += __shfl_xor_sync(0xFFFFFFFFu, squares, step);
  const float scale = 1.0f / sqrtf(squares / static_cast<float>(a.n_latent) + a.eps);
  for (int g = 0; g < kGroups; ++g) {
    const int i = g * kWarpValues + lane * kLaneValues;
    const float4 w = i < a.n_latent ? *reinterpret_cast<const float4*>(a.norm + i) : make_float4(0, 0, 0, 0);
    *reinterpret_cast<uint2*>(to + i) =
        packed({v[g].x * scale * w.x, v[g].y * scale * w.y, v[g].z * scale * w.z, v[g].w * scale * w.w});
  }
  const float2 pair = *reinterpret_cast<const float2*>(x + kMlaLatent + 2 * lane);
  *reinterpret_cast<std::uint32_t*>(to + kMlaLatent + 2 * lane) = rotated(pair, angle);
}

__global__ void __launch_bounds__(kWarps * 32) mla_append_kernel(MlaAppendArgs a) {
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int index = static_cast<int>(blockIdx.x) * kWarps + static_cast<int>(threadIdx.x) / 32;
  if (index >= a.tokens * (a.heads + 1)) return;
  const int token = index / (a.heads + 1), head = index % (a.heads + 1);
  const float2 angle =
      *reinterpret_cast<const float2*>(a.rope + static_cast<std::int64_t>(a.positions[token]) * kMlaRope + 2 * lane);
  if (head == a.heads) return append_row(a, token, lane, angle);
  const float* x = a.q + token * a.q_stride + head * kMlaHead;
  const uint2 nope = packed(*reinterpret_cast<const float4*>(x + lane * kLaneValues));
  const std::uint32_t rope = rotated(*reinterpret_cast<const float2*>(x + kMlaNope + 2 * lane), angle);
  const std::int64_t row = static_cast<std::int64_t>(token) * a.heads + head;
  const bool is_prompt = a.q_head != nullptr;
  __nv_bfloat16* nope_to = is_prompt ? a.q_head + row * kMlaHead : a.q_nope + row * kMlaNope;
  __nv_bfloat16* rope_to = is_prompt ? nope_to + kMlaNope : a.q_latent + row * kMlaRow + kMlaLatent;
  *reinterpret_cast<uint2*>(nope_to + lane * kLaneValues) = nope;
  *reinterpret_cast<std::uint32_t*>(rope_to + 2 * lane) = rope;
}

}  // namespace

Result<> mla_append(const MlaAppendArgs& args, cudaStream_t stream) {
  if (args.heads < 1 || args.tokens < 0) {
    return bad_input("mla_append: ", args.tokens, " tokens of ", args.heads, " heads");
  }
  if (args.n_latent < 4 || args.n_latent > kMlaLatent || args.n_latent % 4 != 0) {
    return bad_input("mla_append: n_latent is ", args.n_latent, ", must be a multiple of 4 up to ", kMlaLatent);
  }
  if (args.q_stride < args.heads * kMlaHead || args.q_stride % 4 != 0 || args.kv_stride < kMlaRow ||
      args.kv_stride % 4 != 0) {
    return bad_input("mla_append: strides are ", args.q_stride, " and ", args.kv_stride,
                     ", must be multiples of 4 and at least ", args.heads * kMlaHead, " and ", kMlaRow);
  }
  const bool to_prompt = args.q_head != nullptr, to_generated = args.q_nope != nullptr && args.q_latent != nullptr;
  if (to_prompt == to_generated) return bad_input("mla_append: queries go to q_head, or to q_nope and q_latent");
  if (args.tokens == 0) return {};
  const int n_warps = args.tokens * (args.heads + 1);
  return launch("mla_append", mla_append_kernel,
                {dim3(static_cast<unsigned>((n_warps + kWarps - 1) / kWarps)), kWarps * 32}, stream, args);
}

}  // namespace assay::kernels

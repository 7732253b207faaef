// RMSNorm and embedding, a block a row. Contract in rmsnorm_bf16.cuh.

#include "kernels/rmsnorm/rmsnorm_bf16.cuh"

#include <cuda_runtime.h>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;

/// The sum over the block's threads, the same tree always; every thread gets it.
__device__ float block_sum(float value) {
  __shared__ float parts[kWarps];
  for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xFFFFFFFFu, value, step);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
  __syncthreads();
  float sum = parts[0];
  for (int i = 1; i < kWarps; ++i) sum += parts[i];
  return sum;
}

__device__ uint2 packed(float a, float b, float c, float d) {
  return {hopper::pack_bf16(a, b), hopper::pack_bf16(c, d)};
}

/// A thread keeps its groups of four between the sum and the product: kGroups at most. The weights are asked for before
/// the row is there.
template <int kGroups>
__global__ void __launch_bounds__(kThreads) rmsnorm_kernel(RmsNormBf16Args a) {
  hopper::let_next_grid_start();
  const int thread = static_cast<int>(threadIdx.x), token = static_cast<int>(blockIdx.x), n_groups = a.hidden / 4;
  const auto* weight = reinterpret_cast<const float4*>(a.weight);
  float4 w[kGroups], v[kGroups];
#pragma unroll
  for (int i = 0; i < kGroups; ++i) {
    if (thread + i * kThreads < n_groups) w[i] = weight[thread + i * kThreads];
  }
  hopper::wait_for_previous_grid();
  const std::size_t row = static_cast<std::size_t>(a.rows != nullptr ? a.rows[token] : token);
  const auto* x = reinterpret_cast<const float4*>(a.x + row * static_cast<std::size_t>(a.hidden));
  auto* y = reinterpret_cast<uint2*>(a.y + static_cast<std::size_t>(token) * static_cast<std::size_t>(a.hidden));
#pragma unroll
  for (int i = 0; i < kGroups; ++i) {
    if (thread + i * kThreads < n_groups) v[i] = x[thread + i * kThreads];
  }
  float squares = 0;
#pragma unroll
  for (int i = 0; i < kGroups; ++i) {
    if (thread + i * kThreads < n_groups) {
      squares = fmaf(v[i].w, v[i].w, fmaf(v[i].z, v[i].z, fmaf(v[i].y, v[i].y, fmaf(v[i].x, v[i].x, squares))));
    }
  }
  const float scale = 1.0f / sqrtf(block_sum(squares) / static_cast<float>(a.hidden) + a.eps);
#pragma unroll
  for (int i = 0; i < kGroups; ++i) {
    if (thread + i * kThreads < n_groups) {
      y[thread + i * kThreads] =
          packed(v[i].x * scale * w[i].x, v[i].y * scale * w[i].y, v[i].z * scale * w[i].z, v[i].w * scale * w[i].w);
    }
  }
}

__global__ void __launch_bounds__(kThreads) embed_kernel(EmbedArgs a) {
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  const auto hidden = static_cast<std::size_t>(a.hidden);
  int id = a.ids[blockIdx.x];
  if (id < 0) id = max(0, a.drawn[-1 - id]);
  const auto* from = reinterpret_cast<const __nv_bfloat162*>(a.table + static_cast<std::size_t>(id) * hidden);
  auto* to = reinterpret_cast<float2*>(a.x + blockIdx.x * hidden);
  for (int i = static_cast<int>(threadIdx.x); i < a.hidden / 2; i += kThreads) to[i] = __bfloat1622float2(from[i]);
}

}  // namespace

Result<> rmsnorm_bf16(const RmsNormBf16Args& args, cudaStream_t stream) {
  if (args.hidden < 8 || args.hidden % 8 != 0 || args.hidden > kMaxNormHidden) {
    return bad_input("rmsnorm_bf16: hidden is ", args.hidden, ", must be a multiple of 8, at most ", kMaxNormHidden);
  }
  if (args.tokens == 0) return {};
  const LaunchShape shape{dim3(static_cast<unsigned>(args.tokens)), kThreads};
  const int n_groups = (args.hidden / 4 + kThreads - 1) / kThreads;
  if (n_groups <= 2) return launch("rmsnorm_bf16", rmsnorm_kernel<2>, shape, stream, args);
  if (n_groups <= 4) return launch("rmsnorm_bf16", rmsnorm_kernel<4>, shape, stream, args);
  if (n_groups <= 8) return launch("rmsnorm_bf16", rmsnorm_kernel<8>, shape, stream, args);
  return launch("rmsnorm_bf16", rmsnorm_kernel<kMaxNormHidden / 4 / kThreads>, shape, stream, args);
}

Result<> embed_rows(const EmbedArgs& args, cudaStream_t stream) {
  if (args.hidden < 8 || args.hidden % 8 != 0) {
    return bad_input("embed_rows: hidden is ", args.hidden, ", must be a multiple of 8");
  }
  if (args.tokens == 0) return {};
  return launch("embed_rows", embed_kernel, {dim3(static_cast<unsigned>(args.tokens)), kThreads}, stream, args);
}

}  // namespace assay::kernels

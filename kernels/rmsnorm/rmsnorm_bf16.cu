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

__global__ void __launch_bounds__(kThreads) rmsnorm_kernel(RmsNormBf16Args a) {
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  const int token = static_cast<int>(blockIdx.x);
  const std::size_t row = static_cast<std::size_t>(a.rows != nullptr ? a.rows[token] : token);
  const auto* x = reinterpret_cast<const float4*>(a.x + row * static_cast<std::size_t>(a.hidden));
  const auto* weight = reinterpret_cast<const float4*>(a.weight);
  auto* y = reinterpret_cast<uint2*>(a.y + static_cast<std::size_t>(token) * static_cast<std::size_t>(a.hidden));
  float squares = 0;
  for (int i = static_cast<int>(threadIdx.x); i < a.hidden / 4; i += kThreads) {
    const float4 v = x[i];
    squares = fmaf(v.w, v.w, fmaf(v.z, v.z, fmaf(v.y, v.y, fmaf(v.x, v.x, squares))));
  }
  const float scale = 1.0f / sqrtf(block_sum(squares) / static_cast<float>(a.hidden) + a.eps);
  for (int i = static_cast<int>(threadIdx.x); i < a.hidden / 4; i += kThreads) {
    const float4 v = x[i], w = weight[i];
    y[i] = packed(v.x * scale * w.x, v.y * scale * w.y, v.z * scale * w.z, v.w * scale * w.w);
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
  if (args.hidden < 8 || args.hidden % 8 != 0) {
    return bad_input("rmsnorm_bf16: hidden is ", args.hidden, ", must be a multiple of 8");
  }
  if (args.tokens == 0) return {};
  return launch("rmsnorm_bf16", rmsnorm_kernel, {dim3(static_cast<unsigned>(args.tokens)), kThreads}, stream, args);
}

Result<> embed_rows(const EmbedArgs& args, cudaStream_t stream) {
  if (args.hidden < 8 || args.hidden % 8 != 0) {
    return bad_input("embed_rows: hidden is ", args.hidden, ", must be a multiple of 8");
  }
  if (args.tokens == 0) return {};
  return launch("embed_rows", embed_kernel, {dim3(static_cast<unsigned>(args.tokens)), kThreads}, stream, args);
}

}  // namespace assay::kernels

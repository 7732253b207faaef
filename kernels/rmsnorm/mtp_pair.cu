// A block a half of a row. Contract in mtp_pair.cuh.

#include "kernels/rmsnorm/mtp_pair.cuh"

#include <cuda_runtime.h>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;

__global__ void __launch_bounds__(kThreads) mtp_pair_kernel(const MtpPairArgs a) {
  __shared__ float parts[kWarps];
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  const int token = static_cast<int>(blockIdx.x), n_pairs = a.hidden / 2;
  const bool is_embedding = blockIdx.y == 0;
  const auto hidden = static_cast<std::size_t>(a.hidden);
  const __nv_bfloat16* row = is_embedding ? a.table + static_cast<std::size_t>(a.ids[token]) * hidden
                                          : a.states + static_cast<std::size_t>(a.rows[token]) * hidden;
  const auto* x = reinterpret_cast<const __nv_bfloat162*>(row);
  const auto* weight = reinterpret_cast<const float2*>(is_embedding ? a.enorm : a.hnorm);
  auto* y = reinterpret_cast<std::uint32_t*>(a.y + (2 * static_cast<std::size_t>(token) + blockIdx.y) * hidden);
  float squares = 0;
  for (int i = static_cast<int>(threadIdx.x); i < n_pairs; i += kThreads) {
    const float2 v = __bfloat1622float2(x[i]);
    squares = fmaf(v.y, v.y, fmaf(v.x, v.x, squares));
  }
  for (int step = 16; step > 0; step /= 2) squares += __shfl_xor_sync(0xFFFFFFFFu, squares, step);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = squares;
  __syncthreads();
  float sum = parts[0];
  for (int i = 1; i < kWarps; ++i) sum += parts[i];
  const float scale = 1.0f / sqrtf(sum / static_cast<float>(a.hidden) + a.eps);
  for (int i = static_cast<int>(threadIdx.x); i < n_pairs; i += kThreads) {
    const float2 v = __bfloat1622float2(x[i]), w = weight[i];
    y[i] = hopper::pack_bf16(v.x * scale * w.x, v.y * scale * w.y);
  }
}

}  // namespace

Result<> mtp_pair(const MtpPairArgs& args, cudaStream_t stream) {
  if (args.hidden < 8 || args.hidden % 8 != 0) {
    return bad_input("mtp_pair: hidden is ", args.hidden, ", must be a multiple of 8");
  }
  if (args.tokens == 0) return {};
  return launch("mtp_pair", mtp_pair_kernel, {dim3(static_cast<unsigned>(args.tokens), 2), kThreads}, stream, args);
}

}  // namespace assay::kernels

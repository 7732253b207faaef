// A block a token, or a part of one where tokens are few. Contract in combine_rows.cuh.

#include "kernels/router/combine_rows.cuh"

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kMaxSlots = 16;
constexpr std::size_t kAhead = 8;  // slots whose rows are asked for at once

__global__ void combine_rows_kernel(CombineRowsArgs a) {
  __shared__ float weights[kMaxSlots];
  __shared__ int places[kMaxSlots];
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  const std::size_t token = blockIdx.x, slots = static_cast<std::size_t>(a.num_experts_per_tok);
  if (threadIdx.x < slots) {
    weights[threadIdx.x] = a.weights[token * slots + threadIdx.x];
    places[threadIdx.x] = a.places[token * slots + threadIdx.x];
  }
  __syncthreads();
  const std::size_t width = static_cast<std::size_t>(a.hidden) / 4;
  const auto* out = reinterpret_cast<const float4*>(a.out);
  const auto* shared = reinterpret_cast<const float4*>(a.shared);
  auto* x = reinterpret_cast<float4*>(a.x) + token * width;
  for (std::size_t i = blockIdx.y * blockDim.x + threadIdx.x; i < width; i += gridDim.y * blockDim.x) {
    // All loads are on their way before the first is used; the sums keep the slots' order.
    float4 v{0, 0, 0, 0}, by_shared{0, 0, 0, 0};
    if (!a.replaces_x) v = x[i];
    if (shared != nullptr) by_shared = shared[token * width + i];
    float4 sum{0, 0, 0, 0};
    for (std::size_t first = 0; first < slots; first += kAhead) {
      float4 parts[kAhead];
#pragma unroll
      for (std::size_t k = 0; k < kAhead; ++k) {
        if (first + k < slots && places[first + k] >= 0) {
          parts[k] = out[static_cast<std::size_t>(places[first + k]) * width + i];
        }
      }
#pragma unroll
      for (std::size_t k = 0; k < kAhead; ++k) {
        if (first + k >= slots) break;
        if (places[first + k] < 0) continue;
        const float weight = weights[first + k];
        sum.x += weight * parts[k].x;
        sum.y += weight * parts[k].y;
        sum.z += weight * parts[k].z;
        sum.w += weight * parts[k].w;
      }
    }
    if (shared != nullptr) {
      sum.x += by_shared.x;
      sum.y += by_shared.y;
      sum.z += by_shared.z;
      sum.w += by_shared.w;
    }
    v.x += sum.x;
    v.y += sum.y;
    v.z += sum.z;
    v.w += sum.w;
    x[i] = v;
  }
}

}  // namespace

Result<> combine_rows(const CombineRowsArgs& args, cudaStream_t stream) {
  if (args.hidden < 4 || args.hidden % 4 != 0) {
    return bad_input("combine_rows: hidden is ", args.hidden, ", must be a multiple of 4");
  }
  if (args.tokens < 0 || args.num_experts_per_tok < 1 || args.num_experts_per_tok > kMaxSlots) {
    return bad_input("combine_rows: ", args.tokens, " tokens of ", args.num_experts_per_tok, " experts");
  }
  if (args.tokens == 0) return {};
  constexpr int kThreads = 128;
  const int parts = (args.hidden / 4 + kThreads - 1) / kThreads;
  const LaunchShape shape{dim3(static_cast<unsigned>(args.tokens), static_cast<unsigned>(parts)), kThreads};
  return launch("combine_rows", combine_rows_kernel, shape, stream, args);
}

}  // namespace assay::kernels

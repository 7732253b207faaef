// A block a page. Contract in mla_gather.cuh.

#include "kernels/attention/mla_gather.cuh"

#include <cuda_runtime.h>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kThreads = 256;
constexpr int kRowUnits = kMlaRow * 2 / 16;  // 16-byte units of a row
constexpr int kAhead = 6;                    // units that a thread has under way
static_assert(kCachePageTokens * kRowUnits % (kThreads * kAhead) == 0, "a whole page takes whole rounds");

__global__ void __launch_bounds__(kThreads) mla_gather_kernel(MlaGatherArgs a) {
  hopper::let_next_grid_start();
  const MlaGatherPage page = a.pages[blockIdx.x];
  hopper::wait_for_previous_grid();
  const auto* from = reinterpret_cast<const uint4*>(a.cache.rows) +
                     static_cast<std::size_t>(page.page) * (kCachePageTokens * kRowUnits);
  auto* to = reinterpret_cast<uint4*>(a.to) + static_cast<std::size_t>(page.first_row) * kRowUnits;
  const int n_units = page.n_rows * kRowUnits;
  for (int first = static_cast<int>(threadIdx.x); first < n_units; first += kThreads * kAhead) {
    uint4 units[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      if (first + i * kThreads < n_units) units[i] = from[first + i * kThreads];
    }
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      if (first + i * kThreads < n_units) to[first + i * kThreads] = units[i];
    }
  }
}

}  // namespace

Result<> mla_gather(const MlaGatherArgs& args, cudaStream_t stream) {
  if (args.n_pages < 0) return bad_input("mla_gather: ", args.n_pages, " pages");
  if (args.n_pages == 0) return {};
  return launch("mla_gather", mla_gather_kernel, {dim3(static_cast<unsigned>(args.n_pages)), kThreads}, stream, args);
}

}  // namespace assay::kernels

// A block a page of a plane. Contract in copy_pages.cuh.

#include "kernels/attention/copy_pages.cuh"

#include <cuda_runtime.h>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads) copy_pages_kernel(const CopyPagesArgs a) {
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  const PagePair pair = a.pairs[blockIdx.y];
  const auto page = static_cast<std::int64_t>(a.page_elements);
  __nv_bfloat16* plane = a.cache + static_cast<std::int64_t>(blockIdx.x) * a.n_pages * page;
  const auto* from = reinterpret_cast<const uint4*>(plane + pair.from * page);
  auto* to = reinterpret_cast<uint4*>(plane + pair.to * page);
  for (int i = static_cast<int>(threadIdx.x); i < a.page_elements / 8; i += kThreads) to[i] = from[i];
}

}  // namespace

Result<> copy_pages(const CopyPagesArgs& args, cudaStream_t stream) {
  if (args.page_elements < 8 || args.page_elements % 8 != 0) {
    return bad_input("copy_pages: a page has ", args.page_elements, " elements, must be a multiple of 8");
  }
  constexpr int kMaxPairs = 65535;
  if (args.n_pairs > kMaxPairs) return bad_input("copy_pages: ", args.n_pairs, " pages, at most ", kMaxPairs);
  if (args.n_pairs == 0 || args.n_planes == 0) return {};
  return launch("copy_pages", copy_pages_kernel,
                {dim3(static_cast<unsigned>(args.n_planes), static_cast<unsigned>(args.n_pairs)), kThreads}, stream,
                args);
}

}  // namespace assay::kernels

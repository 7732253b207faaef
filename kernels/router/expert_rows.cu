// A block an expert. Contract in expert_rows.cuh.

#include "kernels/router/expert_rows.cuh"

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/router/sort_pairs.cuh"

namespace assay::kernels {

namespace {

__global__ void __launch_bounds__(kSortThreads) expert_rows_kernel(ExpertRowsArgs a) {
  __shared__ SortRoom room;
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  sort_pairs(a, room);
}

__global__ void gather_rows_kernel(GatherRowsArgs a) {
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  const auto width = static_cast<std::size_t>(a.width) / 8;  // in units of 16 bytes
  const auto* from = reinterpret_cast<const uint4*>(a.x) + static_cast<std::size_t>(a.rows[blockIdx.x]) * width;
  auto* to = reinterpret_cast<uint4*>(a.y) + blockIdx.x * width;
  for (std::size_t i = threadIdx.x; i < width; i += blockDim.x) to[i] = from[i];
}

}  // namespace

int max_expert_tiles(int tokens, int num_experts_per_tok, int n_experts, int tile_rows) {
  const int n_pairs = tokens * num_experts_per_tok;
  return n_pairs / tile_rows + std::min(n_experts, n_pairs);
}

Result<> check_sorting(const ExpertRowsArgs& args) {
  if (args.n_experts < 1 || args.n_experts > kMaxExperts) {
    return bad_input("expert_rows: ", args.n_experts, " experts, must be 1 to ", kMaxExperts);
  }
  if (args.tokens < 0 || args.num_experts_per_tok < 1 || args.tile_rows < 1) {
    return bad_input("expert_rows: ", args.tokens, " tokens of ", args.num_experts_per_tok, " experts in tiles of ",
                     args.tile_rows);
  }
  const int n_own = args.n_own();
  if (args.first_expert < 0 || n_own < 0 || args.first_expert + n_own > args.n_experts) {
    return bad_input("expert_rows: ", n_own, " experts from ", args.first_expert, " on, there are ", args.n_experts);
  }
  return {};
}

Result<> expert_rows(const ExpertRowsArgs& args, cudaStream_t stream) {
  ASSAY_TRY(check_sorting(args));
  return launch("expert_rows", expert_rows_kernel, {dim3(static_cast<unsigned>(args.n_own())), kSortThreads}, stream,
                args);
}

Result<> gather_rows(const GatherRowsArgs& args, cudaStream_t stream) {
  if (args.n_rows < 0 || args.width < 8 || args.width % 8 != 0) {
    return bad_input("gather_rows: ", args.n_rows, " rows of ", args.width, ", must be multiples of 8");
  }
  if (args.n_rows == 0) return {};
  const int n_threads = std::clamp((args.width / 8 + 31) / 32 * 32, 32, 256);
  return launch("gather_rows", gather_rows_kernel, {dim3(static_cast<unsigned>(args.n_rows)), n_threads}, stream, args);
}

}  // namespace assay::kernels

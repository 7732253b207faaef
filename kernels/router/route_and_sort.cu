// A block an expert: it routes all rows by itself, which are few, sorts its own expert's and copies them to their
// places. Contract in route_and_sort.cuh.

#include "kernels/router/route_and_sort.cuh"

#include <cuda_runtime.h>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/router/route_row.cuh"
#include "kernels/router/sort_pairs.cuh"

namespace assay::kernels {

namespace {

static_assert(kMaxRowsAtOnce <= kSortWarps, "a warp routes a row");

/// Copies the rows of this block's expert to their places.
__device__ void bring_together(const RouteAndSortArgs& a, const SortRoom& room) {
  const int own = a.sort.first_expert + static_cast<int>(blockIdx.x);
  const int n_units = a.width / 8;  // of 16 bytes
  const auto* from = reinterpret_cast<const uint4*>(a.x);
  auto* to = reinterpret_cast<uint4*>(a.sorted) + room.first_place * n_units;
  const std::int32_t* tokens = a.sort.rows.tokens + room.first_place;
  for (int i = static_cast<int>(threadIdx.x); i < room.counts[own] * n_units; i += kSortThreads) {
    to[i] = from[tokens[i / n_units] * n_units + i % n_units];
  }
}

__global__ void __launch_bounds__(kSortThreads) route_and_sort_kernel(RouteAndSortArgs args) {
  __shared__ RouteRoom route_rooms[kMaxRowsAtOnce];
  __shared__ SortRoom sort_room;
  __shared__ std::int32_t slots[kMaxRowsAtOnce * kMaxExpertsPerToken];
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  const int token = static_cast<int>(threadIdx.x) / 32, per_token = args.route.router.num_experts_per_tok;
  if (token < args.route.tokens) {
    float* weights = blockIdx.x == 0 ? args.route.weights + token * per_token : nullptr;
    route_row(args.route, token, route_rooms[token], slots + token * per_token, weights);
  }
  args.sort.slots = slots;
  sort_pairs(args.sort, sort_room);
  if (args.x == nullptr) return;
  __syncthreads();
  bring_together(args, sort_room);
}

}  // namespace

Result<> route_and_sort(const RouteAndSortArgs& args, cudaStream_t stream) {
  ASSAY_TRY(check_routing(args.route));
  ASSAY_TRY(check_sorting(args.sort));
  if (args.route.tokens > kMaxRowsAtOnce || args.sort.tokens != args.route.tokens ||
      args.sort.n_experts != args.route.router.n_routed_experts ||
      args.sort.num_experts_per_tok != args.route.router.num_experts_per_tok) {
    return bad_input("route_and_sort: ", args.route.tokens, " tokens to route and ", args.sort.tokens,
                     " to sort, must be the same of the same experts, at most ", kMaxRowsAtOnce);
  }
  if (args.x != nullptr && (args.width < 8 || args.width % 8 != 0)) {
    return bad_input("route_and_sort: rows of ", args.width, ", must be multiples of 8");
  }
  return launch("route_and_sort", route_and_sort_kernel, {dim3(static_cast<unsigned>(args.sort.n_own())), kSortThreads},
                stream, args);
}

}  // namespace assay::kernels

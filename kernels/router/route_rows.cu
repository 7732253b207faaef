// A warp a token. Contract in route_rows.cuh.

#include "kernels/router/route_rows.cuh"

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/router/route_row.cuh"

namespace assay::kernels {

namespace {

constexpr int kWarps = 4;

__global__ void __launch_bounds__(kWarps * 32) route_rows_kernel(RouteRowsArgs args) {
  __shared__ RouteRoom rooms[kWarps];
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  const int warp = static_cast<int>(threadIdx.x) / 32, token = static_cast<int>(blockIdx.x) * kWarps + warp;
  if (token >= args.tokens) return;
  const std::ptrdiff_t first_slot = std::ptrdiff_t{token} * args.router.num_experts_per_tok;
  route_row(args, token, rooms[warp], args.slots + first_slot, args.weights + first_slot);
}

}  // namespace

Result<> check_routing(const RouteRowsArgs& args) {
  const RouterArgs& a = args.router;
  if (a.n_routed_experts < 1 || a.n_routed_experts > kMaxRoutedExperts) {
    return bad_input("route_rows: ", a.n_routed_experts, " experts, must be 1 to ", kMaxRoutedExperts);
  }
  if (a.num_experts_per_tok < 1 || a.num_experts_per_tok > std::min(a.n_routed_experts, kMaxExpertsPerToken)) {
    return bad_input("route_rows: ", a.num_experts_per_tok, " experts a token of ", a.n_routed_experts,
                     ", must be 1 to ", kMaxExpertsPerToken);
  }
  if (a.method != RoutingMethod::greedy && (a.n_group < 1 || a.n_group > 32 || a.n_routed_experts % a.n_group != 0 ||
                                            a.topk_group < 1 || a.topk_group > a.n_group)) {
    return bad_input("route_rows: ", a.topk_group, " of ", a.n_group, " groups of ", a.n_routed_experts, " experts");
  }
  if (args.n_parts < 1 || args.n_parts > 3) {
    return bad_input("route_rows: logits in ", args.n_parts, " parts, must be 1 to 3");
  }
  if (args.tokens < 0) return bad_input("route_rows: ", args.tokens, " tokens");
  return {};
}

Result<> route_rows(const RouteRowsArgs& args, cudaStream_t stream) {
  ASSAY_TRY(check_routing(args));
  if (args.tokens == 0) return {};
  const auto n_blocks = static_cast<unsigned>((args.tokens + kWarps - 1) / kWarps);
  return launch("route_rows", route_rows_kernel, {dim3(n_blocks), kWarps * 32}, stream, args);
}

}  // namespace assay::kernels

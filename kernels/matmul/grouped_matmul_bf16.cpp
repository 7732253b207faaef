// Checks, plans and tensor maps of grouped_matmul_bf16; the kernels are in grouped_matmul_bf16_kernel.cuh.

#include "kernels/matmul/grouped_matmul_bf16.cuh"

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/matmul/grouped_matmul_bf16_tiles.cuh"
#include "kernels/matmul/matmul_bf16_tiles.cuh"
#include "kernels/matmul/matmul_portable.cuh"

namespace assay::kernels {

namespace {

constexpr int kTileRows[] = {8, 16, 32, 64, 128, 256};

Result<int> multiprocessors() {
  int device = 0, n = 0;
  ASSAY_TRY(check(cudaGetDevice(&device), "CUDA device"));
  ASSAY_TRY(check(cudaDeviceGetAttribute(&n, cudaDevAttrMultiProcessorCount, device), "CUDA device"));
  return n;
}

/// Experts that some token chooses, if all are equally likely: E · (1 - (1 - k/E)^tokens).
double expected_experts(int tokens, int num_experts_per_tok, int n_experts) {
  return n_experts * (1 - std::pow(1 - static_cast<double>(num_experts_per_tok) / n_experts, tokens));
}

Result<> check_args(const GroupedMatmulBf16Args& a) {
  if (a.n_places < 0 || a.n_experts < 1 || a.n_out < 1 || a.n_in < 1) {
    return bad_input("grouped_matmul_bf16: shape ", a.n_places, " x ", a.n_experts, " x ", a.n_out, " x ", a.n_in);
  }
  if (std::int64_t{a.n_experts} * a.n_out > std::numeric_limits<int>::max()) {
    return bad_input("grouped_matmul_bf16: ", a.n_experts, " experts of ", a.n_out, " rows are too many");
  }
  const int n_out_unit = a.epilogue == Epilogue::swiglu_bf16 ? 16 : 8;
  if (a.n_in % 8 != 0 || a.n_out % n_out_unit != 0) {
    return bad_input("grouped_matmul_bf16: a weight is ", a.n_out, " x ", a.n_in, ", must be multiples of ", n_out_unit,
                     " and 8");
  }
  if (a.epilogue == Epilogue::add_f32) return bad_input("grouped_matmul_bf16: adds to nothing; combine_rows does");
  if (a.x_stride < a.n_in || a.x_stride % 8 != 0) {
    return bad_input("grouped_matmul_bf16: x_stride is ", a.x_stride, ", must be a multiple of 8 and at least ",
                     a.n_in);
  }
  const int y_unit = stored_unit(a.epilogue);
  if (a.y_stride % y_unit != 0) {
    return bad_input("grouped_matmul_bf16: y_stride is ", a.y_stride, ", must be a multiple of ", y_unit);
  }
  const auto misaligned = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 != 0; };
  if (misaligned(a.x) || misaligned(a.w) || misaligned(a.y)) {
    return bad_input("grouped_matmul_bf16: x, w and y must be aligned to 16 bytes");
  }
  return {};
}

/// The time of one tile in relative cycles for 16 elements of k; as in matmul_bf16.cpp.
int tile_cycles(const MatmulPlan& plan) {
  return std::max(plan.groups * std::max(plan.tokens / 2, 16), (plan.rows + plan.tokens) * 9 / 16);
}

const std::vector<MatmulPlan>& hopper_plans() {
  static const std::vector<MatmulPlan> all = [] {
    std::vector<MatmulPlan> plans;
    for (const int tokens : {128, 256}) plans.push_back({tokens, 2, 128});
    for (const int tokens : {8, 16, 32, 64, 128}) {
      for (const int rows : {64, 32}) plans.push_back({tokens, 1, rows});
    }
    return plans;
  }();
  return all;
}

}  // namespace

int choose_expert_tile_rows(int tokens, int num_experts_per_tok, int n_experts) {
  if (tokens <= 1) return kTileRows[0];
  // Rows of an expert vary about as their mean does (Poisson); two standard deviations more serve most.
  const double mean = static_cast<double>(tokens) * num_experts_per_tok /
                      expected_experts(tokens, num_experts_per_tok, n_experts),
               wanted = mean + 2 * std::sqrt(mean);
  for (const int rows : kTileRows) {
    if (wanted <= rows) return rows;
  }
  return kTileRows[std::size(kTileRows) - 1];
}

int expected_expert_tiles(int n_places, int n_experts, int tile_rows) {
  // With few rows an expert that is hit has one tile; with many its last tile is half full.
  const double n_hit = n_experts * (1 - std::exp(-static_cast<double>(n_places) / n_experts));
  return std::max(static_cast<int>(std::lround(n_hit)), n_places / tile_rows + std::min(n_experts, n_places) / 2);
}

std::vector<MatmulPlan> grouped_matmul_plans() {
  return cuda_path() == CudaPath::portable ? portable_grouped_matmul_plans() : hopper_plans();
}

MatmulPlan choose_grouped_matmul_plan(int tile_rows, int n_tiles, int n_out, int n_multiprocessors) {
  if (cuda_path() == CudaPath::portable) return {tile_rows, 1, portable_grouped_rows(tile_rows)};
  MatmulPlan best;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const MatmulPlan& plan : hopper_plans()) {
    if (plan.tokens != tile_rows) continue;
    const std::int64_t n_blocks = std::int64_t{(n_out + plan.rows - 1) / plan.rows} * std::max(n_tiles, 1);
    const std::int64_t cycles = (n_blocks + n_multiprocessors - 1) / n_multiprocessors * tile_cycles(plan);
    if (cycles >= least) continue;  // among equals the earlier: more rows
    least = cycles;
    best = plan;
  }
  return best;
}

Result<> grouped_matmul_bf16(const GroupedMatmulBf16Args& args, cudaStream_t stream) {
  ASSAY_ASSIGN(const int n_multiprocessors, multiprocessors());
  const int n_tiles = expected_expert_tiles(args.n_places, args.n_experts, std::max(args.tile_rows, 1));
  const MatmulPlan plan = choose_grouped_matmul_plan(args.tile_rows, n_tiles, args.n_out, n_multiprocessors);
  return grouped_matmul_bf16(args, plan, stream);
}

Result<> grouped_matmul_bf16(const GroupedMatmulBf16Args& args, const MatmulPlan& plan, cudaStream_t stream) {
  ASSAY_TRY(check_args(args));
  if (cuda_path() == CudaPath::portable) {
    return args.n_places == 0 ? Result<>() : launch_portable_grouped_matmul(args, plan, stream);
  }
  const std::vector<MatmulPlan>& plans = hopper_plans();
  if (plan.tokens != args.tile_rows || std::find(plans.begin(), plans.end(), plan) == plans.end()) {
    return bad_input("grouped_matmul_bf16: no kernel for tiles of ", args.tile_rows, " rows and ", plan.rows,
                     " weight rows");
  }
  if (args.n_places == 0) return {};
  ASSAY_ASSIGN(const int n_multiprocessors, multiprocessors());
  const int boxes = stage_boxes(plan.tokens, plan.groups);
  ASSAY_ASSIGN(const CUtensorMap w_map,
               stage_map({args.w, std::int64_t{args.n_experts} * args.n_out, args.n_in, args.n_in}, plan.rows, boxes));
  ASSAY_ASSIGN(const CUtensorMap x_map, stage_map({args.x, args.n_places, args.n_in, args.x_stride},
                                                  std::min(plan.tokens, kGroupedBoxRows), boxes));
  const GroupedLaunch launch{&args, &plan, w_map, x_map, n_multiprocessors, stream};
  return plan.tokens <= 64 ? launch_grouped_small(launch) : launch_grouped_large(launch);
}

}  // namespace assay::kernels

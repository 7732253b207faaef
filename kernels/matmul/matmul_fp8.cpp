// Checks, plans and tensor maps of matmul_fp8; the kernels are in matmul_fp8_kernel.cuh.

#include "kernels/matmul/matmul_fp8.cuh"

#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <limits>

#include "kernels/device/tensor_map.cuh"
#include "kernels/matmul/grouped_matmul_bf16.cuh"
#include "kernels/matmul/matmul_fp8_tiles.cuh"

namespace assay::kernels {

namespace {

Result<int> multiprocessors() {
  int device = 0, n = 0;
  ASSAY_TRY(check(cudaGetDevice(&device), "CUDA device"));
  ASSAY_TRY(check(cudaDeviceGetAttribute(&n, cudaDevAttrMultiProcessorCount, device), "CUDA device"));
  return n;
}

std::int64_t tiles(int n, int tile) { return (n + tile - 1) / tile; }

Result<> check_args(const MatmulFp8Args& a) {
  if (a.m_rows < 0 || a.n_experts < 1 || a.n_out < 1 || a.n_in < 1) {
    return bad_input("matmul_fp8: shape ", a.m_rows, " x ", a.n_experts, " x ", a.n_out, " x ", a.n_in);
  }
  if (std::int64_t{a.n_experts} * a.n_out > std::numeric_limits<int>::max()) {
    return bad_input("matmul_fp8: ", a.n_experts, " experts of ", a.n_out, " rows are too many");
  }
  const bool is_gated = a.epilogue == Epilogue::swiglu_bf16;
  const int n_out_unit = is_gated ? 16 : 8;
  if (a.n_in % kFp8Group != 0 || a.n_out % n_out_unit != 0) {
    return bad_input("matmul_fp8: a weight is ", a.n_out, " x ", a.n_in, ", must be multiples of ", n_out_unit, " and ",
                     kFp8Group);
  }
  if (is_gated != (a.up_scales != nullptr)) {
    return bad_input("matmul_fp8: scales of up are for swiglu_bf16, and needed there");
  }
  if (a.x_scale_stride < a.m_rows) {
    return bad_input("matmul_fp8: x_scale_stride is ", a.x_scale_stride, ", less than the ", a.m_rows, " rows");
  }
  const int y_unit = stored_unit(a.epilogue);
  if (a.y_stride % y_unit != 0) {
    return bad_input("matmul_fp8: y_stride is ", a.y_stride, ", must be a multiple of ", y_unit);
  }
  if (a.tiles == nullptr && a.n_experts != 1) {
    return bad_input("matmul_fp8: ", a.n_experts, " experts, but no tiles say whose the rows are");
  }
  const auto misaligned = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 != 0; };
  if (misaligned(a.x) || misaligned(a.w) || misaligned(a.y)) {
    return bad_input("matmul_fp8: x, w and y must be aligned to 16 bytes");
  }
  return {};
}

/// The time of one tile in relative cycles for a block of k: a 64-row product of all columns takes two cycles a column,
/// what a multiprocessor reads comes at about 57 bytes a cycle.
std::int64_t tile_cycles(const MatmulFp8Plan& plan) {
  return std::max<std::int64_t>(tiles(plan.tokens, kFp8BoxRows) * plan.rows * 2,
                                (plan.rows + plan.tokens) * kFp8Group / 57);
}

template <class TokenTiles>
MatmulFp8Plan best_plan(int n_out, int n_multiprocessors, const TokenTiles& token_tiles) {
  static const std::vector<MatmulFp8Plan> plans = matmul_fp8_plans();
  MatmulFp8Plan best;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const MatmulFp8Plan& plan : plans) {
    const std::int64_t n_blocks = tiles(n_out, plan.rows) * token_tiles(plan.tokens);
    const std::int64_t cycles = (n_blocks + n_multiprocessors - 1) / n_multiprocessors * tile_cycles(plan);
    if (n_blocks == 0 || cycles >= least) continue;  // among equals the earlier: larger tiles
    least = cycles;
    best = plan;
  }
  return best;
}

}  // namespace

Result<CUtensorMap> fp8_blocks_map(const void* address, std::int64_t n_rows, int n_in, int box_rows, int n_blocks) {
  const std::array<TensorMapDim, 3> dims{
      TensorMapDim{kFp8Group, 0, kFp8Group},
      TensorMapDim{static_cast<std::uint64_t>(n_rows), static_cast<std::uint64_t>(n_in),
                   static_cast<std::uint32_t>(box_rows)},
      TensorMapDim{static_cast<std::uint64_t>(n_in / kFp8Group), kFp8Group, static_cast<std::uint32_t>(n_blocks)}};
  return encode_tensor_map(address, dims, TensorMapElement::byte);
}

std::vector<MatmulFp8Plan> matmul_fp8_plans() {
  std::vector<MatmulFp8Plan> plans{{256, 128}, {128, 128}};
  for (const int tokens : {64, 32, 16, 8}) {
    for (const int rows : {128, 64, 32, 16}) plans.push_back({tokens, rows});
  }
  return plans;
}

MatmulFp8Plan choose_matmul_fp8_plan(int m_rows, int n_out, int n_multiprocessors) {
  return best_plan(n_out, n_multiprocessors, [&](int tokens) { return tiles(std::max(m_rows, 1), tokens); });
}

MatmulFp8Plan choose_grouped_fp8_plan(int tile_rows, int n_tiles, int n_out, int n_multiprocessors) {
  return best_plan(n_out, n_multiprocessors,
                   [&](int tokens) { return std::int64_t{tokens == tile_rows ? std::max(n_tiles, 1) : 0}; });
}

Result<> matmul_fp8(const MatmulFp8Args& args, cudaStream_t stream) {
  ASSAY_ASSIGN(const int n_multiprocessors, multiprocessors());
  if (args.tiles == nullptr) {
    return matmul_fp8(args, choose_matmul_fp8_plan(args.m_rows, args.n_out, n_multiprocessors), stream);
  }
  const int n_tiles = expected_expert_tiles(args.m_rows, args.n_experts, std::max(args.tile_rows, 1));
  return matmul_fp8(args, choose_grouped_fp8_plan(args.tile_rows, n_tiles, args.n_out, n_multiprocessors), stream);
}

Result<> matmul_fp8(const MatmulFp8Args& args, const MatmulFp8Plan& plan, cudaStream_t stream) {
  ASSAY_TRY(check_args(args));
  if (cuda_path() == CudaPath::portable) {
    return environment_error("matmul_fp8: products of FP8 blocks need Hopper's kernels; take bfloat16 weights");
  }
  static const std::vector<MatmulFp8Plan> plans = matmul_fp8_plans();
  if (std::find(plans.begin(), plans.end(), plan) == plans.end() ||
      (args.tiles != nullptr && plan.tokens != args.tile_rows)) {
    return bad_input("matmul_fp8: no kernel for a tile of ", plan.tokens, " x ", plan.rows, " and tiles of ",
                     args.tile_rows, " rows");
  }
  if (args.m_rows == 0) return {};
  ASSAY_ASSIGN(const int n_multiprocessors, multiprocessors());
  const MatmulFp8Launch launch{&args, &plan, n_multiprocessors, stream};
  return plan.tokens <= kFp8BoxRows ? launch_matmul_fp8_small(launch) : launch_matmul_fp8_large(launch);
}

}  // namespace assay::kernels

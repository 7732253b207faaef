// Checks, plans and tensor maps of matmul_bf16; the kernels are in matmul_bf16_kernel.cuh.

#include "kernels/matmul/matmul_bf16.cuh"

#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <limits>

#include "kernels/device/tensor_map.cuh"
#include "kernels/matmul/matmul_bf16_tiles.cuh"

namespace assay::kernels {

namespace {

constexpr int kBoxElements = 64;

Result<int> multiprocessors() {
  int device = 0, n = 0;
  ASSAY_TRY(check(cudaGetDevice(&device), "CUDA device"));
  ASSAY_TRY(check(cudaDeviceGetAttribute(&n, cudaDevAttrMultiProcessorCount, device), "CUDA device"));
  return n;
}

int tiles(int n, int tile) { return (n + tile - 1) / tile; }

Result<> check_args(const MatmulBf16Args& a) {
  if (a.m_rows < 0 || a.n_out < 1 || a.n_in < 1) {
    return bad_input("matmul_bf16: shape ", a.m_rows, " x ", a.n_out, " x ", a.n_in);
  }
  const int n_out_unit = a.epilogue == Epilogue::swiglu_bf16 ? 16 : 8;
  if (a.n_in % 8 != 0 || a.n_out % n_out_unit != 0) {
    return bad_input("matmul_bf16: the weight is ", a.n_out, " x ", a.n_in, ", must be multiples of ", n_out_unit,
                     " and 8");
  }
  if (a.x_stride < a.n_in || a.x_stride % 8 != 0) {
    return bad_input("matmul_bf16: x_stride is ", a.x_stride, ", must be a multiple of 8 and at least ", a.n_in);
  }
  if (a.y_stride % 2 != 0) return bad_input("matmul_bf16: y_stride is ", a.y_stride, ", must be even");
  const auto misaligned = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 != 0; };
  if (misaligned(a.x) || misaligned(a.w) || misaligned(a.y)) {
    return bad_input("matmul_bf16: x, w and y must be aligned to 16 bytes");
  }
  return {};
}

/// The time of one tile in relative cycles for 16 elements of k: the tensor cores need half a cycle for each token and
/// group, at least 16; what a multiprocessor reads, 32 bytes a row, comes at about 57 bytes a cycle.
int tile_cycles(const MatmulPlan& plan) {
  return std::max(plan.groups * std::max(plan.tokens / 2, 16), (plan.rows + plan.tokens) * 9 / 16);
}

/// A row-major matrix whose rows are copied `box_rows` at a time.
Result<CUtensorMap> matrix_map(const void* address, int n_rows, int n_columns, std::int64_t stride, int box_rows) {
  const std::array<TensorMapDim, 2> dims{
      TensorMapDim{static_cast<std::uint64_t>(n_columns), 0, kBoxElements},
      TensorMapDim{static_cast<std::uint64_t>(n_rows), static_cast<std::uint64_t>(stride) * sizeof(__nv_bfloat16),
                   static_cast<std::uint32_t>(box_rows)}};
  return encode_tensor_map(address, dims);
}

}  // namespace

std::vector<MatmulPlan> matmul_plans() {
  std::vector<MatmulPlan> plans;
  for (const int tokens : {64, 128, 256}) plans.push_back({tokens, 2, 128});
  for (const int tokens : {8, 16, 32, 64, 128}) {
    for (const int rows : {64, 48, 32, 16}) plans.push_back({tokens, 1, rows});
  }
  return plans;
}

MatmulPlan choose_matmul_plan(int m_rows, int n_out, int n_multiprocessors) {
  static const std::vector<MatmulPlan> plans = matmul_plans();
  MatmulPlan best;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const MatmulPlan& plan : plans) {
    const std::int64_t n_tiles = std::int64_t{tiles(n_out, plan.rows)} * tiles(m_rows, plan.tokens);
    const std::int64_t cycles = (n_tiles + n_multiprocessors - 1) / n_multiprocessors * tile_cycles(plan);
    if (cycles > least) continue;  // among equals the later: one group, and more tokens
    least = cycles;
    best = plan;
  }
  return best;
}

Result<> matmul_bf16(const MatmulBf16Args& args, cudaStream_t stream) {
  ASSAY_ASSIGN(const int n_multiprocessors, multiprocessors());
  return matmul_bf16(args, choose_matmul_plan(args.m_rows, args.n_out, n_multiprocessors), stream);
}

Result<> matmul_bf16(const MatmulBf16Args& args, const MatmulPlan& plan, cudaStream_t stream) {
  ASSAY_TRY(check_args(args));
  static const std::vector<MatmulPlan> plans = matmul_plans();
  if (std::find(plans.begin(), plans.end(), plan) == plans.end()) {
    return bad_input("matmul_bf16: no kernel for a tile of ", plan.tokens, " tokens and ", plan.rows, " rows");
  }
  if (args.m_rows == 0) return {};
  ASSAY_ASSIGN(const int n_multiprocessors, multiprocessors());
  ASSAY_ASSIGN(const CUtensorMap w_map, matrix_map(args.w, args.n_out, args.n_in, args.n_in, plan.rows));
  ASSAY_ASSIGN(const CUtensorMap x_map, matrix_map(args.x, args.m_rows, args.n_in, args.x_stride, plan.tokens));
  const MatmulLaunch launch{&args, &plan, w_map, x_map, n_multiprocessors, stream};
  if (plan.tokens <= 32) return launch_matmul_small(launch);
  if (plan.tokens <= 128) return launch_matmul_medium(launch);
  return launch_matmul_large(launch);
}

}  // namespace assay::kernels

// Checks, plans and tensor maps of matmul_quantized; the kernels are in matmul_quantized_kernel.cuh.

#include "kernels/matmul/matmul_quantized.cuh"

#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <limits>

#include "kernels/device/tensor_map.cuh"
#include "kernels/matmul/matmul_quantized_tiles.cuh"

namespace assay::kernels {

namespace {

constexpr int kBoxElements = 64;

int tiles(int n, int tile) { return (n + tile - 1) / tile; }

Result<int> multiprocessors() {
  int device = 0, n = 0;
  ASSAY_TRY(check(cudaGetDevice(&device), "CUDA device"));
  ASSAY_TRY(check(cudaDeviceGetAttribute(&n, cudaDevAttrMultiProcessorCount, device), "CUDA device"));
  return n;
}

Result<> check_args(const MatmulQuantizedArgs& a) {
  if (!is_quantized(a.type)) return bad_input("matmul_quantized: the weight's type is not a quantised one");
  if (a.m_rows < 0 || a.n_out < 1 || a.n_in < 1) {
    return bad_input("matmul_quantized: shape ", a.m_rows, " x ", a.n_out, " x ", a.n_in);
  }
  const int n_out_unit = a.epilogue == Epilogue::swiglu_bf16 ? 16 : 8;
  if (a.n_in % kBoxElements != 0 || a.n_out % n_out_unit != 0) {
    return bad_input("matmul_quantized: the weight is ", a.n_out, " x ", a.n_in, ", must be multiples of ", n_out_unit,
                     " and ", kBoxElements);
  }
  if (a.x_stride < a.n_in || a.x_stride % 8 != 0) {
    return bad_input("matmul_quantized: x_stride is ", a.x_stride, ", must be a multiple of 8 and at least ", a.n_in);
  }
  if (a.y_stride % 2 != 0) return bad_input("matmul_quantized: y_stride is ", a.y_stride, ", must be even");
  const auto misaligned = [](const void* p, std::uintptr_t unit) {
    return reinterpret_cast<std::uintptr_t>(p) % unit != 0;
  };
  if (misaligned(a.x, 16) || misaligned(a.w, 16) || misaligned(a.y, 4)) {
    return bad_input("matmul_quantized: x and w must be aligned to 16 bytes, y to 4");
  }
  return {};
}

/// The time of one tile in relative cycles for 256 inputs. A multiprocessor's share of memory brings about 13 bytes a
/// cycle, the L2 cache 30; a block of 32 inputs takes its warp some 50 instructions for 16 rows and 14 more for every
/// eight tokens, and four schedulers start about 0.7 each a cycle.
int tile_cycles(const QuantizedPlan& plan) {
  const int moving = plan.rows * 12 + plan.tokens * 17;
  const int computing = plan.rows / 16 * (50 + 14 * (plan.tokens / 8)) * 3;
  return std::max(moving, computing);
}

}  // namespace

Result<CUtensorMap> quantized_x_map(const MatmulQuantizedArgs& args, int tokens, int n_boxes) {
  const std::array<TensorMapDim, 3> dims{
      TensorMapDim{kBoxElements, 0, kBoxElements},
      TensorMapDim{static_cast<std::uint64_t>(args.m_rows),
                   static_cast<std::uint64_t>(args.x_stride) * sizeof(__nv_bfloat16),
                   static_cast<std::uint32_t>(tokens)},
      TensorMapDim{static_cast<std::uint64_t>(args.n_in / kBoxElements), kBoxElements * sizeof(__nv_bfloat16),
                   static_cast<std::uint32_t>(n_boxes)}};
  return encode_tensor_map(args.x, dims);
}

std::vector<QuantizedPlan> quantized_plans() { return {{32, 8}, {32, 16}, {32, 32}, {64, 32}, {128, 32}}; }

QuantizedPlan choose_quantized_plan(int m_rows, int n_out, int n_multiprocessors) {
  static const std::vector<QuantizedPlan> plans = quantized_plans();
  QuantizedPlan best;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const QuantizedPlan& plan : plans) {
    const std::int64_t n_tiles = std::int64_t{tiles(n_out, plan.rows)} * tiles(std::max(m_rows, 1), plan.tokens);
    const std::int64_t cycles = (n_tiles + n_multiprocessors - 1) / n_multiprocessors * tile_cycles(plan);
    if (cycles >= least) continue;
    least = cycles;
    best = plan;
  }
  return best;
}

Result<> matmul_quantized(const MatmulQuantizedArgs& args, cudaStream_t stream) {
  ASSAY_ASSIGN(const int n_multiprocessors, multiprocessors());
  return matmul_quantized(args, choose_quantized_plan(args.m_rows, args.n_out, n_multiprocessors), stream);
}

Result<> matmul_quantized(const MatmulQuantizedArgs& args, const QuantizedPlan& plan, cudaStream_t stream) {
  ASSAY_TRY(check_args(args));
  if (cuda_path() == CudaPath::portable) {
    return environment_error("matmul_quantized: products of quantised weights need Hopper's kernels; widen them");
  }
  static const std::vector<QuantizedPlan> plans = quantized_plans();
  if (std::find(plans.begin(), plans.end(), plan) == plans.end()) {
    return bad_input("matmul_quantized: no kernel for a tile of ", plan.rows, " rows and ", plan.tokens, " tokens");
  }
  if (args.m_rows == 0) return {};
  ASSAY_ASSIGN(const int n_multiprocessors, multiprocessors());
  const QuantizedLaunch launch{&args, &plan, n_multiprocessors, stream};
  switch (args.type) {
    case WeightType::q4_0:
      return launch_quantized<WeightType::q4_0>(launch);
    case WeightType::q4_1:
      return launch_quantized<WeightType::q4_1>(launch);
    case WeightType::q5_0:
      return launch_quantized<WeightType::q5_0>(launch);
    case WeightType::q5_1:
      return launch_quantized<WeightType::q5_1>(launch);
    case WeightType::q4_k:
      return launch_quantized<WeightType::q4_k>(launch);
    case WeightType::q5_k:
      return launch_quantized<WeightType::q5_k>(launch);
    case WeightType::q6_k:
      return launch_quantized<WeightType::q6_k>(launch);
    default:
      return launch_quantized<WeightType::q8_0>(launch);
  }
}

}  // namespace assay::kernels

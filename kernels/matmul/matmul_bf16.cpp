// Checks, plans and tensor maps of matmul_bf16; the kernels are in matmul_bf16_kernel.cuh.

#include "kernels/matmul/matmul_bf16.cuh"

#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <limits>

#include "kernels/device/tensor_map.cuh"
#include "kernels/matmul/matmul_bf16_tiles.cuh"
#include "kernels/matmul/matmul_portable.cuh"

namespace assay::kernels {

namespace {

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
  const int y_unit = stored_unit(a.epilogue);
  if (a.y_stride % y_unit != 0) {
    return bad_input("matmul_bf16: y_stride is ", a.y_stride, ", must be a multiple of ", y_unit);
  }
  if (a.n_batches < 1 || (a.n_batches > 1 && a.bias != nullptr)) {
    return bad_input("matmul_bf16: ", a.n_batches, " products", a.bias != nullptr ? " with a bias" : "");
  }
  if (a.x_batch_stride % 8 != 0 || a.w_batch_stride % 8 != 0 || a.y_batch_stride % y_unit != 0) {
    return bad_input("matmul_bf16: batch strides are ", a.x_batch_stride, ", ", a.w_batch_stride, " and ",
                     a.y_batch_stride, ", must be multiples of 8, 8 and ", y_unit);
  }
  const auto misaligned = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 != 0; };
  if (misaligned(a.x) || misaligned(a.w) || misaligned(a.y)) {
    return bad_input("matmul_bf16: x, w and y must be aligned to 16 bytes");
  }
  return {};
}

/// The time of one tile in relative cycles for 16 elements of k: the tensor cores need half a cycle for each token and
/// group, at least 16; what a multiprocessor reads, 32 bytes a row, comes at about 57 bytes a cycle. Of pairs it is
/// fitted to measurements on an H100: with two groups to 256 and 2048 rows of tokens, where time grows with the
/// weights' rows, but not below what the tokens take; with one group shared memory was the limit.
int tile_cycles(const MatmulPlan& plan) {
  if (plan.paired && plan.groups == 2) return std::max(plan.rows + 16, 90) * 9 / 10;
  if (plan.paired) return (64 + plan.rows + plan.rows + plan.tokens) / 4 * 27 / 32;
  return std::max(plan.groups * std::max(plan.tokens / 2, 16), (plan.rows + plan.tokens) * 9 / 16);
}

/// Pairs are for what fills two of their tiles of tokens: with one group for no more, so it was measured.
bool suits_pairs(const MatmulPlan& plan, int m_rows, int n_batches) {
  return n_batches == 1 && m_rows > plan.tokens && (plan.groups == 2 || m_rows <= 2 * plan.tokens);
}

const std::vector<MatmulPlan>& hopper_plans() {
  static const std::vector<MatmulPlan> all = [] {
    std::vector<MatmulPlan> plans;
    for (const int tokens : {64, 128, 256}) {
      for (const int rows : {128, 112}) plans.push_back({tokens, 2, rows});
    }
    for (const int tokens : {8, 16, 32, 64, 128}) {
      for (const int rows : {64, 48, 32, 16}) plans.push_back({tokens, 1, rows});
    }
    for (const int groups : {1, 2}) {
      for (const int rows : {64, 96, 112}) plans.push_back({64 * groups, groups, rows, true});
    }
    for (const int rows : {256, 224, 192}) plans.push_back({128, 2, rows, true});
    return plans;
  }();
  return all;
}

}  // namespace

Result<CUtensorMap> stage_map(const StageMatrices& m, int box_rows, int boxes) {
  const auto size = [](std::int64_t n) { return static_cast<std::uint64_t>(n); };
  const auto bytes = [](std::int64_t elements) { return static_cast<std::uint64_t>(elements) * sizeof(__nv_bfloat16); };
  const auto box_of = [](int n) { return static_cast<std::uint32_t>(n); };
  const TensorMapDim rows{size(m.n_rows), bytes(m.stride), box_of(box_rows)};
  if (boxes > 1 && joins_boxes(m.n_columns, m.n)) {
    const std::array<TensorMapDim, 3> dims{
        TensorMapDim{kBoxElements, 0, kBoxElements}, rows,
        TensorMapDim{size(m.n_columns / kBoxElements), bytes(kBoxElements), box_of(boxes)}};
    return encode_tensor_map(m.address, dims);
  }
  const std::array<TensorMapDim, 3> dims{TensorMapDim{size(m.n_columns), 0, kBoxElements}, rows,
                                         TensorMapDim{size(m.n), bytes(m.n > 1 ? m.batch_stride : m.stride), 1}};
  return encode_tensor_map(m.address, dims);
}

std::vector<MatmulPlan> matmul_plans() {
  return cuda_path() == CudaPath::portable ? portable_matmul_plans() : hopper_plans();
}

MatmulPlan choose_matmul_plan(int m_rows, int n_out, int n_multiprocessors, int n_batches) {
  if (cuda_path() == CudaPath::portable) {
    return choose_portable_matmul_plan(m_rows, n_out, n_multiprocessors, n_batches);
  }
  MatmulPlan best;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const MatmulPlan& plan : hopper_plans()) {
    if (plan.paired && !suits_pairs(plan, m_rows, n_batches)) continue;
    const int blocks = plan.paired ? 2 : 1;  // that work together
    const std::int64_t n_tiles =
        std::int64_t{tiles(n_out, plan.rows)} * tiles(m_rows, plan.tokens * blocks) * n_batches;
    const std::int64_t n_at_once = n_multiprocessors / blocks;
    const std::int64_t cycles = (n_tiles + n_at_once - 1) / n_at_once * tile_cycles(plan);
    if (cycles > least) continue;  // among equals the later: one group, and more tokens
    least = cycles;
    best = plan;
  }
  return best;
}

Result<> matmul_bf16(const MatmulBf16Args& args, cudaStream_t stream) {
  ASSAY_ASSIGN(const int n_multiprocessors, multiprocessors());
  return matmul_bf16(args, choose_matmul_plan(args.m_rows, args.n_out, n_multiprocessors, args.n_batches), stream);
}

Result<> matmul_bf16(const MatmulBf16Args& args, const MatmulPlan& plan, cudaStream_t stream) {
  ASSAY_TRY(check_args(args));
  if (cuda_path() == CudaPath::portable) {
    return args.m_rows == 0 ? Result<>() : launch_portable_matmul(args, plan, stream);
  }
  const std::vector<MatmulPlan>& plans = hopper_plans();
  if (std::find(plans.begin(), plans.end(), plan) == plans.end()) {
    return bad_input("matmul_bf16: no kernel for a tile of ", plan.tokens, " tokens and ", plan.rows, " rows");
  }
  if (args.m_rows == 0) return {};
  ASSAY_ASSIGN(const int n_multiprocessors, multiprocessors());
  const auto& a = args;
  if (plan.paired && a.n_batches > 1) return bad_input("matmul_bf16: a paired plan for ", a.n_batches, " products");
  const int boxes = plan.paired ? 1 : stage_boxes(plan.tokens, plan.groups);
  const int w_box_rows = plan.paired ? plan.rows / 2 : plan.rows;
  ASSAY_ASSIGN(const CUtensorMap w_map,
               stage_map({a.w, a.n_out, a.n_in, a.n_in, a.n_batches, a.w_batch_stride}, w_box_rows, boxes));
  ASSAY_ASSIGN(const CUtensorMap x_map,
               stage_map({a.x, a.m_rows, a.n_in, a.x_stride, a.n_batches, a.x_batch_stride}, plan.tokens, boxes));
  const MatmulLaunch launch{&args, &plan, w_map, x_map, n_multiprocessors, stream};
  if (plan.paired) return launch_matmul_paired(launch);
  if (plan.tokens <= 32) return launch_matmul_small(launch);
  if (plan.tokens <= 128) return launch_matmul_medium(launch);
  return launch_matmul_large(launch);
}

}  // namespace assay::kernels

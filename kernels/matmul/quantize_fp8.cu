// Sixteen lanes a group of 128, each with eight neighbours. Contract in quantize_fp8.cuh.

#include "kernels/matmul/quantize_fp8.cuh"

#include <cuda_fp8.h>
#include <cuda_runtime.h>

#include <limits>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kThreads = 256, kLanes = 16, kBlockGroups = kThreads / kLanes;
constexpr int kPieces = 2;  // groups of a thread
constexpr float kLeastMagnitude = 1e-4f, kLargestE4m3 = 448.0f;

/// This lane's part of a group.
struct Piece {
  int row, group;
  uint4 raw;  // eight bfloat16
};

__device__ void quantize(const QuantizeFp8Args& a, const Piece& piece, int lane) {
  const std::uint32_t words[4] = {piece.raw.x, piece.raw.y, piece.raw.z, piece.raw.w};
  float values[8];
#pragma unroll
  for (int i = 0; i < 4; ++i) {  // a bfloat16 is the upper half of a float32
    values[2 * i] = __uint_as_float(words[i] << 16);
    values[2 * i + 1] = __uint_as_float(words[i] & 0xFFFF0000u);
  }
  float largest = kLeastMagnitude;
#pragma unroll
  for (int i = 0; i < 8; ++i) largest = fmaxf(largest, fabsf(values[i]));
  const unsigned lanes = 0xFFFFu << (threadIdx.x % 32 / kLanes * kLanes);
  for (int step = kLanes / 2; step > 0; step /= 2) largest = fmaxf(largest, __shfl_xor_sync(lanes, largest, step));
  const float scale = largest / kLargestE4m3;
  std::uint32_t packed[2] = {};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float2 pair{values[2 * i] / scale, values[2 * i + 1] / scale};
    packed[i / 2] |= static_cast<std::uint32_t>(__nv_cvt_float2_to_fp8x2(pair, __NV_SATFINITE, __NV_E4M3))
                     << (i % 2 * 16);
  }
  const int column = piece.group * kFp8Group + lane * 8;
  *reinterpret_cast<uint2*>(a.q + static_cast<std::int64_t>(piece.row) * a.n_in + column) = {packed[0], packed[1]};
  if (lane == 0) a.scales[piece.group * a.scale_stride + piece.row] = scale;
}

__global__ void __launch_bounds__(kThreads) quantize_fp8_kernel(QuantizeFp8Args a) {
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  const int n_groups = a.n_in / kFp8Group, lane = static_cast<int>(threadIdx.x) % kLanes;
  const int n_all = a.n_rows * n_groups;
  const int first = static_cast<int>(blockIdx.x) * kBlockGroups * kPieces + static_cast<int>(threadIdx.x) / kLanes;
  Piece pieces[kPieces];
#pragma unroll
  for (int i = 0; i < kPieces; ++i) {  // all are asked for before the first is used
    const int index = first + i * kBlockGroups;
    if (index >= n_all) continue;
    pieces[i].row = index / n_groups;
    pieces[i].group = index % n_groups;
    const std::int64_t from_row = a.rows != nullptr ? a.rows[pieces[i].row] : pieces[i].row;
    pieces[i].raw = *reinterpret_cast<const uint4*>(a.x + from_row * a.n_in + pieces[i].group * kFp8Group + lane * 8);
  }
#pragma unroll
  for (int i = 0; i < kPieces; ++i) {
    if (first + i * kBlockGroups < n_all) quantize(a, pieces[i], lane);
  }
}

}  // namespace

Result<> quantize_fp8(const QuantizeFp8Args& args, cudaStream_t stream) {
  if (args.n_in < kFp8Group || args.n_in % kFp8Group != 0) {
    return bad_input("quantize_fp8: rows of ", args.n_in, ", must be a multiple of ", kFp8Group);
  }
  if (args.n_rows < 0 || args.scale_stride < args.n_rows) {
    return bad_input("quantize_fp8: ", args.n_rows, " rows, scales ", args.scale_stride, " apart");
  }
  if (args.n_rows == 0) return {};
  const std::int64_t n_groups = std::int64_t{args.n_rows} * (args.n_in / kFp8Group);
  if (n_groups > std::numeric_limits<int>::max() / 2) {
    return bad_input("quantize_fp8: ", args.n_rows, " rows of ", args.n_in, " are too many");
  }
  constexpr int kPerBlock = kBlockGroups * kPieces;
  const auto n_blocks = static_cast<unsigned>((n_groups + kPerBlock - 1) / kPerBlock);
  return launch("quantize_fp8", quantize_fp8_kernel, {dim3(n_blocks), kThreads}, stream, args);
}

}  // namespace assay::kernels

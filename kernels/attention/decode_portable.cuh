#pragma once
// Decode attention's core on the portable path: one item (consecutive keys of one row) for up to 16 query heads that
// share its keys, for sm_80 and later. Device code only; included by the kernels of decode_attention.cuh and
// mla_decode_attention.cuh. The order of its sums is in portable.cuh.
//
// Four warps. Keys come by steps into a ring; in a step a warp has a quarter of the keys for the scores and a quarter
// of the columns for the outputs. Maxima and rounded weights pass through shared memory.

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/attention/decode_parts.cuh"
#include "kernels/attention/mma.cuh"
#include "kernels/device/copy_async.cuh"
#include "kernels/device/once_per_device.cuh"

namespace assay::kernels {

namespace {

using namespace hopper;

constexpr int kDecodeWarps = 4, kDecodeThreads = kDecodeWarps * kWarpThreads;
constexpr int kHeadRows = 16;  // of one mma

/// Widths of a key and a value, keys of a step, and whether a value is the start of its key's row.
template <int qk_dim, int v_dim, int step_keys, int stages, bool values_are_keys>
struct DecodeShape {
  static constexpr int kQk = qk_dim, kV = v_dim, kStepKeys = step_keys, kStages = stages;
  static constexpr bool kValuesAreKeys = values_are_keys;
  static constexpr int kPartBytes = step_keys * kSwizzleRowBytes;  // 64 columns of a step
  static constexpr int kKeyBytes = step_keys * qk_dim * 2;
  static constexpr int kStageBytes = kKeyBytes + (values_are_keys ? 0 : step_keys * v_dim * 2);
  static constexpr int kQueryBytes = kHeadRows * qk_dim * 2;
  static constexpr int kWarpKeys = step_keys / kDecodeWarps, kWarpColumns = v_dim / kDecodeWarps;
  static_assert(kWarpKeys % 8 == 0 && kWarpColumns % 16 == 0 && kCachePageTokens % step_keys == 0);
};

template <class Shape>
struct DecodeShared {
  char ring[Shape::kStages * Shape::kStageBytes];
  char queries[Shape::kQueryBytes];
  char weights[kHeadRows * kSwizzleRowBytes];  // of a step, bfloat16
  float maxima[kDecodeWarps][kHeadRows];
  float sums[kDecodeWarps][kHeadRows];
};

/// An item for some heads. `Rows` gives addresses: key(page, row of it, column) and value(…).
template <class Rows>
struct DecodeWork {
  Rows rows;
  const std::int32_t* pages;
  int n_keys;
  const __nv_bfloat16* q;  // [heads, kQk]
  int heads;               // at most 16
  float* outputs;          // [heads, kV]
  ItemPart* parts;         // [heads]
  int starts_span;
};

/// A thread's rows of a warp's columns (lane/4 and lane/4 + 8).
template <class Shape>
struct DecodeSums {
  Part part[2] = {{-INFINITY, 0.0f}, {-INFINITY, 0.0f}};
  float output[Shape::kWarpColumns / 8][4] = {};
};

template <class Shape, class Rows>
__device__ inline void copy_step(const DecodeWork<Rows>& work, std::uint32_t to, int first) {
  const int n_valid = work.n_keys - first, page_row = first % kCachePageTokens;
  const std::int32_t page = work.pages[first / kCachePageTokens];
  const int unit = static_cast<int>(threadIdx.x) % 8;  // eight threads have 64 neighbouring columns of a row
  const auto copy = [&]<int kDim>(std::uint32_t to_rows, auto row_of) {
    constexpr int kRowStep = kDecodeThreads / 8;
#pragma unroll
    for (int i = 0; i < Shape::kStepKeys / kRowStep; ++i) {
      const int row = static_cast<int>(threadIdx.x) / 8 + i * kRowStep;
      const bool valid = row < n_valid;
      const __nv_bfloat16* from = row_of(page_row + (valid ? row : 0), unit * 8);
#pragma unroll
      for (int part = 0; part < kDim / kSwizzleElements; ++part) {
        copy_unit_async(to_rows + part * Shape::kPartBytes + swizzled_offset(row, unit), from + part * kSwizzleElements,
                        valid);
      }
    }
  };
  copy.template operator()<Shape::kQk>(to, [&](int row, int column) { return work.rows.key(page, row, column); });
  if constexpr (!Shape::kValuesAreKeys) {
    copy.template operator()<Shape::kV>(to + Shape::kKeyBytes,
                                        [&](int row, int column) { return work.rows.value(page, row, column); });
  }
}

/// This warp's keys: scores · scale · log2 e, minus infinity from n_valid on. Steps of 32 columns take turns in two
/// sums, added at the end.
template <class Shape>
__device__ inline void multiply_keys(float (&score)[Shape::kWarpKeys / 8][4], std::uint32_t queries, std::uint32_t keys,
                                     int n_valid, float scale_log2) {
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads, lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  float odd[Shape::kWarpKeys / 8][4] = {};
#pragma unroll
  for (int t = 0; t < Shape::kWarpKeys / 8; ++t) score[t][0] = score[t][1] = score[t][2] = score[t][3] = 0;
#pragma unroll
  for (int k = 0; k < Shape::kQk / 32; ++k) {
    const int part = k / 2, unit = 4 * (k % 2);
    std::uint32_t q[2][4];
    load_matrices(q[0], queries + part * (kHeadRows * kSwizzleRowBytes) + swizzled_offset(lane % 16, unit + lane / 16));
    load_matrices(q[1],
                  queries + part * (kHeadRows * kSwizzleRowBytes) + swizzled_offset(lane % 16, unit + 2 + lane / 16));
#pragma unroll
    for (int t = 0; t < Shape::kWarpKeys / 8; ++t) {
      std::uint32_t b[4];
      load_matrices(b, keys + part * Shape::kPartBytes +
                           swizzled_offset(warp * Shape::kWarpKeys + 8 * t + lane % 8, unit + lane / 8));
      float(&sum)[4] = k % 2 == 0 ? score[t] : odd[t];
      multiply_16x8(sum, q[0], b[0], b[1]);
      multiply_16x8(sum, q[1], b[2], b[3]);
    }
  }
#pragma unroll
  for (int t = 0; t < Shape::kWarpKeys / 8; ++t) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const bool valid = warp * Shape::kWarpKeys + 8 * t + 2 * (lane % 4) + i % 2 < n_valid;
      score[t][i] = valid ? (score[t][i] + odd[t][i]) * scale_log2 : -INFINITY;
    }
  }
}

/// One step: the chunk's sums take in its keys, of which n_valid count.
template <class Shape>
__device__ inline void attend_step(DecodeShared<Shape>& shared, std::uint32_t stage, int n_valid, float scale_log2,
                                   DecodeSums<Shape>& chunk) {
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads, lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  float score[Shape::kWarpKeys / 8][4];
  multiply_keys<Shape>(score, shared_address(shared.queries), stage, n_valid, scale_log2);
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    float largest = -INFINITY;
#pragma unroll
    for (auto& s : score) largest = fmaxf(largest, fmaxf(s[2 * h], s[2 * h + 1]));
    largest = fmaxf(largest, __shfl_xor_sync(0xFFFFFFFFu, largest, 1));
    largest = fmaxf(largest, __shfl_xor_sync(0xFFFFFFFFu, largest, 2));
    if (lane % 4 == 0) shared.maxima[warp][lane / 4 + 8 * h] = largest;
  }
  __syncthreads();
  const std::uint32_t weights = shared_address(shared.weights);
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const int row = lane / 4 + 8 * h;
    float max = chunk.part[h].max;
#pragma unroll
    for (int w = 0; w < kDecodeWarps; ++w) max = fmaxf(max, shared.maxima[w][row]);
    const float before = exp2f(chunk.part[h].max - max);  // 0 in a chunk's first step
    float sum = 0;
#pragma unroll
    for (int t = 0; t < Shape::kWarpKeys / 8; ++t) {
      const float first = exp2f(score[t][2 * h] - max), second = exp2f(score[t][2 * h + 1] - max);
      sum += first + second;
      const int unit = warp * (Shape::kWarpKeys / 8) + t;
      *reinterpret_cast<std::uint32_t*>(shared.weights + swizzled_offset(row, unit) + 4 * (lane % 4)) =
          pack_bf16(first, second);
    }
    chunk.part[h] = {max, fmaf(chunk.part[h].sum, before, sum)};
#pragma unroll
    for (auto& output : chunk.output) {
      output[2 * h] *= before;
      output[2 * h + 1] *= before;
    }
  }
  __syncthreads();
  const std::uint32_t values = stage + (Shape::kValuesAreKeys ? 0 : Shape::kKeyBytes);
#pragma unroll
  for (int k = 0; k < Shape::kStepKeys / 16; ++k) {
    std::uint32_t left[4];
    load_matrices(left, weights + swizzled_offset(lane % 16, 2 * k + lane / 16));
#pragma unroll
    for (int j = 0; j < Shape::kWarpColumns / 16; ++j) {
      const int column = warp * Shape::kWarpColumns + 16 * j;
      std::uint32_t b[4];
      load_matrices_transposed(b, values + column / 64 * Shape::kPartBytes +
                                      swizzled_offset(16 * k + lane % 16, column % 64 / 8 + lane / 16));
      multiply_16x8(chunk.output[2 * j], left, b[0], b[1]);
      multiply_16x8(chunk.output[2 * j + 1], left, b[2], b[3]);
    }
  }
}

/// Adds a finished chunk to the item.
template <class Shape>
__device__ inline void add_chunk(DecodeShared<Shape>& shared, const DecodeSums<Shape>& chunk, bool is_first,
                                 DecodeSums<Shape>& item) {
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads, lane = static_cast<int>(threadIdx.x) % kWarpThreads;
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    float sum = chunk.part[h].sum + __shfl_xor_sync(0xFFFFFFFFu, chunk.part[h].sum, 1);
    sum += __shfl_xor_sync(0xFFFFFFFFu, sum, 2);
    if (lane % 4 == 0) shared.sums[warp][lane / 4 + 8 * h] = sum;
  }
  __syncthreads();
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    Part part{chunk.part[h].max, 0.0f};
#pragma unroll
    for (int w = 0; w < kDecodeWarps; ++w) part.sum += shared.sums[w][lane / 4 + 8 * h];
    const Fold f = fold(item.part[h].max, part.max);
    item.part[h] = is_first ? part : Part{f.max, folded(f, item.part[h].sum, part.sum)};
#pragma unroll
    for (int j = 0; j < Shape::kWarpColumns / 8; ++j) {
#pragma unroll
      for (int i = 2 * h; i < 2 * h + 2; ++i) {
        const float next = chunk.output[j][i];
        item.output[j][i] = is_first ? next : folded(f, item.output[j][i], next);
      }
    }
  }
}

template <class Shape, class Rows>
__device__ void attend_item(DecodeShared<Shape>& shared, const DecodeWork<Rows>& work, float scale) {
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads, lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const std::uint32_t ring = shared_address(shared.ring), queries = shared_address(shared.queries);
  for (int i = static_cast<int>(threadIdx.x); i < kHeadRows * Shape::kQk / 8; i += kDecodeThreads) {
    const int row = i / (Shape::kQk / 8), unit = i % (Shape::kQk / 8);
    const bool valid = row < work.heads;
    copy_unit_async(queries + unit / 8 * (kHeadRows * kSwizzleRowBytes) + swizzled_offset(row, unit % 8),
                    work.q + (valid ? row : 0) * Shape::kQk + unit * 8, valid);
  }
  const auto copy = [&](int step) {
    const int first = step * Shape::kStepKeys;
    if (first < work.n_keys) copy_step<Shape>(work, ring + step % Shape::kStages * Shape::kStageBytes, first);
    close_copies();
  };
  for (int step = 0; step < Shape::kStages - 1; ++step) copy(step);
  DecodeSums<Shape> item;
  int step = 0;
  for (int chunk_first = 0; chunk_first < work.n_keys; chunk_first += kDecodeChunkTokens) {
    const int chunk_end = min(chunk_first + kDecodeChunkTokens, work.n_keys);
    DecodeSums<Shape> chunk;
    for (; step * Shape::kStepKeys < chunk_end; ++step) {
      wait_for_copies<Shape::kStages - 2>();
      __syncthreads();  // the step is there, and all have read the one before it
      copy(step + Shape::kStages - 1);
      attend_step<Shape>(shared, ring + step % Shape::kStages * Shape::kStageBytes,
                         work.n_keys - step * Shape::kStepKeys, scale * kLog2E, chunk);
    }
    add_chunk<Shape>(shared, chunk, chunk_first == 0, item);
  }
  __syncthreads();  // before the next item's copies
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const int row = lane / 4 + 8 * h;
    if (row >= work.heads) continue;
    float* to = work.outputs + row * Shape::kV + warp * Shape::kWarpColumns + 2 * (lane % 4);
#pragma unroll
    for (int j = 0; j < Shape::kWarpColumns / 8; ++j) {
      *reinterpret_cast<float2*>(to + 8 * j) = make_float2(item.output[j][2 * h], item.output[j][2 * h + 1]);
    }
    if (warp == 0 && lane % 4 == 0) work.parts[row] = {item.part[h], work.starts_span, 0};
  }
}

/// Launches blocks that stay and walk over the work; at most `most_work` pieces.
template <class Shape, class Args>
Result<> launch_decode_blocks(const char* what, void (*kernel)(Args), const Args& args, std::int64_t most_work,
                              cudaStream_t stream) {
  constexpr std::size_t kSharedBytes = sizeof(DecodeShared<Shape>);
  static_assert(kSharedBytes <= 96 * 1024);
  static OncePerDevice<int> of_device;
  const Result<int>& resident = of_device([&]() -> Result<int> {
    int device = 0, n_multiprocessors = 0, of_one = 0;
    ASSAY_TRY(allow_shared_memory(kernel, kSharedBytes));
    ASSAY_TRY(check(cudaGetDevice(&device), "CUDA device"));
    ASSAY_TRY(check(cudaDeviceGetAttribute(&n_multiprocessors, cudaDevAttrMultiProcessorCount, device), "CUDA device"));
    ASSAY_TRY(
        check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&of_one, kernel, kDecodeThreads, kSharedBytes), what));
    return std::max(of_one, 1) * n_multiprocessors;
  });
  if (!resident) return resident.error();
  const auto n_blocks = static_cast<unsigned>(std::min<std::int64_t>(most_work, *resident));
  return launch(what, kernel, {dim3(n_blocks), kDecodeThreads, kSharedBytes}, stream, args);
}

}  // namespace

}  // namespace assay::kernels

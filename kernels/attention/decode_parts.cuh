#pragma once
// What items of decode leave behind, and how a row's are added up. Included by the kernels of decode attention only.

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/attention/decode_attention.cuh"
#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

/// A chunk's or a span's weights: the largest score · log2 e, and the sum of the weights relative to it.
struct Part {
  float max;
  float sum;
};
/// Two parts of a row, the later one behind the earlier: their new maximum and what each one's sums are multiplied by.
struct Fold {
  float max, before, now;
};
__device__ inline Fold fold(float max, float next) {
  const float larger = fmaxf(max, next);
  return {larger, exp2f(max - larger), exp2f(next - larger)};
}
__device__ inline float folded(const Fold& f, float sum, float next) { return fmaf(sum, f.before, next * f.now); }

/// What an item leaves to the merge, for each head.
struct alignas(16) ItemPart {
  Part part;
  std::int32_t starts_span;
  std::int32_t unused;
};

/// Such a row may be finished by its item (MergeArgs::finished_rows).
__device__ inline bool is_only_item(const std::int32_t* first_item, int row) {
  return first_item[row + 1] - first_item[row] == 1;
}

/// Everything that the items left: outputs [item][heads][d] and parts [item][heads].
struct MergeArgs {
  int rows, heads;
  const std::int32_t* first_item;  // [rows + 1]
  const float* part_outputs;
  const ItemPart* parts;
  __nv_bfloat16* out;               // [rows, heads, d]
  bool finished_rows;               // rows of one item are in `out` already
  const std::int32_t* starts_span;  // the items' field, item_words words from one to the next; read early, as the plan
  int item_words;
};

/// The same from a plan's items.
template <class Item>
MergeArgs merge_args(int rows, int heads, const std::int32_t* first_item, const Item* items, const float* part_outputs,
                     const ItemPart* parts, __nv_bfloat16* out, bool finished_rows) {
  return {rows,
          heads,
          first_item,
          part_outputs,
          parts,
          out,
          finished_rows,
          &items->starts_span,
          static_cast<int>(sizeof(Item) / sizeof(std::int32_t))};
}

constexpr int kMergeThreads = 128;
constexpr int kMergeBlocks = 4;         // of a multiprocessor
constexpr int kMergeBlocksThatFit = 6;  // by their registers: so one still does beside a block of items
constexpr int kSpanWarps = 8;
constexpr int kSpanChunks = kDecodeSpanTokens / kDecodeChunkTokens;

/// A running sum of parts in ascending order, for kColumns columns of one head.
template <int kColumns>
struct FoldedParts {
  Part part = {-INFINITY, 0.0f};
  float output[kColumns] = {};
  bool empty = true;
  __device__ void add(const Part& next, const float (&next_output)[kColumns]) {
    if (empty) {
      part = next;
#pragma unroll
      for (int i = 0; i < kColumns; ++i) output[i] = next_output[i];
      empty = false;
      return;
    }
    const Fold f = fold(part.max, next.max);
    part = {f.max, folded(f, part.sum, next.sum)};
#pragma unroll
    for (int i = 0; i < kColumns; ++i) output[i] = folded(f, output[i], next_output[i]);
  }
};

/// How a merge's threads lie: kColumns columns of a head a thread, kLanes threads a slice of a head.
template <int kDim, int kColumns>
struct MergeShape {
  static constexpr int kLanes = kDim / kColumns < kMergeThreads ? kDim / kColumns : kMergeThreads;
  static constexpr int kSlices = kDim / (kColumns * kLanes);  // of a head
  static constexpr int kPerBlock = kMergeThreads / kLanes;    // slices of a block
};

/// Whether any row still has to be merged. Needs no waiting, since the plan is read early.
__device__ inline bool is_any_row_left(const MergeArgs& a) {
  bool left = !a.finished_rows;
  for (int row = static_cast<int>(threadIdx.x); !left && row < a.rows; row += kMergeThreads) {
    left = !is_only_item(a.first_item, row);
  }
  return __syncthreads_or(left) != 0;
}

/// Adds a row's items in ascending order: chunks to spans, spans to the whole. A thread has kColumns columns of a head
/// and reads kAhead items before it uses the first. For many rows. Blocks are few, and small enough that some are there
/// before the items' blocks end, so that those of the next grid follow soon; they walk over the slices.
template <int kDim, int kColumns, int kAhead>
__global__ void __launch_bounds__(kMergeThreads, kMergeBlocksThatFit)
    merge_kernel(const __grid_constant__ MergeArgs a) {
  using Shape = MergeShape<kDim, kColumns>;
  hopper::let_next_grid_start();
  const bool is_left = is_any_row_left(a);
  hopper::wait_for_previous_grid();
  if (!is_left) return;
  const int n_slices = a.rows * a.heads * Shape::kSlices, step = static_cast<int>(gridDim.x) * Shape::kPerBlock;
  for (int slice = static_cast<int>(blockIdx.x) * Shape::kPerBlock + static_cast<int>(threadIdx.x) / Shape::kLanes;
       slice < n_slices; slice += step) {
    const int index = slice / Shape::kSlices;
    const int column =
        (slice % Shape::kSlices * Shape::kLanes + static_cast<int>(threadIdx.x) % Shape::kLanes) * kColumns;
    const int row = index / a.heads, head = index % a.heads, first = a.first_item[row], last = a.first_item[row + 1];
    if (a.finished_rows && last - first == 1) continue;
    FoldedParts<kColumns> whole, span;
    for (int start = first; start < last; start += kAhead) {
      ItemPart parts[kAhead];
      float outputs[kAhead][kColumns];
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        if (start + i >= last) break;
        const std::size_t from = static_cast<std::size_t>(start + i) * a.heads + head;
        parts[i] = a.parts[from];
        const float* output = a.part_outputs + from * kDim + column;
        if constexpr (kColumns == 4) {
          const float4 four = *reinterpret_cast<const float4*>(output);
          outputs[i][0] = four.x;
          outputs[i][1] = four.y;
          outputs[i][2] = four.z;
          outputs[i][3] = four.w;
        } else {
          outputs[i][0] = output[0];
        }
      }
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        if (start + i >= last) break;
        if (parts[i].starts_span != 0 && !span.empty) {
          whole.add(span.part, span.output);
          span.empty = true;
        }
        span.add(parts[i].part, outputs[i]);
      }
    }
    whole.add(span.part, span.output);
    __nv_bfloat16* to = a.out + static_cast<std::size_t>(index) * kDim + column;
#pragma unroll
    for (int i = 0; i < kColumns; ++i) to[i] = __float2bfloat16_rn(whole.output[i] / whole.part.sum);
  }
}

template <int kDim, int kColumns, int kAhead>
Result<> launch_merge(const MergeArgs& a, cudaStream_t stream) {
  using Shape = MergeShape<kDim, kColumns>;
  int device = 0, n_multiprocessors = 0;
  ASSAY_TRY(check(cudaGetDevice(&device), "CUDA device"));
  ASSAY_TRY(check(cudaDeviceGetAttribute(&n_multiprocessors, cudaDevAttrMultiProcessorCount, device), "CUDA device"));
  const int n_needed = (a.rows * a.heads * Shape::kSlices + Shape::kPerBlock - 1) / Shape::kPerBlock;
  const int n_most = kMergeBlocks * n_multiprocessors, n_blocks = n_needed < n_most ? n_needed : n_most;
  return launch("decode attention: merge", merge_kernel<kDim, kColumns, kAhead>,
                {dim3(static_cast<unsigned>(n_blocks)), kMergeThreads}, stream, a);
}

/// The same sums for few rows: a warp adds up a span, eight spans at a time, and the first warp adds these to the
/// whole.
template <int kDim>
__global__ void __launch_bounds__(kSpanWarps * 32) merge_spans_kernel(const __grid_constant__ MergeArgs a) {
  constexpr int kSlices = kDim / 32;
  __shared__ Part span_parts[kSpanWarps];
  __shared__ float span_outputs[kSpanWarps][32];
  const int index = static_cast<int>(blockIdx.x) / kSlices, row = index / a.heads, head = index % a.heads;
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int column = static_cast<int>(blockIdx.x) % kSlices * 32 + lane;
  const int first = a.first_item[row], last = a.first_item[row + 1];
  const int span_items = last - first > 1 && a.starts_span[(first + 1) * a.item_words] == 0 ? kSpanChunks : 1;
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  if (a.finished_rows && last - first == 1) return;
  const auto place = [&](int item) { return static_cast<std::size_t>(item) * a.heads + head; };
  FoldedParts<1> whole;
  for (int start = first; start < last; start += kSpanWarps * span_items) {
    const int own = start + warp * span_items, end = min(own + span_items, last);
    Part parts[kSpanChunks];
    float outputs[kSpanChunks][1];
#pragma unroll
    for (int i = 0; i < kSpanChunks; ++i) {
      if (own + i >= end) break;
      parts[i] = a.parts[place(own + i)].part;
      outputs[i][0] = a.part_outputs[place(own + i) * kDim + column];
    }
    FoldedParts<1> span;
#pragma unroll
    for (int i = 0; i < kSpanChunks; ++i) {
      if (own + i < end) span.add(parts[i], outputs[i]);
    }
    if (lane == 0) span_parts[warp] = span.part;
    span_outputs[warp][lane] = span.output[0];
    __syncthreads();
    if (warp == 0) {
      for (int i = 0; i < kSpanWarps && start + i * span_items < last; ++i) {
        const float output[1] = {span_outputs[i][lane]};
        whole.add(span_parts[i], output);
      }
    }
    __syncthreads();
  }
  if (warp == 0) {
    a.out[static_cast<std::size_t>(index) * kDim + column] = __float2bfloat16_rn(whole.output[0] / whole.part.sum);
  }
}

/// Adds up the items of every row; kAhead is about how many a row has where there are many rows.
template <int kDim, int kAhead>
Result<> merge_items(const MergeArgs& a, cudaStream_t stream) {
  constexpr int kFewBlocks = 2048;  // more of them would wait for each other
  const int n_blocks = a.rows * a.heads * (kDim / 32);
  if (n_blocks > kFewBlocks) return launch_merge<kDim, 4, kAhead>(a, stream);
  return launch("decode attention: merge", merge_spans_kernel<kDim>,
                {dim3(static_cast<unsigned>(n_blocks)), kSpanWarps * 32}, stream, a);
}

}  // namespace

}  // namespace assay::kernels

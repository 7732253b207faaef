#pragma once
// Weights on their way to the device: rows are written into pinned memory by all threads, in the order and precision
// that the kernels want, while the part before them is being copied.

#include <cuda_bf16.h>

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "kernels/device/device_buffer.cuh"
#include "kernels/device/handles.cuh"
#include "kernels/matmul/matmul.h"
#include "kernels/quantized/device_layout.h"
#include "kernels/threads/thread_pool.h"

namespace assay::runners {

using Bf16 = __nv_bfloat16;
using kernels::DeviceBuffer;

/// Memory of the host that the device copies from by itself.
struct PinnedFree {
  void operator()(void* memory) const noexcept { cudaFreeHost(memory); }
};
using PinnedMemory = std::unique_ptr<std::byte, PinnedFree>;
/// Error{environment} if it can't be had.
Result<PinnedMemory> allocate_pinned(std::size_t n_bytes);

/// Rows of a matrix that are stored alike: in bfloat16, row-major, or in the blocks of a quantised type
/// (kernels/quantized/device_layout.h).
struct DeviceRows {
  int n_rows = 0;
  kernels::WeightType type = kernels::WeightType::bf16;
  DeviceBuffer<Bf16> data;
  DeviceBuffer<std::byte> blocks;
};

/// A matrix on the device: all in bfloat16, row-major, or in parts, of which some are quantised.
struct DeviceMatrix {
  DeviceBuffer<Bf16> data;  ///< empty where there are parts
  int n_out = 0;
  int n_in = 0;
  std::vector<DeviceRows> parts;  ///< their rows follow each other
};

class Uploader {
 public:
  /// Writes row `row` of a matrix, n_in elements. Called on any thread; rows are independent.
  using RowWriter = std::function<void(int row, Bf16* to)>;

  static Result<Uploader> create(int n_threads);

  Result<DeviceBuffer<Bf16>> matrix(int n_out, int n_in, const RowWriter& write_row);
  /// Rows of quantised weights of one type and width, as their blocks; a null weight is a row of zeros.
  Result<DeviceBuffer<std::byte>> blocks(kernels::WeightType type, int n_in, std::span<const kernels::DeviceRow> rows);
  /// The copies asked for so far are there.
  Result<> finish();

 private:
  explicit Uploader(int n_threads) : pool_(std::make_unique<kernels::ThreadPool>(n_threads)) {}
  /// Fills n pieces of device memory that follow each other, each written by `write` into pinned memory.
  Result<> fill(std::byte* to, int n, std::size_t piece_bytes,
                const std::function<void(int piece, std::byte* to)>& write);

  struct Stage {
    PinnedMemory memory;
    kernels::Event copied;
  };
  std::unique_ptr<kernels::ThreadPool> pool_;
  kernels::Stream stream_;
  std::array<Stage, 2> stages_;
  int next_stage_ = 0;
};

/// Row `row` of a weight in bfloat16, rounded to nearest: to[w.n_in].
void write_bf16_row(const kernels::WeightMatrix& w, int row, Bf16* to);

}  // namespace assay::runners

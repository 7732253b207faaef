#pragma once
// Weights on their way to the device: rows are written into pinned memory by all threads, in the order and precision
// that the kernels want, while the part before them is being copied.

#include <cuda_bf16.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <variant>
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

/// A matrix on the device, row-major.
struct DeviceMatrix {
  DeviceBuffer<Bf16> data;
  int n_out = 0;
  int n_in = 0;
};

/// A weight in FP8 blocks, or those of all experts one after the other, as kernels/matmul/matmul_fp8.cuh takes them.
struct DeviceFp8Matrix {
  DeviceBuffer<std::uint8_t> codes;  ///< [n_out, n_in] e4m3
  DeviceBuffer<float> scales;        ///< of blocks of 128 x 128; where gate and up alternate, the gate's
  DeviceBuffer<float> up_scales;     ///< and up's; else empty
  int n_out = 0;
  int n_in = 0;
};

/// Rows of a weight that are stored alike: in the blocks of a quantised type (kernels/quantized/device_layout.h), or in
/// bfloat16, row-major.
struct DeviceRows {
  int n_rows = 0;
  kernels::WeightType type = kernels::WeightType::bf16;
  DeviceBuffer<std::byte> blocks;
  DeviceBuffer<Bf16> data;
};

/// A weight of which at least some rows are quantised: files give q, k and v types of their own.
struct DeviceQuantizedMatrix {
  std::vector<DeviceRows> parts;  ///< their rows follow each other
  int n_out = 0;
  int n_in = 0;
};

/// A weight in the form in which it is multiplied.
using DeviceWeight = std::variant<DeviceMatrix, DeviceFp8Matrix, DeviceQuantizedMatrix>;

class Uploader {
 public:
  /// Writes row `row` of a matrix, n_in elements. Called on any thread; rows are independent.
  using RowWriter = std::function<void(int row, Bf16* to)>;

  static Result<Uploader> create(int n_threads);

  Result<DeviceMatrix> matrix(int n_out, int n_in, const RowWriter& write_row);
  /// The same of bytes: row `row` has n_in of them.
  using ByteRowWriter = std::function<void(int row, std::uint8_t* to)>;
  Result<DeviceBuffer<std::uint8_t>> bytes(int n_out, int n_in, const ByteRowWriter& write_row);
  /// Rows of quantised weights of one type and width, as their blocks; a null weight is a row of zeros.
  Result<DeviceBuffer<std::byte>> blocks(kernels::WeightType type, int n_in, std::span<const kernels::DeviceRow> rows);
  /// Has all threads ask for the bytes of a file that will be written next (read_ahead of harness/base/file.h).
  void read_ahead(std::span<const std::byte> mapped) const;
  /// The copies asked for so far are there.
  Result<> finish();

 private:
  explicit Uploader(int n_threads) : pool_(std::make_unique<kernels::ThreadPool>(n_threads)) {}

  struct Stage {
    PinnedMemory memory;
    kernels::Event copied;
  };
  template <class T>
  Result<DeviceBuffer<T>> rows(int n_rows, int width, const std::function<void(int row, T* to)>& write_row);

  std::unique_ptr<kernels::ThreadPool> pool_;
  kernels::Stream stream_;
  std::array<Stage, 2> stages_;
  int next_stage_ = 0;
};

/// Row `row` of a weight in bfloat16, rounded to nearest: to[w.n_in].
void write_bf16_row(const kernels::WeightMatrix& w, int row, Bf16* to);

}  // namespace assay::runners

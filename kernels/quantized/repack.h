#pragma once
// Weights of GGUF's quantised types brought into the panels that quantized.h describes.

#include <cstddef>
#include <span>

#include "harness/base/large_memory.h"
#include "kernels/matmul/matmul.h"

namespace assay::kernels {

/// A repacked weight and its memory.
class RepackedWeight {
 public:
  RepackedWeight() = default;
  /// A view, valid as long as this object lives; its data is aligned to 64 bytes.
  const WeightMatrix& matrix() const { return matrix_; }
  std::size_t size_bytes() const { return size_bytes_; }

 private:
  friend RepackedWeight repack(ThreadPool& pool, WeightType type, int n_in, std::span<const std::byte* const> rows);
  LargeMemory data_;
  std::size_t size_bytes_ = 0;
  WeightMatrix matrix_;
};

/// Bytes of a row in the file. n_in is a multiple of the type's block, 32 or 256 inputs.
std::size_t file_row_bytes(WeightType type, int n_in);

/// Repacks a weight whose row n is the file_row_bytes(type, n_in) bytes at rows[n], at any alignment: the table lets a
/// loader change the order of rows or put several tensors below each other. Panels are shared out over the pool; the
/// rows may be unmapped afterwards. Throws std::bad_alloc.
RepackedWeight repack(ThreadPool& pool, WeightType type, int n_in, std::span<const std::byte* const> rows);

}  // namespace assay::kernels

#pragma once
// A named tensor in somebody else's memory, and its values as plain numbers.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "runners/formats/dtype.h"

namespace assay::runners {

/// One tensor: row-major, little-endian. `bytes` points into a mapped file or the caller's buffer and never owns; it
/// may be unaligned, so read elements with memcpy or with the functions below.
struct TensorView {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;   ///< empty for a scalar; a dimension may be 0
  std::span<const std::byte> bytes;  ///< product of shape / block_elements · bits / 8 bytes; a row is whole blocks
  /// Not 0 for q_proj and k_proj of a GGUF llama, weights and biases: the width of a head. Each head's rows are then
  /// stored in another order, which `stored_row` tells. Everything else is stored in order.
  std::int64_t interleaved_head_dim = 0;

  std::int64_t n_elements() const;
};

/// "[129280, 7168]", for messages.
std::string shape_text(std::span<const std::int64_t> shape);

/// The row of `bytes` where row `row` of the tensor is stored. A row is all elements of one index of the first
/// dimension, and whole bytes. Within an interleaved head of d rows, row half · d/2 + i is stored at 2i + half (half
/// is 0 or 1): so rotating neighbours turns what rotating halves turns in the original.
/// Source: ggml-org/llama.cpp, convert_hf_to_gguf.py (LlamaModel.permute).
std::int64_t stored_row(const TensorView& tensor, std::int64_t row);
/// A copy of the bytes, with the rows in order.
std::vector<std::byte> ordered_bytes(const TensorView& tensor);

/// Every element as a float, rows in order: exact for F32, F16, BF16 and F8_E4M3 (without its block scale), and as
/// gguf/dequantize.h says for the quantised types. Error{bad_input} names the tensor and its type if it is another.
Result<std::vector<float>> read_floats(const TensorView& tensor);
/// Every element of an I32 or I64 tensor. Error{bad_input} as above.
Result<std::vector<std::int64_t>> read_integers(const TensorView& tensor);

}  // namespace assay::runners

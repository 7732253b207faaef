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

  std::int64_t n_elements() const;
};

/// "[129280, 7168]", for messages.
std::string shape_text(std::span<const std::int64_t> shape);

/// Every element as a float: exact for F32, F16, BF16 and F8_E4M3 (without its block scale).
/// Error{bad_input} names the tensor and its type if it is another.
Result<std::vector<float>> read_floats(const TensorView& tensor);
/// Every element of an I32 or I64 tensor. Error{bad_input} as above.
Result<std::vector<std::int64_t>> read_integers(const TensorView& tensor);

}  // namespace assay::runners

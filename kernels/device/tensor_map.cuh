#pragma once
// Tensor maps: how the copy engine (TMA) finds a box of a tensor and lays it in shared memory.

#include <cuda.h>

#include <cstdint>
#include <span>

#include "kernels/device/device.cuh"

namespace assay::kernels {

/// One dimension of a tensor, innermost first; the innermost is contiguous.
struct TensorMapDim {
  std::uint64_t size = 0;          ///< elements
  std::uint64_t stride_bytes = 0;  ///< from one index to the next, a multiple of 16; of the innermost: not read
  std::uint32_t box = 0;           ///< elements that one copy takes, at most 256
};

enum class TensorMapElement { bf16, byte };

/// A map of bfloat16 elements, or of bytes. Boxes are 128 bytes wide inside (64 bfloat16) and are laid down with the
/// 128-byte swizzle (16-byte unit u of row r lies at u xor r mod 8); what lies outside the tensor reads as zero. The
/// address is a multiple of 16. Error{bad_input} for what the copy engine can't describe. Needs no stream and launches
/// nothing.
Result<CUtensorMap> encode_tensor_map(const void* address, std::span<const TensorMapDim> dims,
                                      TensorMapElement element = TensorMapElement::bf16);

}  // namespace assay::kernels

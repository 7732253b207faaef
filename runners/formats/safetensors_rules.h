#pragma once
// What the reader and the writer of safetensors files agree on. Private to this folder.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runners/formats/dtype.h"

namespace assay::runners {

inline constexpr std::size_t kSafetensorsLengthBytes = 8;                 ///< the header's length, u64 little-endian
inline constexpr std::uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;  ///< as the format's own reader
inline constexpr std::string_view kSafetensorsMetadata = "__metadata__";

/// What is wrong with a tensor's name (empty, longer than 512 bytes, control characters); nothing if it is fine.
std::optional<std::string> tensor_name_fault(std::string_view name);

/// Bytes of the elements of `shape`; nothing if a product overflows 64 bits, if they fill no whole number of bytes, or
/// if the type is one that safetensors doesn't have.
std::optional<std::uint64_t> tensor_size_bytes(std::span<const std::int64_t> shape, DType dtype);

}  // namespace assay::runners

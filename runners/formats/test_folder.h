#pragma once
// For tests alone: a temporary folder, and safetensors files made by hand, so that no writer of ours is trusted.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tests/support/temporary_folder.h"

namespace assay::runners {

using TestFolder = test_support::TemporaryFolder;

/// The header's length, the header, the data: whatever they are.
inline std::string hand_made_file(std::string_view header, std::string_view data) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(static_cast<std::uint64_t>(header.size()) >> (8 * i) & 0xFF);
  return file + std::string(header) + std::string(data);
}

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace assay::runners

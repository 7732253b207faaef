#pragma once
// The byte alphabet of byte-level BPE: each byte has one printable character, so that a vocabulary of bytes is JSON
// text. Source: openai/gpt-2, src/encoder.py, bytes_to_unicode().

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::runners {

/// The character of each byte: itself for 0x21–0x7E, 0xA1–0xAC, 0xAE–0xFF; the 68 others are U+0100… in ascending
/// order.
const std::array<char32_t, 256>& byte_characters();

/// The bytes that `text` stands for; nothing if a character outside the alphabet is in it.
std::optional<std::string> bytes_of(std::string_view text);

}  // namespace assay::runners

#include "runners/formats/tokenizer/byte_alphabet.h"

#include "harness/base/text.h"

namespace assay::runners {

namespace {

constexpr int kAlphabetEnd = 0x100 + 68;  // one past the last character

bool stands_for_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

std::array<std::int16_t, kAlphabetEnd> make_inverse() {
  std::array<std::int16_t, kAlphabetEnd> inverse;
  inverse.fill(-1);
  for (int byte = 0; byte < 256; ++byte) inverse[byte_characters()[byte]] = static_cast<std::int16_t>(byte);
  return inverse;
}

}  // namespace

const std::array<char32_t, 256>& byte_characters() {
  static const std::array<char32_t, 256> characters = [] {
    std::array<char32_t, 256> table{};
    char32_t next_other = 0x100;
    for (int byte = 0; byte < 256; ++byte) table[byte] = stands_for_itself(byte) ? char32_t(byte) : next_other++;
    return table;
  }();
  return characters;
}

std::optional<std::string> bytes_of(std::string_view text) {
  static const std::array<std::int16_t, kAlphabetEnd> inverse = make_inverse();
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const char32_t character = next_code_point(text, at);
    if (character >= kAlphabetEnd || inverse[character] < 0) return std::nullopt;
    bytes += static_cast<char>(inverse[character]);
  }
  return bytes;
}

}  // namespace assay::runners

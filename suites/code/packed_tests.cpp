#include "suites/code/packed_tests.h"

#include <zlib.h>

#include <array>
#include <memory>
#include <optional>

#include "harness/base/text.h"

namespace assay::suites {
namespace {

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

std::optional<std::string> decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  int n_bits = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xFFFFFF;
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    bytes += static_cast<char>(bits >> n_bits & 0xFF);
  }
  return bytes;
}

struct InflateEnd {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

Result<std::string> inflate_all(std::string_view packed, const std::string& where, std::uint64_t max_bytes) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return environment_error(where, ": zlib could not be started");
  const std::unique_ptr<z_stream, InflateEnd> end(&stream);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));  // zlib does not write there
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  std::array<char, 65536> buffer;
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = inflate(&stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END) break;
    text.append(buffer.data(), buffer.size() - stream.avail_out);
    if (text.size() > max_bytes) return bad_input(where, ": has more than ", max_bytes, " bytes unpacked");
    if (status == Z_OK && stream.avail_in == 0 && stream.avail_out != 0) break;  // cut off
  }
  if (status != Z_STREAM_END) return bad_input(where, ": is no whole zlib stream behind its base64");
  return text;
}

std::optional<std::uint64_t> take_little_endian(std::string_view& bytes, std::size_t n) {
  if (bytes.size() < n) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = n; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  bytes.remove_prefix(n);
  return value;
}

/// The one text in a pickle of protocol 1 to 5; nothing for a pickle of anything else.
/// Source: Python's pickletools documents every opcode.
std::optional<std::string_view> pickled_text(std::string_view pickle) {
  constexpr char kProto = '\x80', kFrame = '\x95', kMemoize = '\x94', kShortText = '\x8c', kLongText = '\x8d';
  constexpr char kText = 'X', kPut = 'q', kLongPut = 'r', kStop = '.';
  std::optional<std::string_view> text;
  while (!pickle.empty()) {
    const char opcode = pickle.front();
    pickle.remove_prefix(1);
    if (opcode == kStop) return text;
    if (opcode == kMemoize) continue;
    if (opcode == kShortText || opcode == kText || opcode == kLongText) {
      const auto size = take_little_endian(pickle, opcode == kShortText ? 1 : opcode == kText ? 4 : 8);
      if (text || !size || *size > pickle.size()) return std::nullopt;
      text = pickle.substr(0, *size);
      pickle.remove_prefix(*size);
      continue;
    }
    const std::size_t skipped = opcode == kProto || opcode == kPut ? 1
                                : opcode == kLongPut               ? 4
                                : opcode == kFrame                 ? 8
                                                                   : 0;
    if (skipped == 0 || pickle.size() < skipped) return std::nullopt;
    pickle.remove_prefix(skipped);
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> unpack_tests(std::string_view packed, const std::string& where, std::uint64_t max_bytes) {
  packed = trim(packed);
  if (packed.starts_with('[')) return std::string(packed);
  const auto bytes = decode_base64(packed);
  if (!bytes) return bad_input(where, ": is neither a JSON list nor base64");
  ASSAY_ASSIGN(const std::string pickle, inflate_all(*bytes, where, max_bytes));
  const auto text = pickled_text(pickle);
  if (!text) return bad_input(where, ": is no pickle of one text behind its base64 and zlib");
  return std::string(*text);
}

}  // namespace assay::suites

#pragma once
// Walking through GGUF's numbers and strings. Private to this folder.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "harness/base/assert.h"

namespace assay::runners {

static_assert(std::endian::native == std::endian::little, "numbers of the file are read as they lie there");

template <class T>
T read_little_endian(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

/// A place in a span that moves behind what was read. Nothing is read, and the place stays, where too few bytes follow.
class GgufBytes {
 public:
  explicit GgufBytes(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::size_t position() const { return position_; }
  std::size_t n_left() const { return bytes_.size() - position_; }

  template <class T>
  std::optional<T> number() {
    if (n_left() < sizeof(T)) return std::nullopt;
    position_ += sizeof(T);
    return read_little_endian<T>(bytes_.data() + position_ - sizeof(T));
  }

  /// A length of eight bytes, then so many bytes.
  std::optional<std::string_view> string() {
    if (n_left() < sizeof(std::uint64_t)) return std::nullopt;
    const auto length = read_little_endian<std::uint64_t>(bytes_.data() + position_);
    if (length > n_left() - sizeof(std::uint64_t)) return std::nullopt;
    position_ += sizeof(std::uint64_t);
    return std::string_view(reinterpret_cast<const char*>(take(length).data()), length);
  }

  /// The same where the reader has looked before.
  std::string_view unchecked_string() {
    const auto text = string();
    ASSAY_ASSERT(text.has_value(), "the reader checked every string's end");
    return *text;
  }

  /// The next `size` bytes, which must be there.
  std::span<const std::byte> take(std::size_t size) {
    ASSAY_ASSERT(size <= n_left(), "the caller checked what is left");
    position_ += size;
    return bytes_.subspan(position_ - size, size);
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
};

}  // namespace assay::runners

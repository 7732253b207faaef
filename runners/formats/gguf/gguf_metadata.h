#pragma once
// The key-value pairs of a GGUF file: typed access without copies of what is large.
// Source: ggml-org/ggml, docs/gguf.md.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace assay::runners {

/// The types of metadata values; an enumerator's value is its code in the file.
enum class GgufType : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

/// "u32", "string", "array", …, for messages.
std::string_view to_string(GgufType type);
/// Bytes of one value; 0 for strings and arrays, whose values differ.
std::size_t size_bytes(GgufType type);

/// One value as it lies in the file, checked by the reader: strings end within `bytes`, every bool is 0 or 1.
struct GgufValue {
  GgufType type = GgufType::u8;
  GgufType element_type = GgufType::u8;  ///< of an array; never an array itself
  std::uint64_t n_elements = 1;          ///< of an array; 1 for all others
  std::span<const std::byte> bytes;      ///< the value; for an array its elements, without their type and count
};

/// All pairs of one file, in that file's memory. Any thread may read.
class GgufMetadata {
 public:
  GgufMetadata(std::string where, std::map<std::string_view, GgufValue> values);

  bool has(std::string_view key) const { return find(key) != nullptr; }
  const GgufValue* find(std::string_view key) const;  ///< nullptr if absent
  const std::map<std::string_view, GgufValue>& values() const { return values_; }
  const std::string& where() const { return where_; }

  /// The value, or Error{bad_input} naming file, key and type if it is absent or of another type. Views stay valid as
  /// long as the file.
  Result<std::string_view> string(std::string_view key) const;
  /// An integer of any width, below 2^63.
  Result<std::int64_t> integer(std::string_view key) const;
  /// An f64, or an f32 as the number with the fewest digits that rounds to it: converters wrote it from such a decimal,
  /// so that 1e-6 is the same number here as in config.json.
  Result<double> number(std::string_view key) const;
  Result<bool> boolean(std::string_view key) const;
  /// Arrays. The strings are views; a vocabulary of 150,000 costs 2 MB.
  Result<std::vector<std::string_view>> strings(std::string_view key) const;
  Result<std::vector<std::int64_t>> integers(std::string_view key) const;
  Result<std::vector<float>> floats(std::string_view key) const;

  /// The same, with a value for a key that is absent; still Error{bad_input} for another type.
  Result<std::int64_t> integer_or(std::string_view key, std::int64_t fallback) const;
  Result<double> number_or(std::string_view key, double fallback) const;
  Result<bool> boolean_or(std::string_view key, bool fallback) const;

  /// An error about a key: "WHERE: key \"KEY\" RULE".
  Error key_error(std::string_view key, std::string_view rule) const;

 private:
  Result<const GgufValue*> require(std::string_view key) const;
  Result<const GgufValue*> require_array(std::string_view key, std::string_view wanted,
                                         const std::function<bool(GgufType)>& fits) const;
  std::string where_;
  std::map<std::string_view, GgufValue> values_;
};

}  // namespace assay::runners

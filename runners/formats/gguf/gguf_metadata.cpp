#include "runners/formats/gguf/gguf_metadata.h"

#include <array>
#include <charconv>
#include <cstring>

#include "harness/base/text.h"
#include "runners/formats/gguf/gguf_bytes.h"

namespace assay::runners {

namespace {

struct TypeFacts {
  GgufType type;
  std::string_view name;
  std::size_t size_bytes;
};

constexpr std::array<TypeFacts, 13> kTypes = {{
    {GgufType::u8, "u8", 1},
    {GgufType::i8, "i8", 1},
    {GgufType::u16, "u16", 2},
    {GgufType::i16, "i16", 2},
    {GgufType::u32, "u32", 4},
    {GgufType::i32, "i32", 4},
    {GgufType::f32, "f32", 4},
    {GgufType::boolean, "bool", 1},
    {GgufType::string, "string", 0},
    {GgufType::array, "array", 0},
    {GgufType::u64, "u64", 8},
    {GgufType::i64, "i64", 8},
    {GgufType::f64, "f64", 8},
}};

const TypeFacts& facts(GgufType type) {
  const auto code = static_cast<std::size_t>(type);
  ASSAY_ASSERT(code < kTypes.size() && kTypes[code].type == type, "the reader admits known types only");
  return kTypes[code];
}

bool is_integer(GgufType type) {
  return size_bytes(type) > 0 && type != GgufType::boolean && type != GgufType::f32 && type != GgufType::f64;
}

/// The integer at `bytes`; nothing for a u64 from 2^63 on.
std::optional<std::int64_t> integer_at(GgufType type, const std::byte* bytes) {
  switch (type) {
    case GgufType::u8:
      return read_little_endian<std::uint8_t>(bytes);
    case GgufType::i8:
      return read_little_endian<std::int8_t>(bytes);
    case GgufType::u16:
      return read_little_endian<std::uint16_t>(bytes);
    case GgufType::i16:
      return read_little_endian<std::int16_t>(bytes);
    case GgufType::u32:
      return read_little_endian<std::uint32_t>(bytes);
    case GgufType::i32:
      return read_little_endian<std::int32_t>(bytes);
    case GgufType::i64:
      return read_little_endian<std::int64_t>(bytes);
    default: {
      ASSAY_ASSERT(type == GgufType::u64, "the caller asks for integers only");
      const auto value = read_little_endian<std::uint64_t>(bytes);
      if (value > std::uint64_t{INT64_MAX}) return std::nullopt;
      return static_cast<std::int64_t>(value);
    }
  }
}

/// The double with the fewest digits among those that round to `value`.
double shortest_decimal(float value) {
  std::array<char, 32> text;
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
  double decimal = value;  // stays so for infinities and NaN
  std::from_chars(text.data(), written.ptr, decimal);
  return decimal;
}

std::string described(const GgufValue& value) {
  if (value.type != GgufType::array) return std::string(to_string(value.type));
  return "array of " + std::string(to_string(value.element_type));
}

constexpr std::string_view kTooLarge = "holds a number from 2^63 on, which is too large";

}  // namespace

std::string_view to_string(GgufType type) { return facts(type).name; }
std::size_t size_bytes(GgufType type) { return facts(type).size_bytes; }

GgufMetadata::GgufMetadata(std::string where, std::map<std::string_view, GgufValue> values)
    : where_(std::move(where)), values_(std::move(values)) {}

const GgufValue* GgufMetadata::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

Error GgufMetadata::key_error(std::string_view key, std::string_view rule) const {
  return bad_input(where_, ": key ", quoted_excerpt(key, 120), " ", rule);
}

Result<const GgufValue*> GgufMetadata::require(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return key_error(key, "is missing");
  return value;
}

Result<const GgufValue*> GgufMetadata::require_array(std::string_view key, std::string_view wanted,
                                                     const std::function<bool(GgufType)>& fits) const {
  ASSAY_ASSIGN(const GgufValue* value, require(key));
  if (value->type == GgufType::array && fits(value->element_type)) return value;
  return key_error(key, "is of type " + described(*value) + ", must be an array of " + std::string(wanted));
}

Result<std::string_view> GgufMetadata::string(std::string_view key) const {
  ASSAY_ASSIGN(const GgufValue* value, require(key));
  if (value->type == GgufType::string) return GgufBytes(value->bytes).unchecked_string();
  return key_error(key, "is of type " + described(*value) + ", must be a string");
}

Result<std::int64_t> GgufMetadata::integer(std::string_view key) const {
  ASSAY_ASSIGN(const GgufValue* value, require(key));
  if (!is_integer(value->type)) {
    return key_error(key, "is of type " + described(*value) + ", must be an integer");
  }
  const auto number = integer_at(value->type, value->bytes.data());
  if (!number) return key_error(key, kTooLarge);
  return *number;
}

Result<double> GgufMetadata::number(std::string_view key) const {
  ASSAY_ASSIGN(const GgufValue* value, require(key));
  if (value->type == GgufType::f32) return shortest_decimal(read_little_endian<float>(value->bytes.data()));
  if (value->type == GgufType::f64) return read_little_endian<double>(value->bytes.data());
  return key_error(key, "is of type " + described(*value) + ", must be f32 or f64");
}

Result<bool> GgufMetadata::boolean(std::string_view key) const {
  ASSAY_ASSIGN(const GgufValue* value, require(key));
  if (value->type == GgufType::boolean) return value->bytes[0] != std::byte{0};
  return key_error(key, "is of type " + described(*value) + ", must be a bool");
}

Result<std::vector<std::string_view>> GgufMetadata::strings(std::string_view key) const {
  ASSAY_ASSIGN(const GgufValue* value,
               require_array(key, "strings", [](GgufType type) { return type == GgufType::string; }));
  std::vector<std::string_view> strings;
  strings.reserve(value->n_elements);
  GgufBytes bytes(value->bytes);
  for (std::uint64_t i = 0; i < value->n_elements; ++i) strings.push_back(bytes.unchecked_string());
  return strings;
}

Result<std::vector<std::int64_t>> GgufMetadata::integers(std::string_view key) const {
  ASSAY_ASSIGN(const GgufValue* value, require_array(key, "integers", is_integer));
  const std::size_t size = size_bytes(value->element_type);
  std::vector<std::int64_t> integers(value->n_elements);
  for (std::size_t i = 0; i < integers.size(); ++i) {
    const auto number = integer_at(value->element_type, value->bytes.data() + i * size);
    if (!number) return key_error(key, kTooLarge);
    integers[i] = *number;
  }
  return integers;
}

Result<std::vector<float>> GgufMetadata::floats(std::string_view key) const {
  ASSAY_ASSIGN(const GgufValue* value, require_array(key, "f32", [](GgufType type) { return type == GgufType::f32; }));
  std::vector<float> floats(value->n_elements);
  for (std::size_t i = 0; i < floats.size(); ++i) {
    floats[i] = read_little_endian<float>(value->bytes.data() + i * sizeof(float));
  }
  return floats;
}

Result<std::int64_t> GgufMetadata::integer_or(std::string_view key, std::int64_t fallback) const {
  return has(key) ? integer(key) : Result<std::int64_t>(fallback);
}

Result<double> GgufMetadata::number_or(std::string_view key, double fallback) const {
  return has(key) ? number(key) : Result<double>(fallback);
}

Result<bool> GgufMetadata::boolean_or(std::string_view key, bool fallback) const {
  return has(key) ? boolean(key) : Result<bool>(fallback);
}

}  // namespace assay::runners

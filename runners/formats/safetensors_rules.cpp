#include "runners/formats/safetensors_rules.h"

#include "harness/base/text.h"

namespace assay::runners {

namespace {

constexpr std::size_t kMaxNameBytes = 512;

bool has_control_character(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const char32_t code_point = next_code_point(text, at);
    if (code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0)) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string> tensor_name_fault(std::string_view name) {
  if (name.empty()) return "a tensor's name is empty";
  if (name.size() > kMaxNameBytes) {
    return "a tensor's name has " + std::to_string(name.size()) + " bytes, at most 512 are allowed";
  }
  if (has_control_character(name)) return "tensor " + quoted_excerpt(name) + " has control characters in its name";
  return std::nullopt;
}

std::optional<std::uint64_t> tensor_size_bytes(std::span<const std::int64_t> shape, DType dtype) {
  if (is_quantized(dtype)) return std::nullopt;
  std::uint64_t n = 1;
  for (const std::int64_t extent : shape) {
    if (__builtin_mul_overflow(n, static_cast<std::uint64_t>(extent), &n)) return std::nullopt;
  }
  if (__builtin_mul_overflow(n, static_cast<std::uint64_t>(bits(dtype)), &n) || n % 8 != 0) return std::nullopt;
  return n / 8;
}

}  // namespace assay::runners

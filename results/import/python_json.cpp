#include "results/import/python_json.h"

#include <algorithm>
#include <array>

namespace assay::results {

namespace {

/// The length of the string literal that `text` begins with, quotes included; all of it where it does not end.
std::size_t string_length(std::string_view text) {
  for (std::size_t at = 1; at < text.size(); at += text[at] == '\\' ? 2 : 1) {
    if (text[at] == '"') return at + 1;
  }
  return text.size();
}

/// The length of the constant that `text` begins with; 0 if it begins with none.
std::size_t constant_length(std::string_view text) {
  static constexpr std::array<std::string_view, 3> kConstants{"NaN", "Infinity", "-Infinity"};
  for (const std::string_view constant : kConstants) {
    if (text.starts_with(constant)) return constant.size();
  }
  return 0;
}

}  // namespace

std::string without_nan(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    const std::size_t next = std::min(text.find_first_of("\"NI-"), text.size());
    plain += text.substr(0, next);
    text.remove_prefix(next);
    if (text.empty()) break;
    const std::size_t n_constant = constant_length(text);
    const std::size_t n_taken = n_constant > 0 ? n_constant : text.front() == '"' ? string_length(text) : 1;
    plain += n_constant > 0 ? "null" : text.substr(0, n_taken);
    text.remove_prefix(n_taken);
  }
  return plain;
}

}  // namespace assay::results

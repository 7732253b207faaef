#include "suites/integer/integer_value.h"

#include "harness/base/text.h"

namespace assay::suites {

std::optional<std::string> parse_integer_value(std::string_view text) {
  static constexpr std::size_t kMaxDigits = 4000;
  std::string_view digits = trim(text);
  const bool is_negative = !digits.empty() && digits.front() == '-';
  if (is_negative || (!digits.empty() && digits.front() == '+')) digits.remove_prefix(1);
  if (digits.empty() || digits.size() > kMaxDigits) return std::nullopt;
  if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  const std::size_t first = digits.find_first_not_of('0');
  if (first == std::string_view::npos) return "0";
  std::string canonical(is_negative ? "-" : "");
  return canonical.append(digits.substr(first));
}

}  // namespace assay::suites

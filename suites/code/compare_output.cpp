#include "suites/code/compare_output.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "harness/base/text.h"

namespace assay::suites {
namespace {

/// A decimal in a form in which equal values are equal: digits without zeros at either end, times ten to the exponent.
struct Decimal {
  bool is_negative = false;
  bool is_infinite = false;
  std::string digits;  ///< empty: zero
  std::int64_t exponent = 0;
  bool operator==(const Decimal&) const = default;
};

// Beyond this an exponent is refused, as Python's decimal module does: no output means such a number.
constexpr std::int64_t kMaxExponent = 999'999'999'999'999'999;

std::optional<std::int64_t> parse_exponent(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto value = text.starts_with('+') ? std::nullopt : parse_integer(text);
  if (!value || *value > kMaxExponent || *value < -kMaxExponent) return std::nullopt;
  return value;
}

Decimal normalised(Decimal value) {
  value.digits.erase(0, std::min(value.digits.find_first_not_of('0'), value.digits.size()));
  const std::size_t kept = value.digits.find_last_not_of('0') + 1;
  value.exponent += static_cast<std::int64_t>(value.digits.size() - kept);
  value.digits.resize(kept);
  if (value.digits.empty() && !value.is_infinite) return {};  // 0 and -0 are equal
  return value;
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal value;
  if (text.starts_with('+') || text.starts_with('-')) {
    value.is_negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (const std::string word = to_lower_ascii(text); word == "inf" || word == "infinity") {
    value.is_infinite = true;
    return value;
  }
  std::size_t at = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) value.digits += text[at];
  if (at < text.size() && text[at] == '.') {
    for (++at; at < text.size() && is_digit(text[at]); ++at, --value.exponent) value.digits += text[at];
  }
  if (value.digits.empty()) return std::nullopt;
  if (at < text.size()) {
    if (text[at] != 'e' && text[at] != 'E') return std::nullopt;
    const auto exponent = parse_exponent(text.substr(at + 1));
    if (!exponent) return std::nullopt;
    value.exponent += *exponent;
  }
  return normalised(std::move(value));
}

std::vector<std::string_view> tokens(std::string_view line) {
  constexpr std::string_view kWhiteSpace = " \t\v\f\r";
  std::vector<std::string_view> words;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(kWhiteSpace), line.size()));
    if (line.empty()) return words;
    const std::size_t end = std::min(line.find_first_of(kWhiteSpace), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

bool same_line(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const std::vector<std::string_view> left = tokens(a);
  const std::vector<std::string_view> right = tokens(b);
  return !left.empty() && std::equal(left.begin(), left.end(), right.begin(), right.end(), same_decimal);
}

}  // namespace

bool same_decimal(std::string_view a, std::string_view b) {
  const std::optional<Decimal> left = parse_decimal(a);
  return left && left == parse_decimal(b);
}

std::optional<OutputDifference> compare_output(std::string_view printed, std::string_view expected) {
  const std::vector<std::string> got = split(trim(printed), '\n');
  const std::vector<std::string> want = split(trim(expected), '\n');
  const auto line = [](const std::vector<std::string>& lines, std::size_t i) {
    return i < lines.size() ? trim(lines[i]) : std::string_view("(end)");
  };
  for (std::size_t i = 0; i < std::max(got.size(), want.size()); ++i) {
    if (i < got.size() && i < want.size() && same_line(line(got, i), line(want, i))) continue;
    return OutputDifference{i + 1, quoted_excerpt(line(want, i), 120), quoted_excerpt(line(got, i), 120)};
  }
  return std::nullopt;
}

}  // namespace assay::suites

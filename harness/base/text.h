#pragma once
// Text: numbers without locale, trimming, splitting, UTF-8. Only what two folders need.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

/// The shortest decimal that reads back to the same value (std::to_chars); "null" for NaN and infinities.
std::string to_text(double value);
std::string to_text(std::int64_t value);
/// A decimal with exactly `digits` places behind the point, rounded to nearest.
std::string to_fixed(double value, int digits);

/// The whole of `text` as a number; nothing if anything else is in it (no white space, no "+", no locale).
std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<double> parse_number(std::string_view text);

/// ASCII alone, whatever the locale.
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Without ASCII white space (space, \t, \n, \v, \f, \r) at both ends.
std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string to_lower_ascii(std::string_view text);
/// `text` with every `from` replaced by `to`; `from` is not empty.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// True if `text` is well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool is_valid_utf8(std::string_view text);
/// `text` with each ill-formed sequence replaced by one U+FFFD (as the WHATWG decoder does).
std::string to_valid_utf8(std::string_view text);
/// Decodes the code point that starts at `text[at]` and moves `at` behind it; U+FFFD for an ill-formed one.
char32_t next_code_point(std::string_view text, std::size_t& at);
void append_utf8(std::string& out, char32_t code_point);

/// One line for an error message, cut to `max_bytes` with "…": control characters, and those that turn the direction of
/// writing, are escaped.
std::string quoted_excerpt(std::string_view text, std::size_t max_bytes = 60);
/// The same without quotes: text of others made safe for a terminal.
std::string shown(std::string_view text, std::size_t max_bytes = 100);

}  // namespace assay

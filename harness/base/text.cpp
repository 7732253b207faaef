#include "harness/base/text.h"

#include <charconv>
#include <cmath>
#include <system_error>

#include "harness/base/assert.h"

namespace assay {

namespace {

bool is_ascii_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Decodes one sequence at `at`. Returns false, with `at` moved over the maximal ill-formed part, if it is none.
bool decode(std::string_view text, std::size_t& at, char32_t& code_point) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at++);
  if (lead < 0x80) {
    code_point = lead;
    return true;
  }
  // Bounds of the second byte exclude overlong forms, surrogates and values past U+10FFFF (Unicode, table 3-7).
  int n_continuation = 0;
  unsigned char low = 0x80, high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    n_continuation = 1;
    code_point = lead & 0x1F;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    n_continuation = 2;
    code_point = lead & 0x0F;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    n_continuation = 3;
    code_point = lead & 0x07;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return false;
  }
  for (int i = 0; i < n_continuation; ++i) {
    if (at >= text.size() || byte(at) < low || byte(at) > high) return false;
    code_point = (code_point << 6) | (byte(at++) & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return true;
}

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string to_text(double value) {
  if (!std::isfinite(value)) return "null";
  char buffer[32];
  const auto [end, code] = std::to_chars(buffer, buffer + sizeof buffer, value);
  ASSAY_ASSERT(code == std::errc(), "the shortest form of a double has at most 24 characters");
  return {buffer, end};
}

std::string to_text(std::int64_t value) { return std::to_string(value); }

std::string to_fixed(double value, int digits) {
  if (!std::isfinite(value)) return "null";
  char buffer[400];
  const auto [end, code] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, digits);
  ASSAY_ASSERT(code == std::errc(), "a double has at most 309 digits before the point");
  return {buffer, end};
}

std::optional<std::int64_t> parse_integer(std::string_view text) { return parse_whole<std::int64_t>(text); }

std::optional<double> parse_number(std::string_view text) {
  const auto value = parse_whole<double>(text);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return value;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_ascii_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_ascii_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != separator) continue;
    parts.emplace_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  return parts;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string joined;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) joined += separator;
    joined += parts[i];
  }
  return joined;
}

std::string to_lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  ASSAY_ASSERT(!from.empty(), "an empty text occurs everywhere");
  std::string out;
  for (std::size_t at = 0;;) {
    const std::size_t found = text.find(from, at);
    out += text.substr(at, found - at);
    if (found == std::string_view::npos) return out;
    out += to;
    at = found + from.size();
  }
}

bool is_valid_utf8(std::string_view text) {
  char32_t ignored = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (!decode(text, at, ignored)) return false;
  }
  return true;
}

std::string to_valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    char32_t ignored = 0;
    if (decode(text, at, ignored)) {
      out += text.substr(begin, at - begin);
    } else {
      append_utf8(out, U'\uFFFD');
    }
  }
  return out;
}

char32_t next_code_point(std::string_view text, std::size_t& at) {
  char32_t code_point = 0;
  return decode(text, at, code_point) ? code_point : U'\uFFFD';
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto put = [&](char32_t bits) { out += static_cast<char>(static_cast<unsigned char>(bits)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3F));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

namespace {

/// Marks, embeddings, overrides and isolates that turn the direction of what follows, and the separators of lines.
bool rearranges_a_line(char32_t c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

void append_hex(std::string& out, char32_t c, int n_digits) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (int digit = n_digits - 1; digit >= 0; --digit) out += kDigits[(c >> (4 * digit)) & 15];
}

}  // namespace

std::string quoted_excerpt(std::string_view text, std::size_t max_bytes) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    if (at >= max_bytes) {
      out += "…";
      break;
    }
    const char32_t c = next_code_point(text, at);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c < 0x20 || c == 0x7F || (c >= 0x80 && c < 0xA0)) {
      out += "\\x";
      append_hex(out, c, 2);
    } else if (rearranges_a_line(c)) {
      out += "\\u";
      append_hex(out, c, 4);
    } else {
      append_utf8(out, c);
    }
  }
  return out + "\"";
}

std::string shown(std::string_view text, std::size_t max_bytes) {
  const std::string quoted = quoted_excerpt(text, max_bytes);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace assay

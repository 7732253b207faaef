#include "suites/fold.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "harness/base/assert.h"
#include "harness/base/text.h"

namespace assay::suites {

namespace {

struct CFree {
  void operator()(void* memory) const { std::free(memory); }
};

utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool is_line_break(char32_t c) { return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029; }

bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return is_line_break(c) || category(c) == UTF8PROC_CATEGORY_ZS;
}

/// The value of a decimal digit. Unicode promises that those of a script are ten in a row, 0 first (section 4.6).
int digit_value(char32_t c) {
  int place = 0;
  while (category(c - 1) == UTF8PROC_CATEGORY_ND) {
    --c;
    ++place;
  }
  return place % 10;
}

/// True for characters that differ from their decomposition in looks alone.
bool is_presentation_form(char32_t c) {
  switch (utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->decomp_type) {
    case UTF8PROC_DECOMP_TYPE_FONT:
    case UTF8PROC_DECOMP_TYPE_WIDE:
    case UTF8PROC_DECOMP_TYPE_NARROW:
    case UTF8PROC_DECOMP_TYPE_SMALL:
      return true;
    default:
      return false;
  }
}

void append_decomposed(std::string& out, char32_t c) {
  utf8proc_int32_t parts[32];
  const auto n = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, 32,
                                         static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT), nullptr);
  ASSAY_ASSERT(n >= 0 && n <= 32, "no character decomposes into more than 18");
  for (utf8proc_ssize_t i = 0; i < n; ++i) append_utf8(out, static_cast<char32_t>(parts[i]));
}

}  // namespace

std::string fold_forms(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      out += text[at++];
      continue;
    }
    const char32_t c = next_code_point(text, at);
    if (is_space(c)) {
      out += is_line_break(c) ? '\n' : ' ';
    } else if (category(c) == UTF8PROC_CATEGORY_CF) {
      continue;
    } else if (category(c) == UTF8PROC_CATEGORY_ND) {
      out += static_cast<char>('0' + digit_value(c));
    } else if (is_presentation_form(c)) {
      append_decomposed(out, c);
    } else {
      append_utf8(out, c);
    }
  }
  return out;
}

std::string fold_case(std::string_view text) {
  const std::string valid = to_valid_utf8(text);
  utf8proc_uint8_t* mapped = nullptr;
  const auto n =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(valid.data()), static_cast<utf8proc_ssize_t>(valid.size()),
                   &mapped, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD));
  const std::unique_ptr<utf8proc_uint8_t, CFree> owner(mapped);
  ASSAY_ASSERT(n >= 0, "well-formed UTF-8 can be case-folded");
  return {reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(n)};
}

std::string fold_space(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool pending = false;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (is_space(c)) {
      pending = !out.empty();
      continue;
    }
    if (pending) out += ' ';
    pending = false;
    append_utf8(out, c);
  }
  return out;
}

std::string_view trim_space(std::string_view text) {
  std::size_t begin = text.size(), end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    if (is_space(next_code_point(text, at))) continue;
    if (begin > start) begin = start;
    end = at;
  }
  return begin < end ? text.substr(begin, end - begin) : std::string_view{};
}

std::string to_lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      const char c = text[at++];
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
      continue;
    }
    const char32_t c = next_code_point(text, at);
    append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
  return out;
}

}  // namespace assay::suites

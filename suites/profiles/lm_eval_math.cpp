#include "suites/profiles/lm_eval_math.h"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/text.h"
#include "suites/fold.h"

namespace assay::suites {

namespace {

// The original works on code points, so this does.
using Text = std::u32string;
using View = std::u32string_view;

constexpr std::size_t kNone = Text::npos;

Text decoded(std::string_view text) {
  Text out;
  for (std::size_t at = 0; at < text.size();) out += next_code_point(text, at);
  return out;
}

std::string encoded(View text) {
  std::string out;
  for (const char32_t c : text) append_utf8(out, c);
  return out;
}

Text joined(std::initializer_list<View> parts) {
  Text out;
  for (const View part : parts) out += part;
  return out;
}

void replace(Text& text, View from, View to) {
  Text out;
  for (std::size_t at = 0; at < text.size();) {
    if (View(text).substr(at, from.size()) == from) {
      out += to;
      at += from.size();
    } else {
      out += text[at++];
    }
  }
  text = std::move(out);
}

std::vector<Text> split(const Text& text, View separator) {
  std::vector<Text> parts;
  std::size_t begin = 0;
  for (std::size_t at = text.find(separator); at != kNone; at = text.find(separator, begin)) {
    parts.push_back(text.substr(begin, at - begin));
    begin = at + separator.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

// --- Clean-up. Nothing means that the original raises an exception, which makes it compare the texts as they were. ---

std::optional<Text> fix_roots(const Text& text) {
  const std::vector<Text> parts = split(text, U"\\sqrt");
  Text out = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].empty()) return std::nullopt;
    const View part = parts[i];
    out += part[0] == U'{' ? joined({U"\\sqrt", part}) : joined({U"\\sqrt{", part.substr(0, 1), U"}", part.substr(1)});
  }
  return out;
}

std::optional<Text> fix_fractions(const Text& text) {
  const std::vector<Text> parts = split(text, U"\\frac");
  Text out = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const View part = parts[i];
    out += U"\\frac";
    if (part.empty()) return std::nullopt;
    if (part[0] == U'{') {
      out += part;
      continue;
    }
    if (part.size() < 2) return text;
    out += joined({U"{", part.substr(0, 1), U"}"});
    out += part[1] == U'{' ? Text(part.substr(1)) : joined({U"{", part.substr(1, 1), U"}", part.substr(2)});
  }
  return out;
}

/// True for what Python's int() reads: a sign, digits with single underscores between them, at most 4,300 of them.
bool is_python_int(const Text& text) {
  static constexpr std::size_t kMaxDigits = 4300;
  const std::string trimmed(trim(fold_forms(encoded(text))));  // decimal digits of any script
  std::string_view digits = trimmed;
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.remove_prefix(1);
  if (digits.empty() || digits.size() > kMaxDigits || digits.front() == '_' || digits.back() == '_') return false;
  return digits.find("__") == std::string_view::npos &&
         digits.find_first_not_of("0123456789_") == std::string_view::npos;
}

/// True for what Python prints for an integer.
bool is_printed_int(View digits) {
  if (digits == U"0") return true;
  if (!digits.empty() && digits[0] == U'-') digits.remove_prefix(1);
  return !digits.empty() && digits[0] != U'0' && digits.find_first_not_of(U"0123456789") == kNone;
}

std::optional<Text> fix_slash(const Text& text) {
  const std::vector<Text> parts = split(text, U"/");
  if (parts.size() != 2) return text;
  if (!is_python_int(parts[0]) || !is_python_int(parts[1])) return std::nullopt;
  if (!is_printed_int(parts[0]) || !is_printed_int(parts[1])) return text;
  return joined({U"\\frac{", parts[0], U"}{", parts[1], U"}"});
}

std::optional<Text> cleaned(Text text) {
  static constexpr std::pair<View, View> kReplaced[] = {
      {U"\n", U""},     {U"\\!", U""},     {U"\\\\", U"\\"},    {U"tfrac", U"frac"}, {U"dfrac", U"frac"},
      {U"\\left", U""}, {U"\\right", U""}, {U"^{\\circ}", U""}, {U"^\\circ", U""},   {U"\\$", U""}};
  for (const auto& [from, to] : kReplaced) replace(text, from, to);
  if (const auto parts = split(text, U"\\text{ "); parts.size() > 1) {  // units
    if (parts.size() != 2) return std::nullopt;
    text = parts[0];
  }
  replace(text, U"\\%", U"");
  replace(text, U" .", U" 0.");
  replace(text, U"{.", U"{0.");
  if (text.empty()) return text;
  if (text[0] == U'.') text.insert(0, U"0");
  if (const auto sides = split(text, U"="); sides.size() == 2 && sides[0].size() <= 2) text = sides[1];
  auto fixed = fix_roots(text);
  if (!fixed) return std::nullopt;
  replace(*fixed, U" ", U"");
  fixed = fix_fractions(*fixed);
  if (!fixed) return std::nullopt;
  if (*fixed == U"0.5") fixed = U"\\frac{1}{2}";
  return fix_slash(*fixed);
}

bool is_equivalent(const Text& a, const Text& b) {
  const auto clean_a = cleaned(a), clean_b = cleaned(b);
  return clean_a && clean_b ? *clean_a == *clean_b : a == b;
}

// --- Extraction ----------------------------------------------------------------------------------------------------

/// Between the first and the last "$", or everything where there are fewer than two.
Text between_dollars(const Text& text) {
  const std::size_t first = text.find(U'$'), last = text.rfind(U'$');
  return first == last ? text : text.substr(first + 1, last - first - 1);
}

/// The content of the last box; nothing if there is none or the original fails to unwrap it.
std::optional<Text> boxed(const Text& text) {
  static constexpr View kBare = U"\\boxed ", kOpen = U"\\boxed{";
  if (text.find(kBare) != kNone) return split(split(text, kBare).back(), U"$")[0];
  std::size_t at = text.rfind(U"\\boxed");
  if (at == kNone) at = text.rfind(U"\\fbox");
  if (at == kNone) return std::nullopt;
  int depth = 0;
  for (std::size_t i = at; i < text.size(); ++i) {
    if (text[i] == U'{') ++depth;
    if (text[i] != U'}' || --depth != 0) continue;
    const Text box = text.substr(at, i + 1 - at);
    if (!box.starts_with(kOpen)) return std::nullopt;
    return box.substr(kOpen.size(), box.size() - kOpen.size() - 1);
  }
  return std::nullopt;
}

Grade graded(const Item& item, const Text& answer, const char* rule) {
  const Json& key = item.record.at("answer");
  Grade grade;
  grade.expected = key.is_string() ? key.get<std::string>() : to_json_text(key);
  grade.answer = encoded(answer);
  grade.verdict = is_equivalent(answer, decoded(*grade.expected)) ? Verdict::correct : Verdict::incorrect;
  grade.score = grade.verdict == Verdict::correct ? 1 : 0;
  grade.rule = rule;
  return grade;
}

}  // namespace

Grade grade_integer_lm_eval(const Item& item, const Output& output) {
  const Text text = decoded(output.text);
  return graded(item, boxed(text).value_or(between_dollars(text)), "lm_eval_aime");
}

Grade grade_math_lm_eval(const Item& item, const Output& output) {
  return graded(item, between_dollars(decoded(output.text)), "lm_eval_hendrycks");
}

}  // namespace assay::suites

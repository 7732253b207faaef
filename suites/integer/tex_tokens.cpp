#include "suites/integer/tex_tokens.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "harness/base/text.h"
#include "suites/math/math_commands.h"
#include "suites/math/units.h"

namespace assay::suites {

namespace {

// Commands that change looks and not values.
constexpr std::array<std::string_view, 29> kFonts{
    "boxed", "fbox",         "mathbf",    "mathit", "mathsf", "mathtt", "mathnormal", "bm",   "boldsymbol", "left",
    "right", "big",          "Big",       "bigg",   "Bigg",   "bigl",   "bigr",       "Bigl", "Bigr",       "quad",
    "qquad", "displaystyle", "textstyle", "limits", "large",  "Large",  "LARGE",      "huge", "Huge"};
constexpr std::array<std::string_view, 11> kTexts{"text",   "mathrm", "textbf", "textit", "textrm", "textsf",
                                                  "texttt", "textup", "mbox",   "hbox",   "emph"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<TokenKind> operator_kind(std::string_view command) {
  if (command == "times" || command == "cdot" || command == "ast") return TokenKind::times;
  if (command == "div") return TokenKind::over;
  if (command == "frac" || command == "dfrac" || command == "tfrac" || command == "cfrac") return TokenKind::fraction;
  return std::nullopt;
}

/// What a sign stands for, where arithmetic knows it.
std::optional<TokenKind> operator_kind(char32_t sign) {
  switch (sign) {
    case '+':
      return TokenKind::plus;
    case '-':
    case U'\u2212':  // minus sign
      return TokenKind::minus;
    case '*':
    case U'\u00D7':  // ×
    case U'\u00B7':  // ·
    case U'\u22C5':  // ⋅
    case U'\u2219':  // ∙
      return TokenKind::times;
    case '/':
    case U'\u00F7':  // ÷
    case U'\u2215':  // ∕
    case U'\u2044':  // ⁄
      return TokenKind::over;
    case '^':
      return TokenKind::power;
    case '=':
      return TokenKind::equals;
    case '(':
      return TokenKind::open;
    case ')':
      return TokenKind::close;
    default:
      return std::nullopt;
  }
}

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    while (at_ < text_.size()) step();
    return std::move(tokens_);
  }

 private:
  enum class Group { maths, font, text };  ///< what an open brace belongs to

  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  void skip_blanks() {
    while (peek() == ' ' || (peek() >= '\t' && peek() <= '\r')) ++at_;
  }
  void add(TokenKind kind, std::string_view text) { tokens_.push_back({kind, std::string(text), at_}); }

  void step() {
    skip_blanks();
    const char c = peek();
    if (at_ >= text_.size()) return;
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (is_letter(c)) return word();
    if (c == '\\') return command();
    if (c == '{') return open_group(Group::maths);
    if (c == '}') return close_group();
    if (c == '^' && skip_degrees()) return;
    sign();
  }

  /// Digits in groups of three are one number; so is what stands behind a decimal point.
  void number() {
    std::string digits;
    while (is_digit(peek())) digits += text_[at_++];
    const char separator = peek();
    if ((separator == ',' || separator == ' ') && !digits.empty() && digits.size() <= 3) {
      while (group_follows(separator)) {
        digits += text_.substr(at_ + 1, 3);
        at_ += 4;
      }
    }
    if (peek() == '.') {
      digits += text_[at_++];
      while (is_digit(peek())) digits += text_[at_++];
    }
    add(TokenKind::number, digits);
    exponent();
  }

  /// Turns the "e3" and "E-3" behind a number into a power of ten.
  void exponent() {
    const bool is_signed = peek(1) == '-' || peek(1) == '+';
    std::size_t end = at_ + (is_signed ? 2 : 1);
    if ((peek() != 'e' && peek() != 'E') || end >= text_.size() || !is_digit(text_[end])) return;
    while (end < text_.size() && is_digit(text_[end])) ++end;
    if (end < text_.size() && (is_letter(text_[end]) || text_[end] == '.')) return;
    const bool is_negative = peek(1) == '-';
    const std::string_view digits = text_.substr(at_ + (is_signed ? 2 : 1), end - at_ - (is_signed ? 2 : 1));
    at_ = end;
    add(TokenKind::times, "*");
    add(TokenKind::number, "10");
    add(TokenKind::power, "^");
    if (is_negative) add(TokenKind::minus, "-");
    add(TokenKind::number, digits);
  }

  /// Turns a run of raised characters from `begin` on, the "⁻³" of 10⁻³, into an exponent.
  void raised(std::size_t begin) {
    std::string plain;
    at_ = begin;
    while (at_ < text_.size()) {
      std::size_t next = at_;
      const std::string_view one = superscript(next_code_point(text_, next));
      if (one.empty()) break;
      plain += one;
      at_ = next;
    }
    add(TokenKind::power, "^");
    add(TokenKind::open, "{");
    for (Token token : tokenize(plain)) add(token.kind, token.text);
    add(TokenKind::close, "}");
  }

  bool group_follows(char separator) const {
    return peek() == separator && is_digit(peek(1)) && is_digit(peek(2)) && is_digit(peek(3)) && !is_digit(peek(4));
  }

  void word() {
    const std::size_t begin = at_;
    while (is_letter(peek())) ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    const bool can_be_unit = word != "percent" && word != "pct" && scale_of_word(word).empty() && is_unit_text(word);
    const bool is_unit = (n_open_texts_ > 0 && can_be_unit) || is_unit_word(word);
    add(is_unit ? TokenKind::unit : TokenKind::other, word);
  }

  void command() {
    const std::size_t begin = ++at_;
    while (is_letter(peek())) ++at_;
    if (at_ == begin && at_ < text_.size()) ++at_;  // \% and the like
    const std::string_view name = text_.substr(begin, at_ - begin);
    const bool is_text = is_one_of(kTexts, name);
    if (is_text || is_one_of(kFonts, name)) {
      skip_blanks();
      if (peek() == '{') open_group(is_text ? Group::text : Group::font);
    } else if (name != "degree") {
      add(operator_kind(name).value_or(TokenKind::other), name);
    }
  }

  void open_group(Group group) {
    ++at_;
    groups_.push_back(group);
    if (group == Group::maths) add(TokenKind::open, "{");
    if (group == Group::text) ++n_open_texts_;
  }

  void close_group() {
    ++at_;
    const Group group = groups_.empty() ? Group::maths : groups_.back();
    if (!groups_.empty()) groups_.pop_back();
    if (group == Group::maths) add(TokenKind::close, "}");
    if (group == Group::text) --n_open_texts_;
  }

  /// Skips "^\circ", "^{\circ}" and "^\degree" at a "^".
  bool skip_degrees() {
    for (const std::string_view sign : {"^\\circ", "^{\\circ}", "^\\degree", "^{\\degree}", "^\u00B0"}) {
      if (text_.substr(at_, sign.size()) != sign) continue;
      at_ += sign.size();
      return true;
    }
    return false;
  }

  void sign() {
    const std::size_t begin = at_;
    const char32_t c = next_code_point(text_, at_);
    if (!superscript(c).empty()) return raised(begin);
    if (c != U'\u00B0') add(operator_kind(c).value_or(TokenKind::other), text_.substr(begin, at_ - begin));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Group> groups_;
  int n_open_texts_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::string strip_typography(std::string_view text) {
  static constexpr std::array<std::string_view, 14> kNothing{"\\,", "\\!", "\\;", "\\:", "\\ ", "\\$", "\\(",
                                                             "\\)", "\\[", "\\]", "{}",  "$",   "~",   "\\/"};
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at, 3) == "{,}") {
      out += ',';
      at += 3;
      continue;
    }
    const auto gone = std::find_if(kNothing.begin(), kNothing.end(),
                                   [&](std::string_view sign) { return text.substr(at, sign.size()) == sign; });
    if (gone != kNothing.end()) {
      at += gone->size();
    } else if (text[at] == '\\' && at + 1 < text.size()) {
      out += text.substr(at, 2);  // so that the second half of "\\\\" starts nothing
      at += 2;
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::vector<Token> tokenize(std::string_view stripped) { return Tokenizer(stripped).run(); }

}  // namespace assay::suites

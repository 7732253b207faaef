#include "suites/math/math_tokens.h"

#include <algorithm>
#include <array>
#include <optional>

#include "harness/base/text.h"
#include "suites/math/math_commands.h"
#include "suites/math/units.h"

namespace assay::suites {

namespace {

bool is_tex_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '~'; }

class MathTokenizer {
 public:
  explicit MathTokenizer(std::string_view text) : text_(text) {}

  std::vector<MathToken> run() {
    while (at_ < text_.size()) step();
    return std::move(tokens_);
  }

 private:
  static constexpr int kMaxTextDepth = 20;
  static constexpr std::size_t kMaxRepetend = 30;  // digits, where dots leave it to the reader

  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void add(MathTokenKind kind, std::string_view text) {
    tokens_.push_back({kind, std::string(text), after_space_});
    after_space_ = false;
  }
  void add_sign(std::string_view sign) {
    if (sign == "(" || sign == "[" || sign == "\\{") ++depth_;
    if (sign == ")" || sign == "]" || sign == "\\}") --depth_;
    const bool is_degree = sign == "°" || sign == "'";
    if (is_degree && !tokens_.empty() && tokens_.back().text == "^") tokens_.pop_back();  // x^\circ, x^\prime
    add(MathTokenKind::sign, sign);
  }

  void step() {
    const char c = peek();
    if (is_tex_blank(c)) {
      ++at_;
      after_space_ = true;
    } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      number();
    } else if (is_letter(c)) {
      letters();
    } else if (c == '\\') {
      command();
    } else if (c == '$') {
      ++at_;
    } else if (c == '*' && peek(1) == '*') {
      at_ += 2;
      const bool is_power = !tokens_.empty() && at_ < text_.size() && !is_tex_blank(peek()) && n_emphases_ == 0;
      if (is_power) return add_sign("^");
      ++n_emphases_;
    } else if (c == '{' && (text_.substr(at_, 3) == "{,}")) {
      at_ += 3;  // a separator outside a number
      add_sign(",");
    } else {
      sign();
    }
  }

  bool three_digits_at(std::size_t at) const {
    for (std::size_t i = at; i < at + 3; ++i) {
      if (i >= text_.size() || !is_digit(text_[i])) return false;
    }
    return at + 3 >= text_.size() || !is_digit(text_[at + 3]);
  }

  /// The length of a group separator at the cursor, or 0. A bare comma or space is one outside brackets alone.
  std::size_t separator_length() const {
    static constexpr std::array<std::string_view, 11> kSeparators{"{,}", ",\\!\\!", ",\\! ", ",\\!", "{,\\!}", "\\,",
                                                                  "\\;", "\\ ",     "\\!,",  "{, }", " {, }"};
    for (const std::string_view separator : kSeparators) {
      if (text_.substr(at_, separator.size()) == separator && three_digits_at(at_ + separator.size())) {
        return separator.size();
      }
    }
    const bool is_bare = (depth_ <= 0 && (peek() == ',' || peek() == ' ')) || peek() == '\'' || peek() == '_';
    return is_bare && three_digits_at(at_ + 1) ? 1 : 0;
  }

  void number() {
    std::string digits;
    while (is_digit(peek())) digits += text_[at_++];
    if (!digits.empty() && digits.size() <= 3 && digits[0] != '0') {
      while (const std::size_t length = separator_length()) {
        digits += text_.substr(at_ + length, 3);
        at_ += length + 3;
      }
    }
    if (peek() == '.' && (is_digit(peek(1)) || !is_letter(peek(1)))) {
      if (is_digit(peek(1)) || repetend_follows(at_ + 1)) digits += '.';  // else it ends a sentence
      ++at_;
      while (is_digit(peek())) digits += text_[at_++];
    }
    if (digits.find('.') != std::string::npos && (repetend_in_parentheses(digits) || repetend_of_dots(digits))) return;
    add(MathTokenKind::number, digits);
  }

  /// True if digits that repeat for ever are marked at `at`: 0.\overline{3}, 0.\bar 3, 0.\dot{3}, 0.(3).
  bool repetend_follows(std::size_t at) const {
    for (const std::string_view mark : {"\\overline", "\\bar", "\\dot", "("}) {
      const std::size_t next = at + mark.size();
      const bool is_letter_next = next < text_.size() && is_letter(text_[next]);
      if (text_.substr(at, mark.size()) == mark && !is_letter_next) return true;
    }
    return false;
  }

  void add_repeating(std::string_view start, std::string_view repetend) {
    add(MathTokenKind::number, start.starts_with('.') ? "0" + std::string(start) : std::string(start));
    add(MathTokenKind::command, "overline");
    add_group(repetend);
  }

  /// Takes the "(3)" of "0.(3)" directly behind the point; behind digits it would be a factor.
  bool repetend_in_parentheses(std::string_view digits) {
    if (!digits.ends_with('.') || peek() != '(') return false;
    std::size_t close = at_ + 1;
    while (close < text_.size() && is_digit(text_[close])) ++close;
    const std::string_view repetend = text_.substr(at_ + 1, close - at_ - 1);
    if (repetend.empty() || close >= text_.size() || text_[close] != ')') return false;
    at_ = close + 1;
    add_repeating(digits, repetend);
    return true;
  }

  /// Takes the dots of "0.333...", where the digits before them show what repeats: one digit three times, or several
  /// twice.
  bool repetend_of_dots(std::string_view digits) {
    const std::size_t dots = dots_length();
    const std::string_view decimals = digits.substr(digits.find('.') + 1);
    for (std::size_t length = 1; dots > 0 && length <= kMaxRepetend && length * 2 <= decimals.size(); ++length) {
      const std::size_t n_copies = length == 1 ? 3 : 2;
      if (length * n_copies > decimals.size()) continue;
      const std::string_view repetend = decimals.substr(decimals.size() - length);
      const std::string_view copies = decimals.substr(decimals.size() - length * n_copies);
      if (copies.substr(0, copies.size() - length) != copies.substr(length)) continue;
      at_ += dots;
      add_repeating(digits.substr(0, digits.size() - copies.size()), repetend);
      return true;
    }
    return false;
  }

  std::size_t dots_length() const {
    for (const std::string_view dots : {"...", "…", "\\ldots", "\\dots", "\\cdots"}) {
      if (text_.substr(at_, dots.size()) == dots) return dots.size();
    }
    return 0;
  }

  void add_group(std::string_view digits) {
    add_sign("{");
    add(MathTokenKind::number, digits);
    add_sign("}");
  }

  bool follows(MathTokenKind kind) const { return !tokens_.empty() && tokens_.back().kind == kind; }
  bool follows_sign(std::string_view sign) const { return follows(MathTokenKind::sign) && tokens_.back().text == sign; }

  void letters() {
    const std::size_t begin = at_;
    while (is_letter(peek())) ++at_;
    std::string_view run = text_.substr(begin, at_ - begin);
    if (run == "or" || run == "and") return add_sign(run);
    if (run == "percent" || run == "percentage" || run == "pct" || (run == "per" && takes_cent())) return add_sign("%");
    if (is_currency(run) && amount_follows()) return;
    if ((run == "x" || run == "X") && follows(MathTokenKind::number) && power_of_ten_follows()) return add_sign("*");
    if ((run == "a" || run == "p") && takes_half_day()) return add(MathTokenKind::text, run == "a" ? "am" : "pm");
    if ((run == "C" || run == "F") && follows_sign("°")) return add(MathTokenKind::text, run);
    if (const auto scale = scale_of_word(run); !scale.empty() && add_scale(scale)) return;
    if (is_plain_function(run)) return add(MathTokenKind::command, command_spelling(run));
    static constexpr std::array<std::string_view, 3> kPrefixes{"sin", "cos", "tan"};
    for (const std::string_view prefix : kPrefixes) {
      if (run.substr(0, prefix.size()) != prefix || run.size() > prefix.size() + 1) continue;
      add(MathTokenKind::command, prefix);
      run.remove_prefix(prefix.size());
      break;
    }
    add(MathTokenKind::letters, run);
  }

  /// Takes the "cent" of "per cent".
  bool takes_cent() {
    const std::string_view rest = text_.substr(at_);
    const bool is_cent = rest.starts_with(" cent") && (rest.size() == 5 || !is_letter(rest[5]));
    if (is_cent) at_ += 5;
    return is_cent;
  }

  /// Takes the rest of "a.m." and "p.m." behind a number.
  bool takes_half_day() {
    const std::string_view rest = text_.substr(at_, 3);
    const bool is_rest = rest.starts_with(".m") && (rest.size() == 2 || !is_letter(rest[2]));
    if (!is_rest || !follows(MathTokenKind::number)) return false;
    at_ += rest == ".m." ? 3 : 2;
    return true;
  }

  /// True before the amount that a currency's name stands in front of: "USD 5", "Rs. 5".
  bool amount_follows() {
    std::size_t at = at_ + (peek() == '.' ? 1 : 0);
    while (at < text_.size() && (is_tex_blank(text_[at]) || text_[at] == '\\')) ++at;
    const bool is_amount = at < text_.size() && is_digit(text_[at]);
    if (is_amount) at_ = at;
    return is_amount;
  }

  /// True before "10^" and "10⁵".
  bool power_of_ten_follows() const {
    const std::string_view rest = trim(text_.substr(at_, 16));
    if (!rest.starts_with("10") || rest.size() == 2) return false;
    std::size_t at = 2;
    return rest[2] == '^' || rest.starts_with("10**") || !superscript(next_code_point(rest, at)).empty();
  }

  /// "2.5 million" is 2.5 times a million.
  bool add_scale(std::string_view scale) {
    if (!follows(MathTokenKind::number) && !follows_sign("}")) return false;
    add_sign("*");
    add(MathTokenKind::number, scale);
    return true;
  }

  void command() {
    const std::size_t begin = ++at_;
    while (is_letter(peek())) ++at_;
    if (at_ == begin) return escaped_character();
    std::string_view name = text_.substr(begin, at_ - begin);
    if (!is_known_command(name)) {
      std::size_t length = name.size();
      while (length > 1 && !is_known_command(name.substr(0, length))) --length;
      if (length > 1) {
        at_ = begin + length;
        name = name.substr(0, length);
      }
    }
    if (is_text_command(name) && text_argument()) return;
    if (is_typography(name)) {
      const bool is_delimiter = name == "left" || name == "right" || name == "middle";
      if (is_delimiter && peek() == '.') ++at_;
      if (name == "hspace" || name == "color" || name == "textcolor") skip_group();
      return;
    }
    if (const auto sign = sign_of_command(name); !sign.empty()) return add_sign(sign);
    add(MathTokenKind::command, command_spelling(name));
  }

  void escaped_character() {
    const char c = peek();
    if (c == '\0') return;
    ++at_;
    if (c == '{' || c == '}') return add_sign(c == '{' ? "\\{" : "\\}");
    if (c == '\\') return add_sign("\\\\");
    if (c == '%') return add_sign("%");
    if (c == '|') return add_sign("|");
    if (c == '_' || c == '&' || c == '#') return add_sign(std::string_view(&c, 1));
    if (c == ' ' || c == ',' || c == ';' || c == ':') after_space_ = true;  // spacing; "\(", "\$" and the like go
  }

  void skip_group() {
    if (peek() != '{') return;
    at_ = std::min(text_.find('}', at_), text_.size() - 1) + 1;
  }

  /// The group of a text command at the cursor as tokens. False if no closed group follows.
  bool text_argument() {
    std::size_t open = at_;
    while (open < text_.size() && is_tex_blank(text_[open])) ++open;
    if (open >= text_.size() || text_[open] != '{') return false;
    std::size_t close = open, depth = 0;
    for (; close < text_.size(); ++close) {
      if (text_[close] == '{') ++depth;
      if (text_[close] == '}' && --depth == 0) break;
    }
    if (close >= text_.size()) return false;
    const std::string_view content = text_.substr(open + 1, close - open - 1);
    at_ = close + 1;
    add_text(content);
    return true;
  }

  void add_text(std::string_view content) {
    const std::string plain(trim(replace_all(replace_all(content, "~", " "), "\\", " ")));
    if (plain.empty()) {
      after_space_ = true;
    } else if (plain == "or" || plain == "and") {
      add_sign(plain);
    } else if (plain == "," || plain == ";") {
      add_sign(plain);
    } else if (to_lower_ascii(plain) == "percent" || to_lower_ascii(plain) == "per cent") {
      add_sign("%");
    } else if (add_scale_text(plain)) {
      return;
    } else if (is_plain_function(plain)) {
      add(MathTokenKind::command, command_spelling(plain));
    } else if (is_maths(plain) && text_depth_ < kMaxTextDepth) {
      MathTokenizer inner(content);
      inner.text_depth_ = text_depth_ + 1;
      for (MathToken& token : inner.run()) tokens_.push_back(std::move(token));
    } else {
      add(MathTokenKind::text, plain);
    }
  }

  /// "million" or "million dollars" behind a value.
  bool add_scale_text(std::string_view plain) {
    const std::size_t end = std::min(plain.find(' '), plain.size());
    const std::string_view scale = scale_of_word(plain.substr(0, end));
    if (scale.empty() || !add_scale(scale)) return false;
    if (end < plain.size()) add(MathTokenKind::text, trim(plain.substr(end)));
    return true;
  }

  /// True for what a text command holds without being words: "204", "-3", "i", "1,000", "5 apples", "(C)" not.
  bool is_maths(std::string_view plain) const {
    const bool is_in_unit = tokens_.size() >= 2 && tokens_[tokens_.size() - 2].kind == MathTokenKind::text &&
                            (follows_sign("*") || follows_sign("/"));
    const bool follows_value = follows(MathTokenKind::number) || follows(MathTokenKind::text) || follows_sign("}") ||
                               follows_sign("°") || is_in_unit;
    if (plain.size() == 1 && is_letter(plain[0])) return !follows_value || plain == "i" || plain == "e";
    if (!follows_value && is_quantity(plain)) return true;
    return std::none_of(plain.begin(), plain.end(), is_letter) &&
           std::any_of(plain.begin(), plain.end(), [](char c) { return is_digit(c); });
  }

  /// A number and what was counted or measured: "5 apples", "2.5 hours".
  static bool is_quantity(std::string_view plain) {
    const std::size_t blank = std::min(plain.find(' '), plain.size());
    const std::string_view number = plain.substr(0, blank), unit = trim(plain.substr(blank));
    const bool is_number = std::any_of(number.begin(), number.end(), [](char c) { return is_digit(c); }) &&
                           number.find_first_not_of("0123456789.,-") == std::string_view::npos;
    return is_number && (is_unit_word(unit) || is_unit_symbol(unit) || is_counted_thing(unit));
  }

  void sign() {
    const std::size_t begin = at_;
    const char32_t c = next_code_point(text_, at_);
    if (c == U'€' || c == U'£' || c == U'¢' || c == U'¥') return;
    if (c == U'"' || c == U'“' || c == U'”' || c == U'`') return;
    if (const auto found = sign_of_character(c); !found.empty()) return add_sign(found);
    if (const auto found = command_of_character(c); !found.empty()) return add(MathTokenKind::command, found);
    if (!superscript(c).empty()) return raised_or_lowered("^", begin, superscript);
    if (!subscript(c).empty()) return raised_or_lowered("_", begin, subscript);
    if (const auto fraction = vulgar_fraction(c); !fraction.empty()) {
      add(MathTokenKind::command, "frac");
      add_group(fraction.substr(0, fraction.find('/')));
      return add_group(fraction.substr(fraction.find('/') + 1));
    }
    if (c == U'∛' || c == U'∜') {
      add(MathTokenKind::command, "sqrt");
      add_sign("[");
      add(MathTokenKind::number, c == U'∛' ? "3" : "4");
      return add_sign("]");
    }
    if (text_.substr(begin, 3) == "+/-") {
      at_ = begin + 3;
      return add_sign("±");
    }
    static constexpr std::array<std::string_view, 4> kPairs{"<=", ">=", "!=", "->"};
    for (const std::string_view pair : kPairs) {
      if (text_.substr(begin, 2) != pair) continue;
      at_ = begin + 2;
      return add_sign(pair);
    }
    if (c == U'\'' && peek() == '\'') {
      ++at_;
      add_sign("'");
      return add_sign("'");
    }
    add_sign(text_.substr(begin, at_ - begin));
  }

  /// A run of raised or lowered characters from `begin` on as one group: "10⁻³" is 10^{-3}.
  void raised_or_lowered(std::string_view sign, std::size_t begin, std::string_view (*plain_of)(char32_t)) {
    std::string plain;
    at_ = begin;
    while (at_ < text_.size()) {
      std::size_t next = at_;
      const std::string_view one = plain_of(next_code_point(text_, next));
      if (one.empty()) break;
      plain += one;
      at_ = next;
    }
    add_sign(sign);
    add_sign("{");
    MathTokenizer inner(plain);
    for (MathToken& token : inner.run()) tokens_.push_back(std::move(token));
    add_sign("}");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;  ///< of brackets
  int text_depth_ = 0;
  int n_emphases_ = 0;
  bool after_space_ = false;
  std::vector<MathToken> tokens_;
};

}  // namespace

std::vector<MathToken> tokenize_math(std::string_view text) { return MathTokenizer(text).run(); }

}  // namespace assay::suites

#include "suites/math/math_tokens.h"

#include <algorithm>
#include <array>

#include "harness/base/text.h"
#include "suites/math/math_commands.h"

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
    static constexpr std::array<std::string_view, 9> kSeparators{"{,}", ",\\!\\!", ",\\! ", ",\\!", "{,\\!}",
                                                                 "\\,", "\\;",     "\\ ",   "\\!,"};
    for (const std::string_view separator : kSeparators) {
      if (text_.substr(at_, separator.size()) == separator && three_digits_at(at_ + separator.size())) {
        return separator.size();
      }
    }
    const bool is_bare = depth_ <= 0 && (peek() == ',' || peek() == ' ') && three_digits_at(at_ + 1);
    return is_bare ? 1 : 0;
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
      const bool repeats = text_.substr(at_ + 1, 9) == "\\overline";
      if (is_digit(peek(1)) || repeats) digits += '.';  // else it ends a sentence
      ++at_;
      while (is_digit(peek())) digits += text_[at_++];
    }
    add(MathTokenKind::number, digits);
  }

  void letters() {
    const std::size_t begin = at_;
    while (is_letter(peek())) ++at_;
    std::string_view run = text_.substr(begin, at_ - begin);
    if (run == "or" || run == "and") return add_sign(run);
    if (run == "percent") return add_sign("%");
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
      if (name == "hspace") skip_group();
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
    } else if (to_lower_ascii(plain) == "percent") {
      add_sign("%");
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

  /// True for what a text command holds without being words: "204", "-3", "i", "1,000", "(C)" not.
  bool is_maths(std::string_view plain) const {
    const bool follows_value =
        !tokens_.empty() && (tokens_.back().kind == MathTokenKind::number || tokens_.back().text == "}");
    if (plain.size() == 1 && is_letter(plain[0])) return !follows_value || plain == "i" || plain == "e";
    return std::none_of(plain.begin(), plain.end(), is_letter) &&
           std::any_of(plain.begin(), plain.end(), [](char c) { return is_digit(c); });
  }

  void sign() {
    const std::size_t begin = at_;
    const char32_t c = next_code_point(text_, at_);
    if (c == U'€' || c == U'£' || c == U'¢' || c == U'¥') return;
    if (c == U'"' || c == U'“' || c == U'”' || c == U'`') return;
    if (const auto found = sign_of_character(c); !found.empty()) return add_sign(found);
    if (const auto found = command_of_character(c); !found.empty()) return add(MathTokenKind::command, found);
    if (c == U'²' || c == U'³') {
      add_sign("^");
      return add(MathTokenKind::number, c == U'²' ? "2" : "3");
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

#include "suites/math/math_tokens.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "harness/base/text.h"

namespace assay::suites {

namespace {

using Names = std::set<std::string_view>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '~'; }

const Names& greek() {
  static const Names names{"alpha", "beta",     "gamma",   "delta",    "epsilon", "varepsilon", "zeta",   "eta",
                           "theta", "vartheta", "iota",    "kappa",    "lambda",  "mu",         "nu",     "xi",
                           "rho",   "varrho",   "sigma",   "varsigma", "tau",     "upsilon",    "phi",    "varphi",
                           "chi",   "psi",      "omega",   "Gamma",    "Delta",   "Theta",      "Lambda", "Xi",
                           "Pi",    "Sigma",    "Upsilon", "Phi",      "Psi",     "Omega",      "hbar",   "ell"};
  return names;
}

/// Commands that the parser knows under their own name.
const Names& commands() {
  static const Names names{"pi",      "infty",   "frac",   "sqrt",     "binom",    "sin",      "cos",
                           "tan",     "cot",     "sec",    "csc",      "arcsin",   "arccos",   "arctan",
                           "sinh",    "cosh",    "tanh",   "ln",       "log",      "lg",       "exp",
                           "begin",   "end",     "lfloor", "rfloor",   "lceil",    "rceil",    "dot",
                           "ddot",    "bar",     "hat",    "vec",      "tilde",    "overline", "overrightarrow",
                           "widehat", "mathcal", "mathbb", "mathfrak", "emptyset", "odot",     "partial",
                           "nabla",   "dots",    "ldots",  "cdots",    "angle",    "triangle"};
  return names;
}

/// Commands that nothing here understands; listed so that they aren't taken for a shorter one with letters behind it.
const Names& foreign_commands() {
  static const Names names{"int",
                           "iint",
                           "oint",
                           "sum",
                           "prod",
                           "lim",
                           "limsup",
                           "liminf",
                           "max",
                           "min",
                           "sup",
                           "gcd",
                           "lcm",
                           "det",
                           "dim",
                           "ker",
                           "deg",
                           "mod",
                           "pmod",
                           "bmod",
                           "perp",
                           "parallel",
                           "subset",
                           "subseteq",
                           "supset",
                           "supseteq",
                           "not",
                           "neg",
                           "forall",
                           "exists",
                           "simeq",
                           "star",
                           "square",
                           "oplus",
                           "otimes",
                           "langle",
                           "rangle",
                           "choose",
                           "over",
                           "underline",
                           "underbrace",
                           "overbrace",
                           "stackrel",
                           "overset",
                           "underset",
                           "phantom",
                           "hline",
                           "tag",
                           "label",
                           "leftarrow",
                           "Leftarrow",
                           "iff",
                           "Leftrightarrow",
                           "leftrightarrow",
                           "longrightarrow",
                           "mapsto",
                           "therefore",
                           "because",
                           "Re",
                           "Im",
                           "arg",
                           "wp",
                           "aleph",
                           "bigcup",
                           "bigcap",
                           "coprod",
                           "ni",
                           "top",
                           "bot",
                           "models",
                           "vdash",
                           "bullet",
                           "dagger",
                           "lVert",
                           "rVert",
                           "Vert",
                           "overleftrightarrow",
                           "xrightarrow",
                           "cancel",
                           "color"};
  return names;
}

/// Commands that change looks and not values.
const Names& nothings() {
  static const Names names{"left",      "right",  "big",          "Big",       "bigg",       "Bigg",   "bigl",
                           "bigr",      "Bigl",   "Bigr",         "biggl",     "biggr",      "quad",   "qquad",
                           "limits",    "mathbf", "mathit",       "mathsf",    "mathnormal", "bm",     "boldsymbol",
                           "boxed",     "fbox",   "displaystyle", "textstyle", "strut",      "middle", "nolimits",
                           "mathstrut", "hfill",  "thinspace",    "hspace",    "bf",         "rm",     "it"};
  return names;
}

const Names& texts() {
  static const Names names{"text",   "mathrm", "textbf", "textit", "textrm",       "textsf",    "texttt",
                           "textup", "mbox",   "hbox",   "emph",   "operatorname", "textnormal"};
  return names;
}

/// Commands and other characters that stand for a sign.
const std::map<std::string_view, std::string_view>& signs_of() {
  static const std::map<std::string_view, std::string_view> signs{
      {"times", "*"},       {"cdot", "*"},      {"ast", "*"},        {"div", "/"},         {"le", "<="},
      {"leq", "<="},        {"leqslant", "<="}, {"ge", ">="},        {"geq", ">="},        {"geqslant", ">="},
      {"lt", "<"},          {"gt", ">"},        {"ne", "!="},        {"neq", "!="},        {"pm", "±"},
      {"mp", "∓"},          {"cup", "∪"},       {"in", "∈"},         {"approx", "≈"},      {"sim", "≈"},
      {"mid", "|"},         {"vert", "|"},      {"lvert", "|"},      {"rvert", "|"},       {"prime", "'"},
      {"circ", "°"},        {"degree", "°"},    {"colon", ":"},      {"lbrace", "\\{"},    {"rbrace", "\\}"},
      {"lbrack", "["},      {"rbrack", "]"},    {"to", "->"},        {"rightarrow", "->"}, {"propto", "∝"},
      {"setminus", "∖"},    {"cap", "∩"},       {"land", "and"},     {"wedge", "and"},     {"lor", "or"},
      {"vee", "or"},        {"equiv", "≡"},     {"varnothing", "∅"}, {"emptyset", "∅"},    {"implies", "->"},
      {"Rightarrow", "->"}, {"cong", "≈"},      {"notin", "∉"}};
  return signs;
}

const std::map<char32_t, std::string_view>& signs_of_characters() {
  static const std::map<char32_t, std::string_view> signs{
      {U'−', "-"}, {U'×', "*"},  {U'·', "*"},  {U'⋅', "*"},  {U'∙', "*"},  {U'∗', "*"}, {U'÷', "/"}, {U'∕', "/"},
      {U'⁄', "/"}, {U'≤', "<="}, {U'≥', ">="}, {U'≠', "!="}, {U'±', "±"},  {U'∓', "∓"}, {U'∪', "∪"}, {U'∈', "∈"},
      {U'≈', "≈"}, {U'°', "°"},  {U'′', "'"},  {U'’', "'"},  {U'→', "->"}, {U'∝', "∝"}, {U'∖', "∖"}, {U'∩', "∩"},
      {U'∣', "|"}, {U'∅', "∅"},  {U'–', "-"},  {U'º', "°"},  {U'˚', "°"}};
  return signs;
}

const std::map<char32_t, std::string_view>& commands_of_characters() {
  static const std::map<char32_t, std::string_view> names{
      {U'π', "pi"},    {U'∞', "infty"}, {U'√', "sqrt"},   {U'α', "alpha"}, {U'β', "beta"},  {U'γ', "gamma"},
      {U'δ', "delta"}, {U'θ', "theta"}, {U'λ', "lambda"}, {U'μ', "mu"},    {U'ρ', "rho"},   {U'σ', "sigma"},
      {U'τ', "tau"},   {U'φ', "phi"},   {U'ω', "omega"},  {U'Δ', "Delta"}, {U'Ω', "Omega"}, {U'Σ', "Sigma"}};
  return names;
}

/// The TeX name of a command's synonym.
std::string_view spelling(std::string_view name) {
  static const std::map<std::string_view, std::string_view> same{
      {"dfrac", "frac"},  {"tfrac", "frac"},  {"cfrac", "frac"},   {"dbinom", "binom"},   {"tbinom", "binom"},
      {"asin", "arcsin"}, {"acos", "arccos"}, {"atan", "arctan"},  {"infinity", "infty"}, {"inf", "infty"},
      {"tg", "tan"},      {"ctg", "cot"},     {"arctg", "arctan"}, {"cosec", "csc"}};
  const auto found = same.find(name);
  return found == same.end() ? name : found->second;
}

bool is_known(std::string_view name) {
  const std::string_view spelled = spelling(name);
  return commands().count(spelled) != 0 || greek().count(spelled) != 0 || nothings().count(name) != 0 ||
         texts().count(name) != 0 || signs_of().count(name) != 0 || foreign_commands().count(name) != 0;
}

/// Functions that also plain text names without a backslash.
bool is_plain_function(std::string_view run) {
  static const Names names{"sin",    "cos",  "tan",  "cot",  "sec",   "csc",      "arcsin", "arccos",
                           "arctan", "asin", "acos", "atan", "sinh",  "cosh",     "tanh",   "ln",
                           "log",    "exp",  "sqrt", "pi",   "infty", "infinity", "inf",    "lg"};
  return names.count(run) != 0;
}

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
    if (is_blank(c)) {
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
      const bool is_power = !tokens_.empty() && at_ < text_.size() && !is_blank(peek()) && n_emphases_ == 0;
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
      const bool ends_sentence = !is_digit(peek(1));
      if (!ends_sentence) digits += '.';
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
    if (is_plain_function(run)) return add(MathTokenKind::command, spelling(run));
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
    if (!is_known(name)) {
      std::size_t length = name.size();
      while (length > 1 && !is_known(name.substr(0, length))) --length;
      if (length > 1) {
        at_ = begin + length;
        name = name.substr(0, length);
      }
    }
    if (texts().count(name) != 0 && text_argument()) return;
    if (nothings().count(name) != 0) {
      const bool is_delimiter = name == "left" || name == "right" || name == "middle";
      if (is_delimiter && peek() == '.') ++at_;
      if (name == "hspace") skip_group();
      return;
    }
    if (const auto sign = signs_of().find(name); sign != signs_of().end()) return add_sign(sign->second);
    add(MathTokenKind::command, spelling(name));
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
    while (open < text_.size() && is_blank(text_[open])) ++open;
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
      add(MathTokenKind::command, spelling(plain));
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
    if (const auto found = signs_of_characters().find(c); found != signs_of_characters().end()) {
      return add_sign(found->second);
    }
    if (const auto found = commands_of_characters().find(c); found != commands_of_characters().end()) {
      return add(MathTokenKind::command, found->second);
    }
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

bool is_greek(std::string_view command) { return greek().count(command) != 0; }

std::vector<MathToken> tokenize_math(std::string_view text) { return MathTokenizer(text).run(); }

}  // namespace assay::suites

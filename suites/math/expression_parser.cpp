#include "suites/math/expression_parser.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "suites/math/math_commands.h"
#include "suites/math/numeral_cursor.h"
#include "suites/math/units.h"

namespace assay::suites {

namespace {

constexpr std::size_t kMaxTokens = 2000;
constexpr int kMaxExpressionDepth = 100;

const std::map<std::string_view, std::string_view>& function_names() {
  static const std::map<std::string_view, std::string_view> names{
      {"sin", "sin"},     {"cos", "cos"},     {"tan", "tan"},     {"cot", "cot"},   {"sec", "sec"},   {"csc", "csc"},
      {"arcsin", "asin"}, {"arccos", "acos"}, {"arctan", "atan"}, {"sinh", "sinh"}, {"cosh", "cosh"}, {"tanh", "tanh"},
      {"ln", "ln"},       {"log", "ln"},      {"lg", "lg"},       {"exp", "exp"}};
  return names;
}

bool is_accent(std::string_view command) {
  static const std::set<std::string_view> names{"dot",     "ddot",    "bar",      "hat",
                                                "vec",     "tilde",   "overline", "overrightarrow",
                                                "widehat", "mathcal", "mathbb",   "mathfrak"};
  return names.count(command) != 0;
}

/// Recursive descent. A rule that fails gives kNoExpr, and so does everything around it.
class ExpressionParser : private NumeralCursor {
 public:
  ExpressionParser(Expressions& pool, std::span<const MathToken> tokens, PlusMinus sign)
      : NumeralCursor(tokens), pool_(pool), sign_(sign) {}

  ParsedExpression all() {
    ParsedExpression out;
    const ExprId value = split_sum();
    out.unit = unit();
    out.has_e_notation = took_e_notation();
    if (value != kNoExpr && at_ == tokens_.size()) out.value = value;
    return out;
  }

 private:
  using Kind = MathTokenKind;

  // --- Sums, products, powers ----------------------------------------------------------------------------------------

  /// A sum, or what TeX's \over and \choose make of the two sides of a group.
  ExprId split_sum() {
    const ExprId value = sum();
    const bool divides = is_command("over");
    if (value == kNoExpr || (!divides && !is_command("choose"))) return value;
    ++at_;
    const ExprId below = sum();
    return divides ? pool_.divide(value, below) : binomial(value, below);
  }

  ExprId sum() {
    if (++depth_ > kMaxExpressionDepth) return kNoExpr;
    ExprId value = product();
    while (value != kNoExpr) {
      const auto subtract = additive_sign();
      if (!subtract) break;
      const ExprId next = product();
      value = *subtract ? pool_.subtract(value, next) : pool_.add(value, next);
    }
    --depth_;
    return value;
  }

  /// Takes "+", "-", "±" or "∓"; true: it subtracts.
  std::optional<bool> additive_sign() {
    if (take("+")) return false;
    if (take("-")) return true;
    if (take("±")) return sign_ == PlusMinus::lower;
    if (take("∓")) return sign_ == PlusMinus::upper;
    return std::nullopt;
  }

  ExprId product() {
    ExprId value = signed_factor();
    while (value != kNoExpr) {
      if (take("*")) {
        value = pool_.multiply(value, signed_factor());
      } else if (is_sign("/") || is_sign(":")) {
        if (unit_follows(1)) break;
        ++at_;
        value = pool_.divide(value, signed_factor());
      } else if (factor_follows()) {
        value = pool_.multiply(value, factor());
      } else {
        break;
      }
    }
    return value;
  }

  /// A sign binds weaker than a power: -2^2 is -4.
  ExprId signed_factor() {
    bool negative = false;
    while (const auto subtract = additive_sign()) negative = negative != *subtract;
    const ExprId value = factor();
    return negative ? pool_.negate(value) : value;
  }

  /// True if a factor can begin here without a sign of multiplication.
  bool factor_follows() const {
    const MathToken* next = token();
    if (next == nullptr || unit_follows()) return false;
    if (next->kind == Kind::letters) return true;
    if (next->kind == Kind::command) {
      static const std::set<std::string_view> ending{"end", "rfloor", "rceil", "over", "choose"};
      return ending.count(next->text) == 0;
    }
    if (next->kind == Kind::number) {
      const MathToken& before = tokens_[at_ - 1];  // "2 3" is no product, "x 3" and ")3" are
      return before.kind != Kind::number;
    }
    if (next->kind != Kind::sign) return false;
    if (next->text == "|") return !in_bars_;
    return next->text == "(" || next->text == "[" || next->text == "{";
  }

  ExprId factor() {
    ExprId value = postfix(atom());
    if (value == kNoExpr || !is_sign("^")) return value;
    if (is_sign("{", 1) && is_sign("°", 2) && is_sign("}", 3)) {
      at_ += 4;
      return degrees(value);
    }
    ++at_;
    const ExprId raised = power_of(value, exponent());
    return postfix(raised);
  }

  ExprId power_of(ExprId base, ExprId exponent) {
    return base == kNoExpr || exponent == kNoExpr ? kNoExpr : pool_.power(base, exponent);
  }

  ExprId postfix(ExprId value) {
    while (value != kNoExpr) {
      if (take("!")) {
        value = pool_.function("factorial", {value});
      } else if (take("%")) {
        value = pool_.multiply(value, pool_.number(mpq_class(1, 100)));
      } else if (take("°")) {
        value = degrees(value);
      } else {
        break;
      }
    }
    return value;
  }

  ExprId degrees(ExprId value) {
    if (!in_trigonometry_) return value;
    return pool_.multiply(value, pool_.multiply(pool_.number(mpq_class(1, 180)), pool_.pi()));
  }

  ExprId exponent() {
    if (++depth_ > kMaxExpressionDepth) return kNoExpr;
    const bool negative = take("-");
    const ExprId value = is_sign("{") || is_sign("(") ? group() : atom();
    const ExprId whole = is_sign("^") ? (++at_, power_of(value, exponent())) : value;
    --depth_;
    return negative ? pool_.negate(whole) : whole;
  }

  // --- Atoms ---------------------------------------------------------------------------------------------------------

  ExprId atom() {
    const MathToken* next = token();
    if (next == nullptr) return kNoExpr;
    switch (next->kind) {
      case Kind::number:
        return number();
      case Kind::letters:
        return symbol(first_letter());
      case Kind::command:
        return command();
      case Kind::sign:
        if (next->text == "|") return absolute_value();
        return group();
      case Kind::text:
        break;
    }
    return kNoExpr;
  }

  /// What stands in (…), […] or {…}.
  ExprId group() {
    static const std::map<std::string_view, std::string_view> kClosing{{"(", ")"}, {"[", "]"}, {"{", "}"}};
    const auto closing = at_end() ? kClosing.end() : kClosing.find(tokens_[at_].text);
    if (closing == kClosing.end()) return kNoExpr;
    ++at_;
    const bool outer_bars = std::exchange(in_bars_, false);
    const ExprId value = split_sum();
    in_bars_ = outer_bars;
    while (unit_follows()) ++at_;
    return take(closing->second) ? value : kNoExpr;
  }

  ExprId absolute_value() {
    if (in_bars_) return kNoExpr;
    ++at_;
    in_bars_ = true;
    const ExprId value = sum();
    in_bars_ = false;
    return take("|") ? pool_.function("abs", {value}) : kNoExpr;
  }

  ExprId number() {
    const std::string text = tokens_[at_].text;
    const auto value = numeral();
    if (!value) return kNoExpr;
    if (is_sign("_")) return in_base(text);
    return value->exponent == 0 ? pool_.number(value->mantissa)
                                : pool_.multiply(pool_.number(value->mantissa),
                                                 pool_.power(pool_.number(10), pool_.number(value->exponent)));
  }

  /// A numeral with its base, "52_8", is worth what is written: 52_8 is neither 52 nor 42.
  ExprId in_base(const std::string& digits) {
    ++at_;
    const ExprId base = is_sign("{") ? group() : atom();
    const std::size_t first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
    std::string name = "numeral ";
    name += std::string_view(digits).substr(first);
    const ExprId numeral = pool_.symbol(std::move(name));
    return base == kNoExpr ? kNoExpr : pool_.function("base", {numeral, base});
  }

  /// A letter with its subscript and primes; then as a function of what stands in parentheses, if that is what it is.
  ExprId symbol(std::string name) {
    bool is_adorned = false;
    for (;; is_adorned = true) {
      if (take("_")) {
        const auto label = raw_argument();
        if (!label) return kNoExpr;
        name += "_" + *label;
      } else if (take("'")) {
        name += "'";
      } else if (is_sign("^") && is_sign("{", 1) && is_sign("'", 2)) {
        at_ += 2;
        while (take("'")) name += "'";
        if (!take("}")) return kNoExpr;
      } else {
        break;
      }
    }
    const bool of_zero = is_sign("(") && token(1) != nullptr && token(1)->text == "0" && is_sign(")", 2);
    if (is_sign("(") && (of_zero || name == "f" || name == "g")) return pool_.function(name, {group()});
    if (!is_adorned && name == "e") return pool_.euler();
    if (!is_adorned && name == "i") return pool_.i();
    return pool_.symbol(std::move(name));
  }

  // --- Commands ------------------------------------------------------------------------------------------------------

  ExprId command() {
    const std::string name = tokens_[at_++].text;
    if (name == "pi") return is_sign("_") ? symbol("pi") : pool_.pi();
    if (is_greek(name) || name == "infty" || name == "partial" || name == "nabla" || name == "odot") {
      return symbol("\\" + name);
    }
    if (name == "frac") {
      const ExprId top = argument();
      return top == kNoExpr ? kNoExpr : pool_.divide(top, argument());
    }
    if (name == "binom") {
      const ExprId n = argument();
      return n == kNoExpr ? kNoExpr : binomial(n, argument());
    }
    if (name == "sqrt") return radical();
    if (name == "lfloor" || name == "lceil") return rounded(name);
    if (is_accent(name)) {
      const auto content = raw_argument();
      return content ? symbol(name + "(" + *content + ")") : kNoExpr;
    }
    const auto function = function_names().find(name);
    return function == function_names().end() ? kNoExpr : applied(function->second);
  }

  /// An argument as TeX takes it: a group, or the next digit, letter or command.
  ExprId argument() {
    if (at_end()) return kNoExpr;
    if (is_sign("{")) return group();
    MathToken& next = tokens_[at_];
    if (next.kind != Kind::number || next.text.size() == 1) return atom();
    const std::string digit = next.text.substr(0, 1);
    next.text.erase(0, 1);
    const auto value = digit == "." ? std::nullopt : decimal_value(digit);
    return value ? pool_.number(*value) : kNoExpr;
  }

  ExprId radical() {
    ExprId index = pool_.number(2);
    if (is_sign("[")) {
      index = group();
      if (index == kNoExpr) return kNoExpr;
    }
    const ExprId base = is_sign("{") || is_sign("(") ? group() : atom();
    return base == kNoExpr || index == kNoExpr ? kNoExpr : pool_.root(base, index);
  }

  ExprId rounded(const std::string& name) {
    const bool down = name == "lfloor";
    const ExprId value = sum();
    if (!is_command(down ? "rfloor" : "rceil")) return kNoExpr;
    ++at_;
    return pool_.function(down ? "floor" : "ceil", {value});
  }

  ExprId binomial(ExprId n, ExprId k) {
    static constexpr long kLargest = 3000;
    if (n == kNoExpr || k == kNoExpr) return kNoExpr;
    const mpq_class *top = pool_.number_of(n), *bottom = pool_.number_of(k);
    const bool is_small = bottom != nullptr && bottom->get_den() == 1 && *bottom >= 0 && *bottom <= 20;
    if (top == nullptr && is_small) return symbolic_binomial(n, bottom->get_num().get_si());
    const bool is_whole = top != nullptr && bottom != nullptr && top->get_den() == 1 && bottom->get_den() == 1;
    if (!is_whole) return pool_.function("binom", {n, k});
    if (*top < 0 || *top > kLargest || *bottom < 0 || *bottom > *top) return kNoExpr;
    mpz_class value;
    mpz_bin_uiui(value.get_mpz_t(), top->get_num().get_ui(), bottom->get_num().get_ui());
    return pool_.number(mpq_class(value));
  }

  /// n(n - 1)…(n - k + 1) / k!
  ExprId symbolic_binomial(ExprId n, long k) {
    ExprId product = pool_.number(1);
    for (long i = 0; i < k; ++i) {
      const ExprId factor = pool_.multiply(pool_.subtract(n, pool_.number(i)), pool_.number(mpq_class(1, i + 1)));
      product = pool_.multiply(product, factor);
    }
    return product;
  }

  /// A named function with its power, base and argument.
  ExprId applied(std::string_view name) {
    if (++depth_ > kMaxExpressionDepth) return kNoExpr;
    ExprId raised = kNoExpr, base = kNoExpr;
    for (bool more = true; more;) {
      more = false;
      if (name == "ln" && take("_")) {
        base = is_sign("{") ? group() : argument();
        if (base == kNoExpr) return kNoExpr;
        more = true;
      } else if (take("^")) {
        raised = exponent();
        if (raised == kNoExpr) return kNoExpr;
        more = true;
      }
    }
    const mpq_class* power = raised == kNoExpr ? nullptr : pool_.number_of(raised);
    const bool is_inverse = power != nullptr && *power == -1 && (name == "sin" || name == "cos" || name == "tan");
    const bool is_trigonometric = name != "ln" && name != "lg" && name != "exp" && name[0] != 'a';
    const bool outer = std::exchange(in_trigonometry_, is_trigonometric && !is_inverse);
    const ExprId of = is_sign("(") || is_sign("{") || is_sign("[") ? group() : bare_argument();
    in_trigonometry_ = outer;
    --depth_;
    if (of == kNoExpr) return kNoExpr;
    if (is_inverse) return pool_.function(std::string("a").append(name), {of});
    ExprId value = pool_.function(name, {of});
    if (base != kNoExpr) value = pool_.divide(value, pool_.function("ln", {base}));
    return raised == kNoExpr ? value : pool_.power(value, raised);
  }

  /// The argument of a function without parentheses: factors side by side, up to the next function.
  ExprId bare_argument() {
    const bool negative = take("-");
    ExprId value = factor();
    while (value != kNoExpr && factor_follows()) {
      if (token()->kind == Kind::command && function_names().count(token()->text) != 0) break;
      value = pool_.multiply(value, factor());
    }
    return negative ? pool_.negate(value) : value;
  }

  // --- Units ---------------------------------------------------------------------------------------------------------

  /// Takes units such as "cm^2", "km/h" and "square units".
  std::string unit() {
    std::string text;
    while (unit_follows() || ((is_sign("/") || is_sign("*")) && unit_follows(1))) {
      if (is_sign("/") || is_sign("*")) text += tokens_[at_++].text;
      text += (text.empty() || text.back() == '/' || text.back() == '*' ? "" : " ") + tokens_[at_++].text;
      if (!is_sign("^")) continue;
      ++at_;
      if (const auto power = raw_argument()) text += "^" + *power;
    }
    if (text.empty() || !words_follow()) return text;
    for (; !at_end(); ++at_) text += " " + tokens_[at_].text;
    return text;
  }

  /// True if nothing but words stands here that leave the value as it is: "per second", "of flour".
  bool words_follow() const {
    return std::all_of(tokens_.begin() + static_cast<std::ptrdiff_t>(at_), tokens_.end(), [](const MathToken& token) {
      const bool is_word =
          token.kind == Kind::text || (token.text.size() >= 2 && token.after_space && token.kind == Kind::letters);
      return is_word && is_unit_text(token.text);
    });
  }

  Expressions& pool_;
  PlusMinus sign_;
  int depth_ = 0;
  bool in_bars_ = false;
  bool in_trigonometry_ = false;
};

}  // namespace

ParsedExpression parse_expression(Expressions& pool, std::span<const MathToken> tokens, PlusMinus sign) {
  if (tokens.empty() || tokens.size() > kMaxTokens) return {};
  return ExpressionParser(pool, tokens, sign).all();
}

}  // namespace assay::suites

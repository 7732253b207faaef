#include "suites/integer/exact_number.h"

#include <gmpxx.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>

namespace assay::suites {

namespace {

constexpr std::size_t kMaxBits = 32'768;
constexpr std::size_t kMaxTokens = 2000;
constexpr int kMaxNumberDepth = 100;
constexpr std::size_t kMaxDigits = 4000;

using Value = std::optional<mpq_class>;

std::size_t n_bits(const mpz_class& n) { return mpz_sizeinbase(n.get_mpz_t(), 2); }
std::size_t n_bits(const mpq_class& q) { return n_bits(q.get_num()) + n_bits(q.get_den()); }

Value limited(mpq_class value) {
  if (n_bits(value) > kMaxBits) return std::nullopt;
  return value;
}

mpz_class integer_power(const mpz_class& base, unsigned long exponent) {
  mpz_class result;
  mpz_pow_ui(result.get_mpz_t(), base.get_mpz_t(), exponent);
  return result;
}

/// base^exponent for an integer exponent; the size is bounded before anything is computed.
Value power(const mpq_class& base, const mpq_class& exponent) {
  if (exponent.get_den() != 1 || !exponent.get_num().fits_slong_p()) return std::nullopt;
  const long signed_exponent = exponent.get_num().get_si();
  if (signed_exponent < 0 && base == 0) return std::nullopt;
  const std::uint64_t size =
      signed_exponent < 0 ? -static_cast<std::uint64_t>(signed_exponent) : static_cast<std::uint64_t>(signed_exponent);
  if (size > kMaxBits || n_bits(base) * size > kMaxBits) return std::nullopt;
  mpq_class result(integer_power(base.get_num(), size), integer_power(base.get_den(), size));
  result.canonicalize();
  if (signed_exponent < 0) result = 1 / result;
  return result;
}

/// "12", "3.50", "204." or ".5".
Value decimal(const std::string& text) {
  if (text.size() > kMaxDigits) return std::nullopt;
  const std::size_t point = text.find('.');
  if (point == std::string::npos) return limited(mpq_class(mpz_class(text, 10)));
  const std::string digits = text.substr(0, point) + text.substr(point + 1);
  mpq_class value(mpz_class(digits, 10), integer_power(10, text.size() - point - 1));
  value.canonicalize();
  return limited(value);
}

/// Recursive descent. Each rule leaves `at_` behind what it used, or where it began if there is no value.
class Parser {
 public:
  explicit Parser(std::span<const Token> tokens) : tokens_(tokens) {}

  Value sum() {
    Value value = product();
    while (value && (is(TokenKind::plus) || is(TokenKind::minus))) {
      const std::size_t back = at_;
      const bool subtract = is(TokenKind::minus);
      ++at_;
      const Value next = product();
      if (!next) return stop_at(back, value);
      value = limited(subtract ? mpq_class(*value - *next) : mpq_class(*value + *next));
    }
    return value;
  }

  std::size_t n_used() const { return at_; }

 private:
  bool is(TokenKind kind) const { return at_ < tokens_.size() && tokens_[at_].kind == kind; }

  Value stop_at(std::size_t place, Value value) {
    at_ = place;
    return value;
  }

  Value product() {
    Value value = factor();
    while (value && (is(TokenKind::times) || is(TokenKind::over))) {
      const std::size_t back = at_;
      const bool divide = is(TokenKind::over);
      ++at_;
      const Value next = factor();
      if (!next) return stop_at(back, value);
      if (divide && *next == 0) return std::nullopt;
      value = limited(divide ? mpq_class(*value / *next) : mpq_class(*value * *next));
    }
    return value;
  }

  /// A sign binds weaker than a power: -2^2 is -4.
  Value factor() {
    const std::size_t back = at_;
    bool negative = false;
    while (is(TokenKind::plus) || is(TokenKind::minus)) {
      if (is(TokenKind::minus)) negative = !negative;
      ++at_;
    }
    Value value = powers();
    if (!value) return stop_at(back, std::nullopt);
    if (negative) value = -*value;
    return value;
  }

  /// Powers bind from the right: 2^3^2 is 2^9.
  Value powers() {
    Value base = atom();
    if (!base || !is(TokenKind::power)) return base;
    const std::size_t back = at_++;
    if (++depth_ > kMaxNumberDepth) return std::nullopt;
    const Value exponent = factor();
    --depth_;
    if (!exponent) return stop_at(back, base);
    return power(*base, *exponent);
  }

  Value atom() {
    if (is(TokenKind::number)) return decimal(tokens_[at_++].text);
    if (is(TokenKind::open)) return group();
    if (!is(TokenKind::fraction)) return std::nullopt;
    const std::size_t back = at_++;
    const Value numerator = group();
    const Value denominator = numerator ? group() : std::nullopt;
    if (!denominator || *denominator == 0) return stop_at(back, std::nullopt);
    return limited(*numerator / *denominator);
  }

  Value group() {
    const std::size_t back = at_;
    if (!is(TokenKind::open) || depth_ >= kMaxNumberDepth) return std::nullopt;
    ++at_;
    ++depth_;
    const Value value = sum();
    --depth_;
    if (!value || !is(TokenKind::close)) return stop_at(back, std::nullopt);
    ++at_;
    return value;
  }

  std::span<const Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

/// Without a unit at the end and what belongs to it: "cm", "cm^2", "cm^{2}", "km/h", "square cm".
std::span<const Token> without_unit(std::span<const Token> tokens) {
  const auto ends_with = [](std::span<const Token> all, std::initializer_list<TokenKind> kinds) {
    if (all.size() < kinds.size()) return false;
    return std::equal(kinds.begin(), kinds.end(), all.end() - static_cast<std::ptrdiff_t>(kinds.size()),
                      [](TokenKind kind, const Token& token) { return token.kind == kind; });
  };
  using enum TokenKind;
  for (;;) {
    auto rest = tokens;
    if (ends_with(rest, {unit, power, number})) rest = rest.first(rest.size() - 2);
    if (ends_with(rest, {unit, power, open, number, close})) rest = rest.first(rest.size() - 4);
    if (!ends_with(rest, {unit})) return tokens;
    tokens = rest.first(rest.size() - 1);
    if (ends_with(tokens, {unit, over}) || ends_with(tokens, {unit, times})) tokens = tokens.first(tokens.size() - 1);
  }
}

ExactNumber to_exact_number(const mpq_class& value) { return {value.get_str(), value.get_den() == 1}; }

}  // namespace

std::optional<Prefix> evaluate_prefix(std::span<const Token> tokens) {
  if (tokens.size() > kMaxTokens) return std::nullopt;
  Parser parser(tokens);
  const Value value = parser.sum();
  if (!value) return std::nullopt;
  return Prefix{to_exact_number(*value), parser.n_used()};
}

std::optional<ExactNumber> evaluate(std::span<const Token> tokens) {
  tokens = without_unit(tokens);
  const auto prefix = evaluate_prefix(tokens);
  if (!prefix || prefix->n_used != tokens.size()) return std::nullopt;
  return prefix->value;
}

std::span<const Token> right_side(std::span<const Token> tokens) {
  for (std::size_t i = tokens.size(); i > 0; --i) {
    if (tokens[i - 1].kind == TokenKind::equals) return tokens.subspan(i);
  }
  return tokens;
}

bool is_list(std::span<const Token> tokens) {
  int depth = 0;
  for (const Token& token : tokens) {
    if (token.kind == TokenKind::open) ++depth;
    if (token.kind == TokenKind::close) --depth;
    const std::string& text = token.text;
    if (depth == 0 && (text == "," || text == ";" || text == "or" || text == "and")) return true;
  }
  return false;
}

}  // namespace assay::suites

#include "suites/math/numeral_cursor.h"

#include <utility>

namespace assay::suites {

namespace {

constexpr std::size_t kMaxNumeralDigits = 9000;

}  // namespace

std::optional<mpq_class> decimal_value(const std::string& text) {
  if (text.size() > kMaxNumeralDigits) return std::nullopt;
  const std::size_t point = text.find('.');
  if (point == std::string::npos) return mpq_class(mpz_class(text, 10));
  const std::string digits = text.substr(0, point) + text.substr(point + 1);
  mpz_class scale;
  mpz_ui_pow_ui(scale.get_mpz_t(), 10, text.size() - point - 1);
  mpq_class value(mpz_class(digits, 10), scale);
  value.canonicalize();
  return value;
}

std::optional<DecimalNumeral> NumeralCursor::numeral() {
  const std::string text = tokens_[at_++].text;
  auto value = decimal_value(text);
  if (!value) return std::nullopt;
  if (auto exponent = take_e_notation(text)) {
    took_e_notation_ = true;
    return DecimalNumeral{std::move(*value), std::move(*exponent)};
  }
  const bool has_repetend = is_command("overline") || is_command("bar") || is_command("dot");
  if (text.find('.') != std::string::npos && has_repetend) {
    value = repeating(*value, text);
    return value ? std::optional(DecimalNumeral{std::move(*value)}) : std::nullopt;
  }
  if (value->get_den() == 1) {
    if (const auto part = fraction_of_mixed_number()) *value += *part;
  }
  return DecimalNumeral{std::move(*value)};
}

std::optional<mpq_class> NumeralCursor::repeating(const mpq_class& start, const std::string& text) {
  const bool is_dotted = is_command("dot");
  ++at_;
  auto digits = raw_argument();
  const MathToken* between = token();
  if (is_dotted && digits && (is_command("dot") || (is_command("dot", 1) && between->kind == Kind::number))) {
    if (between->kind == Kind::number) *digits += tokens_[at_++].text;
    ++at_;
    const auto last = raw_argument();
    *digits += last ? *last : "?";
  }
  if (!digits || digits->empty() || digits->size() > kMaxNumeralDigits) return std::nullopt;
  if (digits->find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  mpz_class scale, nines;
  mpz_ui_pow_ui(scale.get_mpz_t(), 10, text.size() - text.find('.') - 1);
  mpz_ui_pow_ui(nines.get_mpz_t(), 10, digits->size());
  mpq_class rest(mpz_class(*digits, 10), mpz_class((nines - 1) * scale));
  rest.canonicalize();
  return start + rest;
}

std::optional<mpz_class> NumeralCursor::take_e_notation(std::string_view mantissa) {
  static constexpr std::size_t kMaxExponentDigits = 9;
  const MathToken* letter = token();
  const bool is_e = letter != nullptr && letter->kind == Kind::letters && !letter->after_space &&
                    (letter->text == "e" || letter->text == "E");
  if (!is_e) return std::nullopt;
  const bool can_be_signed = mantissa == "1" || mantissa.find('.') != std::string_view::npos;
  const bool is_signed = can_be_signed && (is_sign("-", 1) || is_sign("+", 1));
  const MathToken* digits = token(is_signed ? 2 : 1);
  if (digits == nullptr || digits->kind != Kind::number || digits->after_space) return std::nullopt;
  const bool is_whole = digits->text.find('.') == std::string::npos && digits->text.size() <= kMaxExponentDigits;
  if (!is_whole) return std::nullopt;
  mpz_class exponent(digits->text, 10);
  if (is_sign("-", 1)) exponent = -exponent;
  at_ += is_signed ? 3 : 2;
  return exponent;
}

std::optional<mpq_class> NumeralCursor::fraction_of_mixed_number() {
  const std::size_t back = at_;
  std::optional<mpq_class> top, bottom;
  if (is_command("frac")) {
    ++at_;
    top = whole_number_argument();
    bottom = top ? whole_number_argument() : std::nullopt;
  } else if (!at_end() && tokens_[at_].kind == Kind::number && tokens_[at_].after_space && is_sign("/", 1) &&
             token(2) != nullptr && token(2)->kind == Kind::number) {
    top = decimal_value(tokens_[at_].text);
    bottom = decimal_value(tokens_[at_ + 2].text);
    at_ += 3;
  }
  const bool is_proper = top && bottom && top->get_den() == 1 && bottom->get_den() == 1 && *top > 0 && *top < *bottom;
  if (is_proper) return *top / *bottom;
  at_ = back;
  return std::nullopt;
}

std::optional<mpq_class> NumeralCursor::whole_number_argument() {
  const bool is_group = is_sign("{");
  const MathToken* digits = token(is_group ? 1 : 0);
  if (digits == nullptr || digits->kind != Kind::number || (is_group && !is_sign("}", 2))) return std::nullopt;
  const std::string text = is_group ? digits->text : digits->text.substr(0, 1);
  if (!is_group && digits->text.size() > 1) {
    if (digits->text.size() > 2) return std::nullopt;
    tokens_[at_].text.erase(0, 1);
    return decimal_value(text);
  }
  at_ += is_group ? 3 : 1;
  return decimal_value(text);
}

}  // namespace assay::suites

#pragma once
// Numerals in a run of tokens: decimals, repeating decimals, powers of ten as "3e8" and mixed numbers.

#include <gmpxx.h>

#include <optional>
#include <string>
#include <string_view>

#include "suites/math/token_cursor.h"

namespace assay::suites {

/// "12", "3.50", ".5" or "204."; nothing for more than 9,000 digits.
std::optional<mpq_class> decimal_value(const std::string& text);

/// mantissa · 10^exponent, apart since the power may be too large to be worked out.
struct DecimalNumeral {
  mpq_class mantissa;
  mpz_class exponent = 0;
};

class NumeralCursor : public TokenCursor {
 protected:
  using TokenCursor::TokenCursor;

  /// Takes the numeral that begins here. A fraction behind a whole number makes it a mixed number; "3e8", "1e-5" and
  /// "1.5E+3" are powers of ten, "2e-1" is 2e - 1. Nothing if what marks a repetend is no run of digits.
  std::optional<DecimalNumeral> numeral();
  /// True once a numeral was written as "3e8".
  bool took_e_notation() const { return took_e_notation_; }

 private:
  /// The value of "0.1\overline{6}" and "0.\dot{1}4285\dot{7}": `start` is what stands before, written as `text`.
  std::optional<mpq_class> repeating(const mpq_class& start, const std::string& text);
  std::optional<mpz_class> take_e_notation(std::string_view mantissa);
  /// The proper fraction of two whole numbers that stands here, as in 1\frac{4}{5} and "1 4/5".
  std::optional<mpq_class> fraction_of_mixed_number();
  std::optional<mpq_class> whole_number_argument();

  bool took_e_notation_ = false;
};

}  // namespace assay::suites

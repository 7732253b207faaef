#include "suites/math/ball.h"

#include "tests/support/catch.h"

using namespace assay::suites;

namespace {

constexpr long kPrecision = 256;

/// True if the ball lies within 10^-60 of a decimal with that many digits behind the point.
bool is_near(const std::optional<ComplexBall>& ball, const std::string& digits) {
  if (!ball || !ball->is_real()) return false;
  const bool negative = digits[0] == '-';
  std::string plain = negative ? digits.substr(1) : digits;
  const std::size_t point = plain.find('.');
  plain.erase(point, 1);
  mpz_class scale;
  mpz_ui_pow_ui(scale.get_mpz_t(), 10, plain.size() - point);
  const mpq_class expected(mpz_class(negative ? "-" + plain : plain, 10), scale);
  const mpq_class unit(1, mpz_class(1) << kPrecision);
  const mpq_class distance = ::abs(mpq_class(ball->re.middle * unit - expected)) + ball->re.radius * unit;
  mpz_class tolerance;
  mpz_ui_pow_ui(tolerance.get_mpz_t(), 10, 60);
  return distance * tolerance < 1;
}

}  // namespace

// Digits from mpmath 1.3.
TEST_CASE("BallArithmetic: constants and functions to sixty digits", "[suites][math]") {
  std::int64_t work = 100'000'000;
  BallArithmetic arithmetic(kPrecision, work);
  const auto value = [&](long numerator, long denominator) {
    return *arithmetic.rational(mpq_class(numerator, denominator));
  };
  CHECK(is_near(arithmetic.pi(), "3.141592653589793238462643383279502884197169399375105820974944592308"));
  CHECK(is_near(arithmetic.exp(value(1, 1)), "2.718281828459045235360287471352662497757247093699959574966967627724"));
  CHECK(is_near(arithmetic.exp(value(-5, 1)), "0.006737946999085467096636048423148424248849585027355085430305531573"));
  CHECK(is_near(arithmetic.ln(value(2, 1)), "0.693147180559945309417232121458176568075500134360255254120680009493"));
  CHECK(
      is_near(arithmetic.ln(value(1, 1000)), "-6.907755278982137052053974364053092622803304465886318928099983702902"));
  CHECK(is_near(arithmetic.sin(value(1, 1)), "0.841470984807896506652502321630298999622563060798371065672751709991"));
  CHECK(is_near(arithmetic.cos(value(100, 1)), "0.862318872287683934101938513950842535510084008535510829280162112693"));
  CHECK(
      is_near(arithmetic.atan(value(-3, 1)), "-1.249045772398254425829917077281090123077829404129896719054669236797"));
  CHECK(
      is_near(arithmetic.root(value(2, 1), 3), "1.259921049894873164767210607278228350570251464701507980081975112155"));
  CHECK(is_near(arithmetic.root(value(-8, 1), 3),
                "-2.000000000000000000000000000000000000000000000000000000000000000000"));
}

TEST_CASE("BallArithmetic: what is undefined has no value, and neither has anything once the work is used up",
          "[suites][math]") {
  std::int64_t work = 100'000'000;
  BallArithmetic arithmetic(kPrecision, work);
  const ComplexBall zero = *arithmetic.rational(0), third = *arithmetic.rational(mpq_class(1, 3));
  CHECK_FALSE(arithmetic.invert(zero));
  CHECK_FALSE(arithmetic.ln(zero));
  CHECK_FALSE(arithmetic.exp(*arithmetic.rational(1'000'000)));
  const auto difference =
      arithmetic.add(*arithmetic.multiply(third, *arithmetic.rational(3)), *arithmetic.rational(-1));
  CHECK_FALSE(excludes_zero(*difference));
  CHECK(is_below(*difference, 250, kPrecision));
  CHECK(excludes_zero(third));
  std::int64_t none = 10;
  BallArithmetic poor(kPrecision, none);
  CHECK_FALSE(poor.pi());
}

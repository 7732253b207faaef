#pragma once
// Balls: complex numbers known up to a bound on their error, so that "not zero" is a proof. Fixed point on GMP
// integers.

#include <gmpxx.h>

#include <cstdint>
#include <optional>

namespace assay::suites {

/// The real numbers within `radius` of `middle`, both in units of 2^-precision of the arithmetic that made it.
struct Ball {
  mpz_class middle;
  mpz_class radius;
};

/// A complex number with its two parts as balls. The imaginary part of a number that is known to be real is exactly 0.
struct ComplexBall {
  Ball re, im;
  bool is_real() const { return im.middle == 0 && im.radius == 0; }
};

/// Arithmetic at one precision. Every result contains every value that the function takes on its arguments' balls.
/// Results are missing where a function isn't defined on the whole ball, where a number grows past 2^40,000, and once
/// the work allowed is used up: hostile expressions end in "unknown", not in a long wait.
class BallArithmetic {
 public:
  /// `work` is shared by the arithmetics of one decision; it counts operations on 64-bit words and is used up at 0.
  BallArithmetic(long precision_bits, std::int64_t& work) : precision_(precision_bits), work_(work) {}

  long precision_bits() const { return precision_; }

  std::optional<ComplexBall> rational(const mpq_class& value);
  std::optional<ComplexBall> pi();
  std::optional<ComplexBall> add(const ComplexBall& a, const ComplexBall& b);
  std::optional<ComplexBall> multiply(const ComplexBall& a, const ComplexBall& b);
  std::optional<ComplexBall> invert(const ComplexBall& a);
  std::optional<ComplexBall> integer_power(const ComplexBall& a, unsigned long exponent);
  /// The principal root; the real one for an odd root of a real number.
  std::optional<ComplexBall> root(const ComplexBall& a, unsigned long index);
  std::optional<ComplexBall> exp(const ComplexBall& a);
  std::optional<ComplexBall> ln(const ComplexBall& a);  ///< principal value; π·i is added below 0
  std::optional<ComplexBall> cos(const ComplexBall& a);
  std::optional<ComplexBall> sin(const ComplexBall& a);
  std::optional<ComplexBall> atan(const ComplexBall& a);  ///< of real numbers alone
  std::optional<ComplexBall> abs(const ComplexBall& a);
  std::optional<ComplexBall> floor(const ComplexBall& a);  ///< of a real number whose ball holds no integer inside

 private:
  bool spend(std::int64_t operations, long bits);
  std::optional<Ball> checked(Ball a) const;
  std::optional<ComplexBall> checked(std::optional<Ball> re, std::optional<Ball> im) const;
  Ball plus(const Ball& a, const Ball& b) const;
  Ball times(const Ball& a, const Ball& b) const;
  std::optional<Ball> over(const Ball& a, const Ball& b) const;
  std::optional<Ball> real_root(const Ball& a, unsigned long index) const;
  std::optional<Ball> real_exp(const Ball& a);
  std::optional<Ball> real_ln(const Ball& a);
  std::optional<Ball> real_atan(const Ball& a);
  std::optional<Ball> angle(const ComplexBall& a);
  /// cos and sin of a real ball.
  std::optional<ComplexBall> unit(const Ball& a);
  Ball real_pi();

  long precision_;
  std::int64_t& work_;
};

/// True if 0 lies outside the ball: the number isn't 0.
bool excludes_zero(const ComplexBall& a);
/// True if every number in the ball is smaller than 2^-bits, in an arithmetic of `precision_bits`.
bool is_below(const ComplexBall& a, long bits, long precision_bits);

}  // namespace assay::suites

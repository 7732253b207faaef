#include "suites/math/ball.h"

#include <algorithm>
#include <cstdlib>

namespace assay::suites {

namespace {

constexpr long kMaxMagnitudeBits = 40'000;
constexpr long kGuardBits = 64;  // more than the series and the repeated squarings below lose

long magnitude_bits(const mpz_class& a) { return static_cast<long>(mpz_sizeinbase(a.get_mpz_t(), 2)); }

mpz_class shifted(const mpz_class& a, long bits) {
  mpz_class out;
  if (bits >= 0) {
    mpz_mul_2exp(out.get_mpz_t(), a.get_mpz_t(), static_cast<mp_bitcnt_t>(bits));
  } else {
    mpz_fdiv_q_2exp(out.get_mpz_t(), a.get_mpz_t(), static_cast<mp_bitcnt_t>(-bits));
  }
  return out;
}

Ball exact_zero() { return {0, 0}; }
bool is_exact_zero(const Ball& a) { return a.middle == 0 && a.radius == 0; }
ComplexBall real(Ball a) { return {std::move(a), exact_zero()}; }
bool contains_zero(const Ball& a) { return ::abs(a.middle) <= a.radius; }
mpz_class lower(const Ball& a) { return a.middle - a.radius; }
mpz_class upper(const Ball& a) { return a.middle + a.radius; }

/// The ball from `low` to `high`.
Ball between(const mpz_class& low, const mpz_class& high) {
  const mpz_class middle = shifted(low + high, -1);
  return {middle, mpz_class(high - middle) + 1};
}

// Series on fixed-point integers of `bits` fractional bits. Each loses less than one unit a step, fewer than `bits`
// steps.

/// exp(x) for real x.
mpz_class exp_series(const mpz_class& x, long bits) {
  const long halvings = 8 + std::max(0L, magnitude_bits(x) - bits);
  const mpz_class reduced = shifted(x, -halvings);
  mpz_class term = shifted(1, bits), sum = term;
  for (long n = 1; term != 0 && term != -1; ++n) {
    term = shifted(term * reduced, -bits) / n;
    sum += term;
  }
  for (long i = 0; i < halvings; ++i) sum = shifted(sum * sum, -bits);
  return sum;
}

/// cos(x) and sin(x) for real x.
void unit_series(const mpz_class& x, long bits, mpz_class& cosine, mpz_class& sine) {
  const long halvings = 8 + std::max(0L, magnitude_bits(x) - bits);
  const mpz_class reduced = shifted(x, -halvings);
  mpz_class term = shifted(1, bits);
  cosine = term;
  sine = 0;
  for (long n = 1; term != 0 && term != -1; ++n) {
    term = shifted(term * reduced, -bits) / n;
    if (n % 2 == 1) {
      sine += n % 4 == 1 ? term : mpz_class(-term);
    } else {
      cosine += n % 4 == 0 ? term : mpz_class(-term);
    }
  }
  for (long i = 0; i < halvings; ++i) {
    const mpz_class double_sine = shifted(2 * sine * cosine, -bits);
    cosine = shifted(cosine * cosine - sine * sine, -bits);
    sine = double_sine;
  }
}

/// Σ x^(2n+1)/(2n+1), with alternating signs for `sign` -1: atanh or atan for |x| ≤ 1/2.
mpz_class odd_series(const mpz_class& x, long bits, int sign) {
  const mpz_class square = shifted(x * x, -bits);
  mpz_class power = x, sum = x;
  for (long n = 3; power != 0 && power != -1; n += 2) {
    power = shifted(power * square, -bits);
    const mpz_class term = power / n;
    sum += sign < 0 && n % 4 == 3 ? mpz_class(-term) : term;
  }
  return sum;
}

/// atan(1/n).
mpz_class atan_inverse(long n, long bits) { return odd_series(shifted(1, bits) / n, bits, -1); }

/// π by Machin's formula.
mpz_class pi_fixed(long bits) { return 4 * (4 * atan_inverse(5, bits) - atan_inverse(239, bits)); }

/// ln(x) for x > 0: ln m + k ln 2 with m in [1, 2).
mpz_class ln_fixed(const mpz_class& x, long bits) {
  const mpz_class one = shifted(1, bits);
  const long k = magnitude_bits(x) - 1 - bits;
  const mpz_class m = shifted(x, -k);
  const mpz_class ln_m = 2 * odd_series(shifted(m - one, bits) / mpz_class(m + one), bits, 1);
  const mpz_class ln_2 = 2 * odd_series(one / 3, bits, 1);
  return ln_m + k * ln_2;
}

mpz_class square_root(const mpz_class& x) {
  mpz_class out;
  mpz_sqrt(out.get_mpz_t(), x.get_mpz_t());
  return out;
}

/// atan(x) for |x| ≤ 1; each halving of the angle is atan x = 2 atan(x / (1 + √(1 + x²))).
mpz_class atan_fixed(mpz_class x, long bits) {
  constexpr int kHalvings = 3;
  const mpz_class one = shifted(1, bits);
  for (int i = 0; i < kHalvings; ++i) {
    const mpz_class hypotenuse = square_root(shifted(one, bits) + x * x);
    x = shifted(x, bits) / mpz_class(one + hypotenuse);
  }
  return shifted(odd_series(x, bits, -1), kHalvings);
}

}  // namespace

bool excludes_zero(const ComplexBall& a) { return !contains_zero(a.re) || !contains_zero(a.im); }

bool is_below(const ComplexBall& a, long bits, long precision_bits) {
  const auto below = [&](const Ball& part) {
    const mpz_class largest = ::abs(part.middle) + part.radius;
    return magnitude_bits(largest) <= precision_bits - bits - 1;
  };
  return below(a.re) && below(a.im);
}

bool BallArithmetic::spend(std::int64_t operations, long bits) {
  const std::int64_t words = (precision_ + bits) / 64 + 1;
  work_ -= operations * words * (8 + words / 4);
  return work_ > 0;
}

std::optional<Ball> BallArithmetic::checked(Ball a) const {
  if (magnitude_bits(a.middle) > precision_ + kMaxMagnitudeBits ||
      magnitude_bits(a.radius) > precision_ + kMaxMagnitudeBits) {
    return std::nullopt;
  }
  return a;
}

std::optional<ComplexBall> BallArithmetic::checked(std::optional<Ball> re, std::optional<Ball> im) const {
  if (re) re = checked(std::move(*re));
  if (im) im = checked(std::move(*im));
  if (!re || !im) return std::nullopt;
  return ComplexBall{std::move(*re), std::move(*im)};
}

Ball BallArithmetic::plus(const Ball& a, const Ball& b) const {
  return {mpz_class(a.middle + b.middle), mpz_class(a.radius + b.radius)};
}

Ball BallArithmetic::times(const Ball& a, const Ball& b) const {
  if (is_exact_zero(a) || is_exact_zero(b)) return exact_zero();
  const mpz_class error = ::abs(a.middle) * b.radius + ::abs(b.middle) * a.radius + a.radius * b.radius;
  return {shifted(a.middle * b.middle, -precision_), shifted(error, -precision_) + 2};
}

std::optional<Ball> BallArithmetic::over(const Ball& a, const Ball& b) const {
  if (contains_zero(b)) return std::nullopt;
  if (is_exact_zero(a)) return exact_zero();
  const mpz_class divisor = ::abs(b.middle);
  const mpz_class smallest = divisor - b.radius;
  const mpz_class error = shifted(a.radius * divisor + ::abs(a.middle) * b.radius, precision_) / (divisor * smallest);
  return Ball{shifted(a.middle, precision_) / b.middle, error + 2};
}

std::optional<Ball> BallArithmetic::real_root(const Ball& a, unsigned long index) const {
  if (lower(a) < 0) return std::nullopt;
  const long shift = precision_ * static_cast<long>(index - 1);
  mpz_class low, high;
  mpz_root(low.get_mpz_t(), shifted(lower(a), shift).get_mpz_t(), index);
  mpz_root(high.get_mpz_t(), shifted(upper(a), shift).get_mpz_t(), index);
  return between(low, high + 1);
}

std::optional<Ball> BallArithmetic::real_exp(const Ball& a) {
  static constexpr long kMaxExponent = 20'000;
  if (::abs(a.middle) > shifted(kMaxExponent, precision_) || a.radius > shifted(1, precision_)) return std::nullopt;
  const long integer_bits = a.middle > 0 ? shifted(a.middle, -precision_).get_si() * 3 / 2 + 2 : 0;
  const long bits = precision_ + kGuardBits + integer_bits;
  if (!spend(bits / 8 + 40, integer_bits)) return std::nullopt;
  const mpz_class value = shifted(exp_series(shifted(a.middle, bits - precision_), bits), precision_ - bits);
  // |e^(x+r) - e^x| ≤ e^x · 2r for r ≤ 1
  return Ball{value, shifted((::abs(value) + 2) * 2 * a.radius, -precision_) + 2};
}

std::optional<ComplexBall> BallArithmetic::unit(const Ball& a) {
  static constexpr long kMaxAngleBits = 40;
  if (magnitude_bits(a.middle) > precision_ + kMaxAngleBits) return std::nullopt;
  const long bits = precision_ + kGuardBits + kMaxAngleBits;
  if (!spend(bits / 8 + 80, 0)) return std::nullopt;
  mpz_class cosine, sine;
  unit_series(shifted(a.middle, bits - precision_), bits, cosine, sine);
  const mpz_class radius = a.radius + 2;
  return ComplexBall{{shifted(cosine, precision_ - bits), radius}, {shifted(sine, precision_ - bits), radius}};
}

std::optional<Ball> BallArithmetic::real_ln(const Ball& a) {
  if (lower(a) <= 0) return std::nullopt;
  const long bits = precision_ + kGuardBits;
  if (!spend(bits, 0)) return std::nullopt;
  const mpz_class value = shifted(ln_fixed(shifted(a.middle, bits - precision_), bits), precision_ - bits);
  return Ball{value, shifted(a.radius, precision_) / lower(a) + 2};
}

std::optional<Ball> BallArithmetic::real_atan(const Ball& a) {
  const long bits = precision_ + kGuardBits;
  if (!spend(bits, 0)) return std::nullopt;
  const mpz_class one = shifted(1, bits);
  const mpz_class x = shifted(a.middle, bits - precision_);
  mpz_class value;
  if (::abs(x) <= one) {
    value = atan_fixed(x, bits);
  } else {
    const mpz_class quarter_turn = shifted(pi_fixed(bits), -1);
    value = (x > 0 ? quarter_turn : mpz_class(-quarter_turn)) - atan_fixed(shifted(one, bits) / x, bits);
  }
  return Ball{shifted(value, precision_ - bits), a.radius + 2};
}

Ball BallArithmetic::real_pi() { return {shifted(pi_fixed(precision_ + kGuardBits), -kGuardBits), 2}; }

/// The argument of a number that isn't 0, in (-π, π]. Missing where the ball reaches across the negative axis.
std::optional<Ball> BallArithmetic::angle(const ComplexBall& a) {
  if (a.is_real()) {
    if (contains_zero(a.re)) return std::nullopt;
    return a.re.middle > 0 ? exact_zero() : real_pi();
  }
  const Ball half_pi = between(shifted(lower(real_pi()), -1), shifted(upper(real_pi()), -1) + 1);
  if (!contains_zero(a.im)) {  // arg = ±π/2 - atan(re/im)
    const auto slope = over(a.re, a.im);
    const auto part = slope ? real_atan(*slope) : std::nullopt;
    if (!part) return std::nullopt;
    const mpz_class turn = a.im.middle > 0 ? half_pi.middle : mpz_class(-half_pi.middle);
    return Ball{turn - part->middle, half_pi.radius + part->radius};
  }
  if (lower(a.re) <= 0) return std::nullopt;
  const auto slope = over(a.im, a.re);
  return slope ? real_atan(*slope) : std::nullopt;
}

std::optional<ComplexBall> BallArithmetic::rational(const mpq_class& value) {
  if (!spend(4, magnitude_bits(value.get_num()) + magnitude_bits(value.get_den()))) return std::nullopt;
  mpz_class middle = shifted(value.get_num(), precision_);
  const bool is_exact = mpz_divisible_p(middle.get_mpz_t(), value.get_den().get_mpz_t()) != 0;
  middle /= value.get_den();
  return checked(Ball{middle, is_exact ? 0 : 1}, exact_zero());
}

std::optional<ComplexBall> BallArithmetic::pi() {
  if (!spend(precision_, 0)) return std::nullopt;
  return real(real_pi());
}

std::optional<ComplexBall> BallArithmetic::add(const ComplexBall& a, const ComplexBall& b) {
  if (!spend(1, 0)) return std::nullopt;
  return checked(plus(a.re, b.re), plus(a.im, b.im));
}

std::optional<ComplexBall> BallArithmetic::multiply(const ComplexBall& a, const ComplexBall& b) {
  if (!spend(4, 0)) return std::nullopt;
  const Ball minus = times(a.im, b.im);
  const Ball re = plus(times(a.re, b.re), {mpz_class(-minus.middle), minus.radius});
  return checked(re, plus(times(a.re, b.im), times(a.im, b.re)));
}

std::optional<ComplexBall> BallArithmetic::invert(const ComplexBall& a) {
  if (!spend(8, 0)) return std::nullopt;
  const Ball one{shifted(1, precision_), 0};
  if (a.is_real()) return checked(over(one, a.re), exact_zero());
  const Ball norm = plus(times(a.re, a.re), times(a.im, a.im));
  return checked(over(a.re, norm), over({mpz_class(-a.im.middle), a.im.radius}, norm));
}

std::optional<ComplexBall> BallArithmetic::integer_power(const ComplexBall& a, unsigned long exponent) {
  std::optional<ComplexBall> result = real({shifted(1, precision_), 0}), square = a;
  for (; exponent > 0 && result && square; exponent /= 2) {
    if (exponent % 2 == 1) result = multiply(*result, *square);
    if (exponent > 1) square = multiply(*square, *square);
  }
  return square ? result : std::nullopt;
}

std::optional<ComplexBall> BallArithmetic::root(const ComplexBall& a, unsigned long index) {
  static constexpr unsigned long kMaxIndex = 1000;
  if (index > kMaxIndex || !spend(static_cast<std::int64_t>(index) * 8, 0)) return std::nullopt;
  if (a.is_real() && lower(a.re) >= 0) return checked(real_root(a.re, index), exact_zero());
  if (a.is_real() && index % 2 == 1 && upper(a.re) <= 0) {
    auto mirrored = real_root({mpz_class(-a.re.middle), a.re.radius}, index);
    if (mirrored) mirrored->middle = -mirrored->middle;
    return checked(mirrored, exact_zero());
  }
  const auto logarithm = ln(a);
  const auto part = logarithm ? rational(mpq_class(1, index)) : std::nullopt;
  const auto scaled = part ? multiply(*logarithm, *part) : std::nullopt;
  return scaled ? exp(*scaled) : std::nullopt;
}

std::optional<ComplexBall> BallArithmetic::exp(const ComplexBall& a) {
  const auto size = real_exp(a.re);
  if (!size || a.is_real()) return checked(size, exact_zero());
  const auto direction = unit(a.im);
  return direction ? multiply(*direction, real(*size)) : std::nullopt;
}

std::optional<ComplexBall> BallArithmetic::ln(const ComplexBall& a) {
  if (a.is_real() && lower(a.re) > 0) return checked(real_ln(a.re), exact_zero());
  const auto size = abs(a);
  const auto turn = angle(a);
  if (!size || !turn) return std::nullopt;
  return checked(real_ln(size->re), turn);
}

std::optional<ComplexBall> BallArithmetic::cos(const ComplexBall& a) {
  if (a.is_real()) {
    const auto both = unit(a.re);
    return both ? std::optional(real(both->re)) : std::nullopt;
  }
  const ComplexBall turned{{mpz_class(-a.im.middle), a.im.radius}, a.re};  // i·a
  const auto forth = exp(turned);
  const auto back = exp({{mpz_class(-turned.re.middle), turned.re.radius},  //
                         {mpz_class(-turned.im.middle), turned.im.radius}});
  const auto sum = forth && back ? add(*forth, *back) : std::nullopt;
  const auto half = rational(mpq_class(1, 2));
  return sum && half ? multiply(*sum, *half) : std::nullopt;
}

std::optional<ComplexBall> BallArithmetic::sin(const ComplexBall& a) {
  if (a.is_real()) {
    const auto both = unit(a.re);
    return both ? std::optional(real(both->im)) : std::nullopt;
  }
  const Ball turn = real_pi();  // sin a = cos(a - π/2)
  const Ball half = between(shifted(lower(turn), -1), shifted(upper(turn), -1) + 1);
  return cos({plus(a.re, {mpz_class(-half.middle), half.radius}), a.im});
}

std::optional<ComplexBall> BallArithmetic::atan(const ComplexBall& a) {
  if (!a.is_real()) return std::nullopt;
  return checked(real_atan(a.re), exact_zero());
}

std::optional<ComplexBall> BallArithmetic::abs(const ComplexBall& a) {
  if (!spend(8, 0)) return std::nullopt;
  if (a.is_real()) {
    if (contains_zero(a.re)) return real(between(0, ::abs(a.re.middle) + a.re.radius));
    return real({::abs(a.re.middle), a.re.radius});
  }
  Ball norm = plus(times(a.re, a.re), times(a.im, a.im));
  if (lower(norm) < 0) norm = between(0, upper(norm));
  return checked(real_root(norm, 2), exact_zero());
}

std::optional<ComplexBall> BallArithmetic::floor(const ComplexBall& a) {
  if (!a.is_real()) return std::nullopt;
  const mpz_class below = shifted(lower(a.re), -precision_);
  if (shifted(upper(a.re), -precision_) != below) return std::nullopt;
  return real({shifted(below, precision_), 0});
}

}  // namespace assay::suites

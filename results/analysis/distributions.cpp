#include "results/analysis/distributions.h"

#include <cmath>
#include <functional>
#include <limits>

namespace assay::results {

namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

/// The continued fraction of DLMF 8.17.22; converges fast for x < (a+1)/(a+b+2).
double beta_fraction(double a, double b, double x) {
  // Lentz's method keeps the two running quotients away from 0.
  constexpr double kTiny = 1e-300;
  const auto away_from_zero = [](double v) { return std::abs(v) < kTiny ? kTiny : v; };
  double c = 1;
  double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
  double fraction = d;
  constexpr int kMaxTerms = 100'000;  // the number needed grows as the square root of max(a, b)
  for (int m = 1; m <= kMaxTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    fraction *= c * d;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    fraction *= c * d;
    if (std::abs(c * d - 1) < kEpsilon) break;
  }
  return fraction;
}

double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);  // std::lgamma writes a global
}

/// The root of an increasing function between low and high, to the last bit.
double bisect(double low, double high, const std::function<bool(double)>& is_below_root) {
  while (true) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return middle;
    (is_below_root(middle) ? low : high) = middle;
  }
}

}  // namespace

Result<double> incomplete_beta(double a, double b, double x) {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) {
    return bad_input("incomplete_beta: a = ", a, ", b = ", b, ", x = ", x, "; a and b must be above 0, x in [0, 1]");
  }
  if (x == 0 || x == 1) return x;
  const double log_front = log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * std::log(x) + b * std::log1p(-x);
  const double front = std::exp(log_front);
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

Result<double> beta_quantile(double a, double b, double p) {
  if (!(p >= 0 && p <= 1)) return bad_input("beta_quantile: p = ", p, " must be in [0, 1]");
  ASSAY_TRY(incomplete_beta(a, b, 0.5));
  if (p == 0 || p == 1) return p;
  return bisect(0, 1, [&](double x) { return *incomplete_beta(a, b, x) < p; });
}

Result<double> t_quantile(double df, double p) {
  if (!(df > 0 && p > 0 && p < 1)) {
    return bad_input("t_quantile: df = ", df, ", p = ", p, "; df must be above 0 and p between 0 and 1");
  }
  if (p == 0.5) return 0.0;
  if (p < 0.5) {
    ASSAY_ASSIGN(const double mirrored, t_quantile(df, 1 - p));
    return -mirrored;
  }
  // P(|T| > t) falls from 1 to 0 as x = df/(df+t²) falls from 1 to 0.
  ASSAY_ASSIGN(const double x, beta_quantile(df / 2, 0.5, 2 * (1 - p)));
  return std::sqrt(df * (1 - x) / x);
}

}  // namespace assay::results

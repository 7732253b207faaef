#include "results/analysis/distributions.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

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

/// log n! - log(sqrt(2 pi n) (n/e)^n), what Stirling's formula lacks. Loader 2000, section 2; n > 0.
double stirling_error(double n) {
  constexpr double kLeastForSeries = 16;  // from here on five terms reach the last bit
  if (n < kLeastForSeries) {
    return log_gamma(n + 1) - (n + 0.5) * std::log(n) + n - 0.5 * std::log(2 * std::numbers::pi);
  }
  const double n2 = n * n;
  return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - 1.0 / 1188 / n2) / n2) / n2) / n2) / n;
}

/// k log(k / mean) + mean - k, without cancellation where the two are close. Loader 2000, section 3.
double deviance(double k, double mean) {
  const double difference = k - mean;
  if (std::abs(difference) >= 0.1 * (k + mean)) return k * std::log(k / mean) + mean - k;
  const double v = difference / (k + mean);
  double sum = difference * v;
  double term = 2 * k * v;
  for (int odd = 3;; odd += 2) {
    term *= v * v;
    const double next = sum + term / odd;
    if (next == sum) return sum;
    sum = next;
  }
}

/// The two tails of the beta distribution, each without cancellation where it is the small one.
struct Tails {
  double lower, upper;
};

/// I_x(a, b) and its complement; `y` is 1 - x, given apart for the digits that it may have of its own.
Tails beta_tails(double a, double b, double x, double y) {
  if (x <= 0) return {0, 1};
  if (y <= 0) return {1, 0};
  const double n = a + b;
  // x^a y^b / B(a, b)
  const double front =
      std::sqrt(a * b / (2 * std::numbers::pi * n)) *
      std::exp(stirling_error(n) - stirling_error(a) - stirling_error(b) - deviance(a, n * x) - deviance(b, n * y));
  if (x < (a + 1) / (n + 2)) {
    const double lower = front * beta_fraction(a, b, x) / a;
    return {lower, 1 - lower};
  }
  const double upper = front * beta_fraction(b, a, y) / b;
  return {1 - upper, upper};
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
  if (!(a > 0 && b > 0 && std::isfinite(a + b) && x >= 0 && x <= 1)) {
    return bad_input("incomplete_beta: a = ", a, ", b = ", b, ", x = ", x, "; a and b must be above 0, x in [0, 1]");
  }
  return beta_tails(a, b, x, 1 - x).lower;
}

Result<double> beta_quantile(double a, double b, double p) {
  if (!(p >= 0 && p <= 1)) return bad_input("beta_quantile: p = ", p, " must be in [0, 1]");
  ASSAY_TRY(incomplete_beta(a, b, 0.5));
  if (p == 0 || p == 1) return p;
  return bisect(0, 1, [&](double x) {
    const Tails tails = beta_tails(a, b, x, 1 - x);
    return p < 0.5 ? tails.lower < p : tails.upper > 1 - p;
  });
}

Result<double> t_quantile(double df, double p) {
  if (!(df > 0 && std::isfinite(df) && p > 0 && p < 1)) {
    return bad_input("t_quantile: df = ", df, ", p = ", p, "; df must be above 0 and p between 0 and 1");
  }
  if (p == 0.5) return 0.0;
  const double both_tails = 2 * std::min(p, 1 - p);
  // P(|T| > t) = I_x(df/2, 1/2) with x = df/(df+t²) and y = t²/(df+t²); the smaller of the two is found.
  const auto is_beyond_t = [&](double x, double y) {
    const Tails tails = beta_tails(df / 2, 0.5, x, y);
    return both_tails < 0.5 ? tails.lower < both_tails : tails.upper > 1 - both_tails;
  };
  double t = 0;
  if (!is_beyond_t(0.5, 0.5)) {
    const double x = bisect(0, 0.5, [&](double at) { return is_beyond_t(at, 1 - at); });
    t = std::sqrt(df * (1 - x) / x);
  } else {
    const double y = bisect(0, 0.5, [&](double at) { return !is_beyond_t(1 - at, at); });
    t = std::sqrt(df * y / (1 - y));
  }
  return p < 0.5 ? -t : t;
}

Result<double> t_two_sided_p(double df, double t) {
  if (!(df > 0 && std::isfinite(df)) || std::isnan(t)) {
    return bad_input("t_two_sided_p: df = ", df, ", t = ", t, "; df must be above 0 and t a number");
  }
  if (std::isinf(t)) return 0.0;
  const double ratio = t / std::sqrt(df);  // t² may overflow where this does not
  const double y = std::abs(ratio) < 1e150 ? ratio * ratio / (1 + ratio * ratio) : 1;
  const double x = std::abs(ratio) < 1e150 ? 1 / (1 + ratio * ratio) : 0;
  return beta_tails(df / 2, 0.5, x, y).lower;
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

Result<double> normal_quantile(double p) {
  if (!(p > 0 && p < 1)) return bad_input("normal_quantile: p = ", p, " must be between 0 and 1");
  const double tail = std::min(p, 1 - p);
  constexpr double kFarthest = -40;  // P(Z <= -40) is 0 in double precision
  const double x = bisect(kFarthest, 0, [&](double at) { return normal_cdf(at) < tail; });
  return p < 0.5 ? x : -x;
}

Result<double> binomial_cdf(std::int64_t k, std::int64_t n, double p) {
  if (n < 0 || !(p >= 0 && p <= 1)) {
    return bad_input("binomial_cdf: n = ", n, ", p = ", p, "; n must be at least 0 and p in [0, 1]");
  }
  if (k < 0) return 0.0;
  if (k >= n) return 1.0;
  return beta_tails(static_cast<double>(n - k), static_cast<double>(k) + 1, 1 - p, p).lower;
}

}  // namespace assay::results

#pragma once
// The few distribution functions that intervals and tests need, accurate in both tails. Pure.
//
// Checked against SciPy to 1e-9 relative (results/testdata/statistics.json.gz); NaN is bad input everywhere.

#include <cstdint>

#include "harness/base/result.h"

namespace assay::results {

/// The regularised incomplete beta function I_x(a, b); a, b > 0 and 0 <= x <= 1, else Error{bad_input}.
/// Continued fraction: NIST Digital Library of Mathematical Functions, 8.17.22, evaluated by Lentz's method. Its factor
/// x^a (1-x)^b / B(a, b) by the saddle-point expansion of Loader 2000, "Fast and accurate computation of binomial
/// probabilities", which does not cancel for large a and b as logarithms of gamma functions do.
Result<double> incomplete_beta(double a, double b, double x);

/// The x with I_x(a, b) = p; 0 <= p <= 1.
Result<double> beta_quantile(double a, double b, double p);

/// The t with P(T <= t) = p for Student's t with `df` > 0 degrees of freedom; 0 < p < 1.
/// P(|T| > t) = I_{df/(df+t²)}(df/2, 1/2): DLMF 8.17 with Abramowitz and Stegun 26.7.1.
Result<double> t_quantile(double df, double p);

/// P(|T| >= |t|) for Student's t with `df` > 0 degrees of freedom; 0 for an infinite t.
Result<double> t_two_sided_p(double df, double t);

/// P(Z <= x) of the standard normal distribution; NaN for NaN.
double normal_cdf(double x);

/// The x with P(Z <= x) = p; 0 < p < 1.
Result<double> normal_quantile(double p);

/// P(X <= k) of n trials that succeed with probability p; n >= 0, 0 <= p <= 1.
Result<double> binomial_cdf(std::int64_t k, std::int64_t n, double p);

}  // namespace assay::results

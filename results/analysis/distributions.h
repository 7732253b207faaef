#pragma once
// The few distribution functions that intervals need. Pure.

#include "harness/base/result.h"

namespace assay::results {

/// The regularised incomplete beta function I_x(a, b); a, b > 0 and 0 <= x <= 1, else Error{bad_input}.
/// Continued fraction: NIST Digital Library of Mathematical Functions, 8.17.22, evaluated by Lentz's method.
Result<double> incomplete_beta(double a, double b, double x);

/// The x with I_x(a, b) = p; 0 <= p <= 1.
Result<double> beta_quantile(double a, double b, double p);

/// The t with P(T <= t) = p for Student's t with `df` > 0 degrees of freedom; 0 < p < 1.
/// P(|T| > t) = I_{df/(df+t²)}(df/2, 1/2): DLMF 8.17 with Abramowitz and Stegun 26.7.1.
Result<double> t_quantile(double df, double p);

}  // namespace assay::results

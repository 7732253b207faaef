#pragma once
// Values of expressions as balls, and how near to zero an algebraic number can come without being zero.

#include <map>
#include <optional>

#include "suites/math/ball.h"
#include "suites/math/expression.h"

namespace assay::suites {

/// What nodes are taken to be: symbols at a point, and transcendental constants where an identity is tested formally.
using Assignment = std::map<ExprId, mpq_class>;

/// The value, or nothing if a node has none (an unknown function, a symbol without assignment, a division by what may
/// be zero) or the work allowed is used up.
std::optional<ComplexBall> evaluate(const Expressions& pool, ExprId id, const Assignment& assigned,
                                    BallArithmetic& arithmetic);

/// A number B such that the value is 0 or at least 2^-B; nothing if the expression isn't algebraic. The bound of
/// Burnikel, Funke, Mehlhorn, Schirra and Schmitt (ESA 2001): with E = U/L for algebraic integers U and L of degree at
/// most D, whose conjugates are at most u and l, |E| ≥ 1/(u^(D-1)·l). Roots of unity count as radicals of their order.
std::optional<double> separation_bits(const Expressions& pool, ExprId id, const Assignment& assigned);

}  // namespace assay::suites

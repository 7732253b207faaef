#pragma once
// Whether two expressions are the same number, or the same function of their symbols.

#include "suites/math/expression.h"

namespace assay::suites {

enum class Equivalence {
  equal,
  different,
  undecided,  ///< neither could be shown within the work allowed
};

/// Decides a = b. Numbers: rationals exactly; algebraic numbers exactly, by evaluating to their separation bound; with
/// π, e, logarithms and other transcendental numbers `equal` if the identity holds with those as unknowns or with
/// all angles and exponents stretched alike, `different` if the values differ. With symbols: compared at random real
/// points where `a` is real (anywhere, if it never is); `equal` if they agree at all of them to at least 400 bits.
/// Deterministic; takes at most about a second.
Equivalence decide_equal(Expressions& pool, ExprId a, ExprId b);

/// The sign of a real number without symbols: -1 or 1, and 0 for zero and for what could not be decided.
int decided_sign(Expressions& pool, ExprId a);

/// True if the expression holds a symbol.
bool has_symbols(const Expressions& pool, ExprId id);

}  // namespace assay::suites

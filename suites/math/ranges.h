#pragma once
// Sets of real numbers: what conditions on a variable and lines with gaps stand for.

#include <optional>

#include "suites/math/math_answer.h"

namespace assay::suites {

/// (-∞, ∞)
MathAnswer real_line(Expressions& pool);

/// `line` without the numbers of the set or value `points`, as a union; nothing unless `line` is the whole line and the
/// order of the points can be decided.
std::optional<MathAnswer> without_points(Expressions& pool, const MathAnswer& line, const MathAnswer& points);

/// The variable of a relation; null if it has none.
const MathAnswer* variable_of(const Expressions& pool, const MathAnswer& relation);

/// The interval or union that a < x < b, x ≤ a or x ≠ a stands for, or that a list of such conditions on one variable
/// does: "x < 1 or x > 2"; without "or" both must hold, unless nothing would be left. Nothing for anything else.
std::optional<MathAnswer> as_range(Expressions& pool, const MathAnswer& condition);

}  // namespace assay::suites

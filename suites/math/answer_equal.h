#pragma once
// Whether two mathematical answers are the same answer.

#include "suites/math/equivalence.h"
#include "suites/math/math_answer.h"

namespace assay::suites {

/// Compares the key with a reply's answer. Not symmetric where a reply may say more than the key: "x = 5" answers 5,
/// and its last right side counts. Lists and sets are compared in no order, tuples and matrices in theirs. The open
/// interval (a, b) and the point (a, b) are written the same and count as equal; a condition such as 1 < x < 2 in the
/// key is the interval, and in the reply is so where the key can be no point. Units are compared where both sides name
/// a known one. `undecided` if a side isn't understood or its values can't be decided.
Equivalence compare_answers(Expressions& pool, const MathAnswer& key, const MathAnswer& reply);

}  // namespace assay::suites

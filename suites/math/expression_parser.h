#pragma once
// From tokens to an expression.

#include <span>
#include <string>

#include "suites/math/expression.h"
#include "suites/math/math_tokens.h"

namespace assay::suites {

/// Which of the two values of "±" is meant; "∓" then has the other one.
enum class PlusMinus { upper, lower };

struct ParsedExpression {
  ExprId value = kNoExpr;       ///< kNoExpr: the tokens aren't one expression
  std::string unit;             ///< what follows as a unit, such as "cm^2"; often empty
  bool has_e_notation = false;  ///< a power of ten is written as in "3e8", which might be meant as 3·e·8
};

/// Reads all of `tokens` as one expression in the usual precedence; factors side by side are multiplied, a number
/// before a fraction of numbers is a mixed number. A percentage is divided by 100; degrees count as such inside
/// trigonometric functions and are a unit elsewhere. "3e8", "1e-5" and "1.5E+3" are powers of ten; "2e-1" is 2e - 1.
/// Takes at most 2,000 tokens and 100 levels.
ParsedExpression parse_expression(Expressions& pool, std::span<const MathToken> tokens, PlusMinus sign);

}  // namespace assay::suites

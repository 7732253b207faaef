#pragma once
// Exact arithmetic on what a reply gives as its number.

#include <optional>
#include <span>
#include <string>

#include "suites/integer/tex_tokens.h"

namespace assay::suites {

/// A rational number.
struct ExactNumber {
  std::string text;  ///< canonical: "204", "-3/7"
  bool is_integer = false;
};

/// The number that all of `tokens` are worth: decimals, + - * / ^, unary signs, parentheses, \frac; a unit such as
/// cm, cm^2 or km/h may follow. Nothing for anything else, for a division by zero, and for values of more than 32,768
/// bits, more than 2,000 tokens or nesting deeper than 100.
std::optional<ExactNumber> evaluate(std::span<const Token> tokens);

/// The number at the beginning of `tokens`, as far as an expression reaches, and behind it `n_used` tokens.
struct Prefix {
  ExactNumber value;
  std::size_t n_used = 0;
};
std::optional<Prefix> evaluate_prefix(std::span<const Token> tokens);

/// What stands behind the last "=", or everything.
std::span<const Token> right_side(std::span<const Token> tokens);

/// True if `tokens` list several things: a comma, a semicolon, "or" or "and" stands outside of brackets.
bool is_list(std::span<const Token> tokens);

}  // namespace assay::suites

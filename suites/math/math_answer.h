#pragma once
// The shape of a mathematical answer: a value, a list, a tuple, a set, an interval, a relation, a matrix or words.

#include <string>
#include <string_view>
#include <vector>

#include "suites/math/expression.h"

namespace assay::suites {

enum class AnswerKind {
  value,     ///< one expression
  list,      ///< values in no order: "1, 2", "x=1 or x=2", "±3"
  tuple,     ///< (a, b, …); with two parts it may also be meant as an open interval
  set,       ///< {a, b, …}; with no parts the empty set
  interval,  ///< two ends, with at least one square bracket or an infinite end
  join,      ///< a union of its parts
  relation,  ///< parts with a sign between each two: "x = 5", "1 < x < 2"
  matrix,    ///< its cells row by row
  text,      ///< words
  unread,    ///< none of these: nothing can be said about it but whether it is the same text
};

struct MathAnswer {
  AnswerKind kind = AnswerKind::unread;
  ExprId value = kNoExpr;                          ///< of `value`
  std::string unit;                                ///< of `value`; often empty
  ExprId other_reading = kNoExpr;                  ///< "5 m" as five metres, "0,75" as a decimal; often none
  std::string other_unit;                          ///< of `other_reading`
  bool has_e_notation = false;                     ///< of `value`: "3e8", which might be meant as 3·e·8
  std::string clock;                               ///< "6:30" of a `value` that might be a time of day
  bool is_alternative = false;                     ///< of `list`: joined by "or"
  bool is_set_builder = false;                     ///< of `relation`: it stood in {x | …}
  std::vector<MathAnswer> parts;                   ///< of everything compound
  std::vector<std::string> signs;                  ///< of `relation`: "=", "<", "<=", ">", ">=", "!=", "≈", …
  bool left_closed = false, right_closed = false;  ///< of `interval`
  std::size_t n_columns = 0;                       ///< of `matrix`
  std::string text;  ///< the whole answer in one spelling, white space folded, for a comparison as text
};

/// Reads `text` (TeX or plain, any UTF-8, as fold_forms() leaves it). Never fails: what isn't understood is `unread`.
/// At most 4,096 bytes are read as maths, 100 parts, 20 levels.
MathAnswer parse_answer(Expressions& pool, std::string_view text);

}  // namespace assay::suites

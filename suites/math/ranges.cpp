#include "suites/math/ranges.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "suites/math/equivalence.h"

namespace assay::suites {

namespace {

bool is_lone_symbol(const Expressions& pool, const MathAnswer& answer) {
  return answer.kind == AnswerKind::value && pool.node(answer.value).op == ExprOp::symbol;
}

bool is_infinite_end(const Expressions& pool, const MathAnswer& end) {
  const auto is_infinity = [&](ExprId id) {
    return pool.node(id).op == ExprOp::symbol && pool.node(id).name == "\\infty";
  };
  if (end.kind != AnswerKind::value) return false;
  const ExprNode& node = pool.node(end.value);
  return is_infinity(end.value) ||
         (node.op == ExprOp::multiply && std::any_of(node.args.begin(), node.args.end(), is_infinity));
}

MathAnswer value_answer(ExprId id) {
  MathAnswer answer;
  answer.kind = AnswerKind::value;
  answer.value = id;
  return answer;
}

MathAnswer open_interval(MathAnswer left, MathAnswer right) {
  MathAnswer answer;
  answer.kind = AnswerKind::interval;
  answer.parts = {std::move(left), std::move(right)};
  return answer;
}

MathAnswer union_of(std::vector<MathAnswer> parts) {
  MathAnswer answer;
  answer.kind = AnswerKind::join;
  answer.parts = std::move(parts);
  return answer;
}

std::optional<MathAnswer> range_of_relation(Expressions& pool, const MathAnswer& relation) {
  const MathAnswer* variable = variable_of(pool, relation);
  if (variable == nullptr || relation.parts.size() > 3) return std::nullopt;
  const std::size_t place = static_cast<std::size_t>(variable - relation.parts.data());
  if (relation.parts.size() == 3 && place != 1) return std::nullopt;
  MathAnswer range = real_line(pool);
  if (relation.signs.size() == 1 && relation.signs[0] == "!=") {
    return without_points(pool, range, relation.parts[1 - place]);
  }
  for (std::size_t i = 0; i < relation.signs.size(); ++i) {
    const std::string& sign = relation.signs[i];
    if (sign[0] != '<' && sign[0] != '>') return std::nullopt;
    const bool is_behind = i < place;  // the bound stands before the variable
    const bool is_lower = (sign[0] == '<') == is_behind;
    range.parts[is_lower ? 0 : 1] = relation.parts[is_behind ? i : i + 1];
    (is_lower ? range.left_closed : range.right_closed) = sign.size() == 2;
  }
  return range;
}

/// What two half-lines have in common; both of them if they have nothing in common.
std::optional<MathAnswer> common(Expressions& pool, MathAnswer a, MathAnswer b) {
  if (a.kind != AnswerKind::interval || b.kind != AnswerKind::interval) return std::nullopt;
  if (is_infinite_end(pool, a.parts[0])) std::swap(a, b);  // a is bounded below, b above
  const bool are_half_lines = !is_infinite_end(pool, a.parts[0]) && is_infinite_end(pool, a.parts[1]) &&
                              is_infinite_end(pool, b.parts[0]) && !is_infinite_end(pool, b.parts[1]);
  if (!are_half_lines || a.parts[0].kind != AnswerKind::value || b.parts[1].kind != AnswerKind::value)
    return std::nullopt;
  const int order = decided_sign(pool, pool.subtract(b.parts[1].value, a.parts[0].value));
  if (order == 0) return std::nullopt;
  if (order < 0) return union_of({a, b});
  MathAnswer both = open_interval(a.parts[0], b.parts[1]);
  both.left_closed = a.left_closed;
  both.right_closed = b.right_closed;
  return both;
}

}  // namespace

MathAnswer real_line(Expressions& pool) {
  const ExprId infinity = pool.symbol("\\infty");
  return open_interval(value_answer(pool.negate(infinity)), value_answer(infinity));
}

std::optional<MathAnswer> without_points(Expressions& pool, const MathAnswer& line, const MathAnswer& points) {
  const bool is_line =
      line.kind == AnswerKind::interval && is_infinite_end(pool, line.parts[0]) && is_infinite_end(pool, line.parts[1]);
  if (!is_line) return std::nullopt;
  std::vector<MathAnswer> gaps{points};
  if (points.kind == AnswerKind::set || points.kind == AnswerKind::list) gaps = points.parts;
  for (const MathAnswer& gap : gaps) {
    const bool is_number = gap.kind == AnswerKind::value && (gaps.size() == 1 || !has_symbols(pool, gap.value));
    if (!is_number) return std::nullopt;
  }
  for (std::size_t i = 1; i < gaps.size(); ++i) {  // insertion; there are few
    for (std::size_t j = i; j > 0; --j) {
      const int order = decided_sign(pool, pool.subtract(gaps[j].value, gaps[j - 1].value));
      if (order == 0) return std::nullopt;
      if (order > 0) break;
      std::swap(gaps[j], gaps[j - 1]);
    }
  }
  std::vector<MathAnswer> pieces;
  MathAnswer left = line.parts[0];
  for (const MathAnswer& gap : gaps) {
    pieces.push_back(open_interval(left, gap));
    left = gap;
  }
  pieces.push_back(open_interval(left, line.parts[1]));
  return pieces.size() == 1 ? pieces[0] : union_of(std::move(pieces));
}

const MathAnswer* variable_of(const Expressions& pool, const MathAnswer& relation) {
  for (const MathAnswer& part : relation.parts) {
    if (is_lone_symbol(pool, part) && !is_infinite_end(pool, part)) return &part;
  }
  return nullptr;
}

std::optional<MathAnswer> as_range(Expressions& pool, const MathAnswer& condition) {
  if (condition.kind == AnswerKind::relation) return range_of_relation(pool, condition);
  if (condition.kind != AnswerKind::list) return std::nullopt;
  std::vector<MathAnswer> ranges;
  MathAnswer gaps;
  gaps.kind = AnswerKind::set;
  const MathAnswer* variable = nullptr;
  for (const MathAnswer& part : condition.parts) {
    const MathAnswer* own = part.kind == AnswerKind::relation ? variable_of(pool, part) : nullptr;
    if (own == nullptr || (variable != nullptr && variable->value != own->value)) return std::nullopt;
    variable = own;
    auto range = range_of_relation(pool, part);
    if (!range) return std::nullopt;
    if (part.signs[0] == "!=") gaps.parts.push_back(part.parts[own == part.parts.data() ? 1 : 0]);
    ranges.push_back(std::move(*range));
  }
  if (condition.is_alternative) return union_of(std::move(ranges));
  if (gaps.parts.size() == ranges.size()) return without_points(pool, real_line(pool), gaps);
  return ranges.size() == 2 ? common(pool, ranges[0], ranges[1]) : std::nullopt;
}

}  // namespace assay::suites

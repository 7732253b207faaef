#include "suites/math/equivalence.h"

#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string_view>
#include <vector>

#include "suites/math/evaluate.h"

namespace assay::suites {

namespace {

constexpr std::int64_t kMaxWork = 400'000'000;  // about a second
constexpr long kMaxPrecisionBits = 20'000;
constexpr int kPoints = 6;      // that must agree
constexpr int kMaxPoints = 60;  // tried, since some lie where a side isn't defined

/// The nodes below `id` that pick() names.
template <class Pick>
std::vector<ExprId> nodes_below(const Expressions& pool, ExprId id, Pick pick) {
  std::vector<bool> needed(static_cast<std::size_t>(id) + 1);
  needed.back() = true;
  std::vector<ExprId> found;
  for (ExprId at = id; at >= 0; --at) {
    if (!needed[static_cast<std::size_t>(at)]) continue;
    for (const ExprId arg : pool.node(at).args) needed[static_cast<std::size_t>(arg)] = true;
    if (pick(pool.node(at))) found.push_back(at);
  }
  return found;
}

/// Numbers that aren't algebraic as far as their form shows: π, e, functions, powers with such exponents.
std::vector<ExprId> transcendental_nodes(const Expressions& pool, ExprId id) {
  return nodes_below(pool, id, [&](const ExprNode& node) {
    if (node.op == ExprOp::power) return pool.number_of(node.args[1]) == nullptr;
    return node.op == ExprOp::pi || node.op == ExprOp::euler || node.op == ExprOp::function;
  });
}

bool is_unknown_function(const ExprNode& node) {
  static const std::set<std::string_view> known{"sin", "cos", "ln", "atan", "asin", "abs", "floor", "ceil"};
  return node.op == ExprOp::function && known.count(node.name) == 0;
}

/// Symbols, and functions of which nothing is known.
std::vector<ExprId> symbols(const Expressions& pool, ExprId id) {
  return nodes_below(pool, id,
                     [](const ExprNode& node) { return node.op == ExprOp::symbol || is_unknown_function(node); });
}

/// True if a difference at a point shows nothing: two unknown functions may still be the same. Numerals in another base
/// are what they are written as.
bool has_unknown_functions(const Expressions& pool, ExprId id) {
  return !nodes_below(pool, id, [](const ExprNode& node) {
            return is_unknown_function(node) && node.name != "base";
          }).empty();
}

/// Small random rationals; the same ones in every run.
class Points {
 public:
  Assignment next(const std::vector<ExprId>& unknowns, bool positive) {
    Assignment point;
    for (const ExprId unknown : unknowns) {
      mpq_class value(static_cast<long>(1024 + random_() % 15'360), 2048);  // [0.5, 8)
      value.canonicalize();
      if (!positive && random_() % 2 == 0) value = -value;
      point[unknown] = value;
    }
    return point;
  }

 private:
  std::mt19937 random_{20'250'206};
};

/// Whether a number without unassigned symbols is zero.
std::optional<bool> is_zero(const Expressions& pool, ExprId id, const Assignment& assigned, std::int64_t& work) {
  if (const mpq_class* value = pool.number_of(id)) return *value == 0;
  const auto bound = separation_bits(pool, id, assigned);
  for (long precision = 192; precision <= kMaxPrecisionBits; precision *= 3) {
    BallArithmetic arithmetic(precision, work);
    const auto value = evaluate(pool, id, assigned, arithmetic);
    if (work <= 0) return std::nullopt;
    if (!value) continue;
    if (excludes_zero(*value)) return false;
    if (bound && *bound < kMaxPrecisionBits && is_below(*value, static_cast<long>(*bound), precision)) return true;
    if (!bound && precision > 1000) return std::nullopt;
  }
  return std::nullopt;
}

Equivalence compare_numbers(Expressions& pool, ExprId difference, std::int64_t& work) {
  if (const auto zero = is_zero(pool, difference, {}, work)) return *zero ? Equivalence::equal : Equivalence::different;
  const std::vector<ExprId> unknowns = transcendental_nodes(pool, difference);
  if (unknowns.empty()) return Equivalence::undecided;
  Points points;
  int n_agreeing = 0;
  for (int i = 0; i < kMaxPoints && n_agreeing < kPoints; ++i) {
    const auto zero = is_zero(pool, difference, points.next(unknowns, true), work);
    if (work <= 0 || (zero && !*zero)) return Equivalence::undecided;
    n_agreeing += zero ? 1 : 0;
  }
  return n_agreeing == kPoints ? Equivalence::equal : Equivalence::undecided;
}

/// What a point shows of two functions.
enum class AtPoint {
  agrees,
  differs,
  unknown,         ///< the precision doesn't tell
  not_real,        ///< the first function isn't real there
  undefined,       ///< a side has no value there
  first_is_alone,  ///< the first function has a value there, the second has none
};

/// Functions to compare: the first, the second and their difference.
struct FunctionPair {
  ExprId a, b, difference;
};

AtPoint look_at_point(const Expressions& pool, const FunctionPair& functions, const Assignment& point, bool real_only,
                      long precision, std::int64_t& work) {
  const long agreement = precision * 2 / 5;  // bits; the rest is for what the evaluation loses
  BallArithmetic arithmetic(precision, work);
  const auto reference = evaluate(pool, functions.a, point, arithmetic);
  if (reference && real_only && !reference->is_real() && !is_below({reference->im, {0, 0}}, agreement, precision)) {
    return AtPoint::not_real;
  }
  const auto value = evaluate(pool, functions.difference, point, arithmetic);
  if (!value) {
    return reference && !evaluate(pool, functions.b, point, arithmetic) ? AtPoint::first_is_alone : AtPoint::undefined;
  }
  if (excludes_zero(*value)) return AtPoint::differs;
  return is_below(*value, agreement, precision) ? AtPoint::agrees : AtPoint::unknown;
}

/// Compares at points; `real_only` leaves out those where the first function isn't real. A glance at each point settles
/// most of those where the functions differ; that they agree takes a long look.
Equivalence compare_functions(const Expressions& pool, const FunctionPair& functions, bool real_only,
                              std::int64_t& work) {
  static constexpr long kGlanceBits = 192, kLookBits = 1024;
  const std::vector<ExprId> unknowns = symbols(pool, functions.difference);
  Points points;
  int n_agreeing = 0, n_one_sided = 0;
  for (int i = 0; i < kMaxPoints && n_agreeing < kPoints; ++i) {
    const Assignment point = points.next(unknowns, i % 2 == 1);
    AtPoint seen = look_at_point(pool, functions, point, real_only, kGlanceBits, work);
    if (seen != AtPoint::differs && seen != AtPoint::not_real) {
      seen = look_at_point(pool, functions, point, real_only, kLookBits, work);
    }
    if (work <= 0) return Equivalence::undecided;
    if (seen == AtPoint::differs) {
      return has_unknown_functions(pool, functions.difference) ? Equivalence::undecided : Equivalence::different;
    }
    n_agreeing += seen == AtPoint::agrees ? 1 : 0;
    n_one_sided += seen == AtPoint::first_is_alone ? 1 : 0;
  }
  if (n_agreeing == kPoints && n_one_sided <= kPoints) return Equivalence::equal;
  return Equivalence::undecided;
}

/// Decides that a number is zero if it is so with the arguments of all sines, cosines and powers of e stretched by any
/// factor: cos 3 = 4 cos³ 1 - 3 cos 1 by an identity and no accident.
Equivalence compare_stretched(Expressions& pool, ExprId difference, std::int64_t& work) {
  const ExprId stretched = pool.stretched(difference, pool.symbol("stretched by"));
  if (stretched == kNoExpr || !has_symbols(pool, stretched)) return Equivalence::undecided;
  const ExprId zero = pool.number(0);
  const bool holds = compare_functions(pool, {zero, stretched, stretched}, false, work) == Equivalence::equal;
  return holds ? Equivalence::equal : Equivalence::undecided;
}

}  // namespace

Equivalence decide_equal(Expressions& pool, ExprId a, ExprId b) {
  if (a == kNoExpr || b == kNoExpr) return Equivalence::undecided;
  if (a == b) return Equivalence::equal;
  const ExprId difference = pool.subtract(a, b);
  if (difference == kNoExpr) return Equivalence::undecided;
  std::int64_t work = kMaxWork;
  if (!has_symbols(pool, difference)) {
    const Equivalence decided = compare_numbers(pool, difference, work);
    return decided != Equivalence::undecided || work <= 0 ? decided : compare_stretched(pool, difference, work);
  }
  const Equivalence decided = compare_functions(pool, {a, b, difference}, true, work);
  if (decided != Equivalence::undecided || work <= 0 || has_unknown_functions(pool, difference)) return decided;
  return compare_functions(pool, {a, b, difference}, false, work);
}

int decided_sign(Expressions& pool, ExprId a) {
  if (a == kNoExpr) return 0;
  if (const mpq_class* value = pool.number_of(a)) return sgn(*value);
  std::int64_t work = kMaxWork;
  for (const long precision : {192L, 1024L}) {
    BallArithmetic arithmetic(precision, work);
    const auto value = evaluate(pool, a, {}, arithmetic);
    if (value && value->is_real() && excludes_zero(*value)) return value->re.middle > 0 ? 1 : -1;
  }
  return 0;
}

bool has_symbols(const Expressions& pool, ExprId id) { return id != kNoExpr && !symbols(pool, id).empty(); }

}  // namespace assay::suites

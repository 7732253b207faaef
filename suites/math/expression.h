#pragma once
// Expressions: what a mathematical answer is made of, as a pool of shared nodes. Building one simplifies what is exact:
// numbers are folded, radicals of rationals and special values of functions brought into one form.

#include <gmpxx.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace assay::suites {

enum class ExprOp {
  number,    ///< a rational
  symbol,    ///< a letter with whatever adorns it: "x", "C_1", "x'"
  pi,        ///< π
  euler,     ///< e
  i,         ///< the imaginary unit
  add,       ///< two arguments
  multiply,  ///< two arguments
  power,     ///< base, exponent
  cos_pi,    ///< cos(number·π) where no radicals give it
  function,  ///< `name` of the arguments: known to evaluation ("sin") or not ("f")
};

/// A node's place in its pool.
using ExprId = int;
constexpr ExprId kNoExpr = -1;  ///< no such value, or too large; an operation on it gives it again

struct ExprNode {
  ExprOp op;
  mpq_class number;          ///< of `number` and `cos_pi`
  std::string name;          ///< of `symbol` and `function`
  std::vector<ExprId> args;  ///< all smaller than the node's own place
};

/// A pool of nodes, each there once: equal structure means equal id. At most 4,000 nodes, numbers of at most 131,072
/// bits; what would pass that is kNoExpr, as is a division by zero.
class Expressions {
 public:
  const ExprNode& node(ExprId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  /// The value if the expression is a number, else null.
  const mpq_class* number_of(ExprId id) const;

  ExprId number(mpq_class value);
  ExprId symbol(std::string name);
  ExprId pi() { return intern({ExprOp::pi, 0, "", {}}); }
  ExprId euler() { return intern({ExprOp::euler, 0, "", {}}); }
  ExprId i() { return intern({ExprOp::i, 0, "", {}}); }
  ExprId add(ExprId a, ExprId b);
  ExprId negate(ExprId a) { return multiply(number(-1), a); }
  ExprId subtract(ExprId a, ExprId b) { return add(a, negate(b)); }
  ExprId multiply(ExprId a, ExprId b);
  ExprId divide(ExprId a, ExprId b) { return multiply(a, power(b, number(-1))); }
  /// Roots of an odd index are the real ones: (-8)^(1/3) is -2.
  ExprId power(ExprId base, ExprId exponent);
  ExprId root(ExprId base, ExprId index);
  /// A function by its usual short name: sin, cos, tan, cot, sec, csc, asin, acos, atan, sinh, cosh, tanh, exp, ln,
  /// lg (base 10), abs, floor, ceil, factorial, binom. Any other name is kept as an unknown function.
  ExprId function(std::string_view name, std::vector<ExprId> args);

  /// The expression with each symbol NAME called NAME + `suffix`.
  ExprId renamed(ExprId id, std::string_view suffix);
  /// The expression with the arguments of sin and cos and the exponents of e multiplied by `factor`.
  ExprId stretched(ExprId id, ExprId factor);

 private:
  ExprId intern(ExprNode node);
  /// The expression made anew from its leaves up; `build` gets each node with its new arguments.
  ExprId rebuilt(ExprId id, const std::function<ExprId(ExprNode)>& build);
  ExprId number_power(const mpq_class& base, const mpq_class& exponent);
  ExprId euler_power(ExprId exponent);
  ExprId root_of_unity(const mpq_class& half_turns);
  ExprId cos_pi(mpq_class half_turns);
  ExprId ln(ExprId a);
  ExprId inverse_trigonometric(std::string_view name, ExprId a);
  std::vector<ExprId> factors(ExprId id) const;

  std::deque<ExprNode> nodes_;  // places of nodes stay
  std::map<std::tuple<ExprOp, std::string, std::string, std::vector<ExprId>>, ExprId> ids_;
};

}  // namespace assay::suites

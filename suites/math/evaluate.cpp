#include "suites/math/evaluate.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace assay::suites {

namespace {

double log2_of(const mpz_class& n) { return static_cast<double>(mpz_sizeinbase(n.get_mpz_t(), 2)); }

/// The nodes that `id` is made of, in order; what is assigned isn't looked into.
std::vector<ExprId> needed_nodes(const Expressions& pool, ExprId id, const Assignment& assigned) {
  std::vector<bool> needed(static_cast<std::size_t>(id) + 1);
  needed.back() = true;
  std::vector<ExprId> out;
  for (ExprId at = id; at >= 0; --at) {
    if (!needed[static_cast<std::size_t>(at)]) continue;
    out.push_back(at);
    if (assigned.count(at) != 0) continue;
    for (const ExprId arg : pool.node(at).args) needed[static_cast<std::size_t>(arg)] = true;
  }
  std::reverse(out.begin(), out.end());
  return out;
}

class Evaluation {
 public:
  Evaluation(const Expressions& pool, const Assignment& assigned, BallArithmetic& arithmetic)
      : pool_(pool), assigned_(assigned), arithmetic_(arithmetic) {}

  std::optional<ComplexBall> run(ExprId id) {
    values_.resize(static_cast<std::size_t>(id) + 1);
    for (const ExprId at : needed_nodes(pool_, id, assigned_)) {
      const auto given = assigned_.find(at);
      auto value = given != assigned_.end() ? arithmetic_.rational(given->second) : value_of(at);
      if (!value) return std::nullopt;
      values_[static_cast<std::size_t>(at)] = std::move(value);
    }
    return values_.back();
  }

 private:
  using Value = std::optional<ComplexBall>;

  const Value& arg(const ExprNode& node, std::size_t index) const {
    return values_[static_cast<std::size_t>(node.args[index])];
  }

  Value value_of(ExprId id) {
    const ExprNode& node = pool_.node(id);
    switch (node.op) {
      case ExprOp::number:
        return arithmetic_.rational(node.number);
      case ExprOp::pi:
        return arithmetic_.pi();
      case ExprOp::euler: {
        const auto one = arithmetic_.rational(1);
        return one ? arithmetic_.exp(*one) : std::nullopt;
      }
      case ExprOp::i: {
        const auto one = arithmetic_.rational(1);
        return one ? Value(ComplexBall{one->im, one->re}) : std::nullopt;
      }
      case ExprOp::add:
        return arithmetic_.add(*arg(node, 0), *arg(node, 1));
      case ExprOp::multiply:
        return arithmetic_.multiply(*arg(node, 0), *arg(node, 1));
      case ExprOp::power:
        return power(node);
      case ExprOp::cos_pi: {
        const auto pi = arithmetic_.pi();
        const auto turns = arithmetic_.rational(node.number);
        const auto angle = pi && turns ? arithmetic_.multiply(*pi, *turns) : std::nullopt;
        return angle ? arithmetic_.cos(*angle) : std::nullopt;
      }
      case ExprOp::function:
        return node.args.size() == 1 ? function(node.name, *arg(node, 0)) : std::nullopt;
      case ExprOp::symbol:
        break;
    }
    return std::nullopt;
  }

  /// The exponent's rational value, where it has one.
  std::optional<mpq_class> rational_exponent(ExprId id) const {
    const auto given = assigned_.find(id);
    if (given != assigned_.end()) return given->second;
    const mpq_class* value = pool_.number_of(id);
    return value != nullptr ? std::optional(*value) : std::nullopt;
  }

  Value power(const ExprNode& node) {
    const Value base = arg(node, 0);
    const auto exponent = rational_exponent(node.args[1]);
    const mpz_class size = exponent ? mpz_class(::abs(exponent->get_num())) : mpz_class(0);
    if (exponent && exponent->get_den() <= 1000 && size <= 100'000) {
      const unsigned long index = exponent->get_den().get_ui();
      const bool is_principal = index % 2 == 1 || !base->is_real() || base->re.middle >= 0;
      if (is_principal) {
        Value value = index == 1 ? base : arithmetic_.root(*base, index);
        if (value) value = arithmetic_.integer_power(*value, size.get_ui());
        return value && *exponent < 0 ? arithmetic_.invert(*value) : value;
      }
    }
    const bool is_euler = pool_.node(node.args[0]).op == ExprOp::euler && assigned_.count(node.args[0]) == 0;
    if (is_euler) return arithmetic_.exp(*arg(node, 1));
    const Value logarithm = arithmetic_.ln(*base);
    const Value scaled = logarithm ? arithmetic_.multiply(*logarithm, *arg(node, 1)) : std::nullopt;
    return scaled ? arithmetic_.exp(*scaled) : std::nullopt;
  }

  Value function(const std::string& name, const ComplexBall& x) {
    if (name == "sin") return arithmetic_.sin(x);
    if (name == "cos") return arithmetic_.cos(x);
    if (name == "ln") return arithmetic_.ln(x);
    if (name == "atan") return arithmetic_.atan(x);
    if (name == "asin") return arcsine(x);
    if (name == "abs") return arithmetic_.abs(x);
    if (name == "floor") return arithmetic_.floor(x);
    if (name == "ceil") {
      const Value below = arithmetic_.floor(negated(x));
      return below ? Value(negated(*below)) : std::nullopt;
    }
    return std::nullopt;
  }

  static ComplexBall negated(const ComplexBall& x) {
    return {{mpz_class(-x.re.middle), x.re.radius}, {mpz_class(-x.im.middle), x.im.radius}};
  }

  /// asin x = atan(x/√(1 - x²)) for real |x| < 1.
  Value arcsine(const ComplexBall& x) {
    if (!x.is_real()) return std::nullopt;
    const Value one = arithmetic_.rational(1);
    const Value square = arithmetic_.multiply(x, x);
    const Value rest = one && square ? arithmetic_.add(*one, negated(*square)) : std::nullopt;
    if (!rest || rest->re.middle < 0) return std::nullopt;
    const Value cosine = arithmetic_.root(*rest, 2);
    const Value inverse = cosine ? arithmetic_.invert(*cosine) : std::nullopt;
    const Value slope = inverse ? arithmetic_.multiply(x, *inverse) : std::nullopt;
    return slope ? arithmetic_.atan(*slope) : std::nullopt;
  }

  const Expressions& pool_;
  const Assignment& assigned_;
  BallArithmetic& arithmetic_;
  std::vector<Value> values_;
};

/// Bounds on the conjugates of U and L in E = U/L, as binary logarithms.
struct Conjugates {
  double u = 0, l = 0;
};

/// The degree of the field that roots of whole numbers generate: a root of n is a product of roots of its prime
/// factors, so those of one prime need but one root, of the least common index.
class RootsOfNumbers {
 public:
  void add(mpz_class n, const mpz_class& index) {
    static constexpr unsigned long kMaxTrialPrime = 1000;
    for (unsigned long prime = 2; prime < kMaxTrialPrime && n > 1; ++prime) {
      if (mpz_divisible_ui_p(n.get_mpz_t(), prime) == 0) continue;
      add_factor(prime, index);
      while (mpz_divisible_ui_p(n.get_mpz_t(), prime) != 0) n /= prime;
    }
    if (n > 1) add_factor(n, index);
  }

  double degree() const {
    double product = 1;
    for (const auto& [factor, index] : index_of_) product *= index.get_d();
    return product;
  }

 private:
  void add_factor(const mpz_class& factor, const mpz_class& index) {
    mpz_class& common = index_of_.try_emplace(factor, 1).first->second;
    mpz_lcm(common.get_mpz_t(), mpz_class(common).get_mpz_t(), index.get_mpz_t());
  }

  std::map<mpz_class, mpz_class> index_of_;
};

Conjugates rational_conjugates(const mpq_class& value) { return {log2_of(value.get_num()), log2_of(value.get_den())}; }

}  // namespace

std::optional<ComplexBall> evaluate(const Expressions& pool, ExprId id, const Assignment& assigned,
                                    BallArithmetic& arithmetic) {
  return Evaluation(pool, assigned, arithmetic).run(id);
}

std::optional<double> separation_bits(const Expressions& pool, ExprId id, const Assignment& assigned) {
  std::vector<Conjugates> bounds(static_cast<std::size_t>(id) + 1);
  double degree = 1;
  RootsOfNumbers roots;
  mpz_class order = 1;  // all roots of unity are powers of one of this order
  const auto add_order = [&](const mpz_class& n) {
    mpz_class common;
    mpz_lcm(common.get_mpz_t(), order.get_mpz_t(), n.get_mpz_t());
    order = common;
  };
  for (const ExprId at : needed_nodes(pool, id, assigned)) {
    Conjugates& bound = bounds[static_cast<std::size_t>(at)];
    const ExprNode& node = pool.node(at);
    const auto arg = [&](std::size_t i) { return bounds[static_cast<std::size_t>(node.args[i])]; };
    if (const auto given = assigned.find(at); given != assigned.end()) {
      bound = rational_conjugates(given->second);
    } else if (node.op == ExprOp::number) {
      bound = rational_conjugates(node.number);
    } else if (node.op == ExprOp::i) {
      add_order(4);
    } else if (node.op == ExprOp::cos_pi) {  // (ζ + 1/ζ)/2
      add_order(2 * node.number.get_den());
      bound = {1, 1};
    } else if (node.op == ExprOp::add) {
      bound = {std::max(arg(0).u + arg(1).l, arg(0).l + arg(1).u) + 1, arg(0).l + arg(1).l};
    } else if (node.op == ExprOp::multiply) {
      bound = {arg(0).u + arg(1).u, arg(0).l + arg(1).l};
    } else if (node.op == ExprOp::power) {
      const auto given_exponent = assigned.find(node.args[1]);
      const mpq_class* exponent =
          given_exponent != assigned.end() ? &given_exponent->second : pool.number_of(node.args[1]);
      if (exponent == nullptr) return std::nullopt;
      Conjugates base = arg(0);
      if (*exponent < 0) std::swap(base.u, base.l);
      const double index = exponent->get_den().get_d();
      if (index > 1) {  // ᵏ√(U/L) = ᵏ√(U·L^(k-1))/L or U/ᵏ√(U^(k-1)·L)
        const mpq_class* number = assigned.count(node.args[0]) == 0 ? pool.number_of(node.args[0]) : nullptr;
        if (number != nullptr && *number > 0 && number->get_den() == 1) {
          roots.add(number->get_num(), exponent->get_den());
        } else {
          degree *= index;
        }
        base = base.u >= base.l ? Conjugates{(base.u + (index - 1) * base.l) / index, base.l}
                                : Conjugates{base.u, ((index - 1) * base.u + base.l) / index};
      }
      const double size = mpz_class(::abs(exponent->get_num())).get_d();
      bound = {base.u * size, base.l * size};
    } else {
      return std::nullopt;
    }
  }
  degree *= order.get_d() * roots.degree();
  const Conjugates& whole = bounds.back();
  const double bits = (degree - 1) * whole.u + whole.l;
  return std::isfinite(bits) ? std::optional(bits + 1) : std::nullopt;
}

}  // namespace assay::suites

#include "suites/math/expression.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace assay::suites {

namespace {

constexpr std::size_t kMaxNodes = 4000;
constexpr std::size_t kMaxBits = 131'072;
constexpr unsigned long kMaxTrialPrime = 1000;

std::size_t n_bits(const mpz_class& n) { return mpz_sizeinbase(n.get_mpz_t(), 2); }
std::size_t n_bits(const mpq_class& q) { return n_bits(q.get_num()) + n_bits(q.get_den()); }

mpz_class integer_power(const mpz_class& base, unsigned long exponent) {
  mpz_class out;
  mpz_pow_ui(out.get_mpz_t(), base.get_mpz_t(), exponent);
  return out;
}

mpq_class quotient(const mpz_class& numerator, const mpz_class& denominator) {
  mpq_class out(numerator, denominator);
  out.canonicalize();
  return out;
}

/// base^exponent, or nothing if that is undefined or too large.
std::optional<mpq_class> rational_power(const mpq_class& base, const mpz_class& exponent) {
  if (base == 0 && exponent <= 0) return exponent == 0 ? std::optional(mpq_class(1)) : std::nullopt;
  if (base == 1 || base == 0) return base;
  if (base == -1) return mpq_class(mpz_even_p(exponent.get_mpz_t()) ? 1 : -1);
  if (::abs(exponent) > kMaxBits) return std::nullopt;
  const unsigned long size = mpz_class(::abs(exponent)).get_ui();
  if (n_bits(base) * size > kMaxBits) return std::nullopt;
  const mpz_class numerator = integer_power(base.get_num(), size), denominator = integer_power(base.get_den(), size);
  return exponent < 0 ? quotient(denominator, numerator) : quotient(numerator, denominator);
}

/// n = outside^index · inside, with the powers of small primes and perfect powers taken out. n > 0.
std::pair<mpz_class, mpz_class> take_root(mpz_class n, unsigned long index) {
  mpz_class outside = 1, inside = 1, root;
  for (unsigned long prime = 2; prime < kMaxTrialPrime && n > 1; ++prime) {
    unsigned long count = 0;
    while (mpz_divisible_ui_p(n.get_mpz_t(), prime) != 0) {
      n /= prime;
      ++count;
    }
    outside *= integer_power(prime, count / index);
    inside *= integer_power(prime, count % index);
  }
  if (mpz_root(root.get_mpz_t(), n.get_mpz_t(), index) != 0) return {outside * root, inside};
  return {outside, inside * n};
}

}  // namespace

const mpq_class* Expressions::number_of(ExprId id) const {
  if (id == kNoExpr || node(id).op != ExprOp::number) return nullptr;
  return &node(id).number;
}

ExprId Expressions::intern(ExprNode node) {
  for (const ExprId arg : node.args) {
    if (arg == kNoExpr) return kNoExpr;
  }
  auto key = std::make_tuple(node.op, node.number.get_str(62), node.name, node.args);
  const auto known = ids_.find(key);
  if (known != ids_.end()) return known->second;
  if (nodes_.size() >= kMaxNodes || n_bits(node.number) > kMaxBits) return kNoExpr;
  const ExprId id = static_cast<ExprId>(nodes_.size());
  nodes_.push_back(std::move(node));
  ids_.emplace(std::move(key), id);
  return id;
}

ExprId Expressions::number(mpq_class value) { return intern({ExprOp::number, std::move(value), "", {}}); }

ExprId Expressions::symbol(std::string name) { return intern({ExprOp::symbol, 0, std::move(name), {}}); }

ExprId Expressions::add(ExprId a, ExprId b) {
  if (a == kNoExpr || b == kNoExpr) return kNoExpr;
  const mpq_class *x = number_of(a), *y = number_of(b);
  if (x != nullptr && y != nullptr) return number(*x + *y);
  if (x != nullptr && *x == 0) return b;
  if (y != nullptr && *y == 0) return a;
  return intern({ExprOp::add, 0, "", {std::min(a, b), std::max(a, b)}});
}

ExprId Expressions::multiply(ExprId a, ExprId b) {
  if (a == kNoExpr || b == kNoExpr) return kNoExpr;
  const mpq_class *x = number_of(a), *y = number_of(b);
  if (x != nullptr && y != nullptr) return number(*x * *y);
  if (y != nullptr) {
    std::swap(a, b);
    std::swap(x, y);
  }
  if (x != nullptr && (*x == 0 || *x == 1)) return *x == 0 ? a : b;
  if (node(a).op == ExprOp::i && a == b) return number(-1);
  if (x != nullptr && node(b).op == ExprOp::multiply) {  // numbers are gathered in front
    const ExprId first = node(b).args[0], second = node(b).args[1];
    if (const mpq_class* z = number_of(first)) return multiply(number(*x * *z), second);
    if (const mpq_class* z = number_of(second)) return multiply(number(*x * *z), first);
  }
  return intern({ExprOp::multiply, 0, "", {std::min(a, b), std::max(a, b)}});
}

std::vector<ExprId> Expressions::factors(ExprId id) const {
  std::vector<ExprId> open{id}, found;
  while (!open.empty()) {
    const ExprId next = open.back();
    open.pop_back();
    if (node(next).op == ExprOp::multiply) {
      open.insert(open.end(), node(next).args.begin(), node(next).args.end());
    } else {
      found.push_back(next);
    }
  }
  return found;
}

ExprId Expressions::power(ExprId base, ExprId exponent) {
  if (base == kNoExpr || exponent == kNoExpr) return kNoExpr;
  const mpq_class *x = number_of(base), *n = number_of(exponent);
  if (n != nullptr && *n == 1) return base;
  if (n != nullptr && *n == 0) return number(1);
  if (x != nullptr && n != nullptr) return number_power(mpq_class(*x), mpq_class(*n));
  if (x != nullptr && *x == 1) return base;
  if (node(base).op == ExprOp::euler) return euler_power(exponent);
  const bool is_integer = n != nullptr && n->get_den() == 1;
  if (is_integer && node(base).op == ExprOp::i) {
    const unsigned long rest = mpz_fdiv_ui(n->get_num().get_mpz_t(), 4);
    return rest % 2 == 0 ? number(rest == 0 ? 1 : -1) : multiply(number(rest == 1 ? 1 : -1), i());
  }
  if (is_integer && node(base).op == ExprOp::power) {
    const ExprId inner = node(base).args[0];
    return power(inner, multiply(node(base).args[1], exponent));
  }
  return intern({ExprOp::power, 0, "", {base, exponent}});
}

ExprId Expressions::number_power(const mpq_class& base, const mpq_class& exponent) {
  if (exponent.get_den() == 1) {
    const auto value = rational_power(base, exponent.get_num());
    return value ? number(*value) : kNoExpr;
  }
  if (base == 0) return exponent > 0 ? number(0) : kNoExpr;
  if (base < 0 && mpz_odd_p(exponent.get_den().get_mpz_t())) {  // the real root
    const ExprId size = number_power(-base, exponent);
    return mpz_odd_p(exponent.get_num().get_mpz_t()) ? negate(size) : size;
  }
  if (base < 0) return multiply(number_power(-base, exponent), root_of_unity(exponent));
  if (!exponent.get_den().fits_ulong_p() || exponent.get_den() > 1000) {
    return intern({ExprOp::power, 0, "", {number(base), number(exponent)}});
  }
  // (n/d)^(w + r/q) = (n/d)^w · ⁿ√(n^r · d^(q-r)) / d, so that equal radicals are one node
  const unsigned long q = exponent.get_den().get_ui();
  mpz_class whole, rest;
  mpz_fdiv_qr(whole.get_mpz_t(), rest.get_mpz_t(), exponent.get_num().get_mpz_t(), exponent.get_den().get_mpz_t());
  const auto outer = rational_power(base, whole);
  if (!outer || n_bits(base) * q > kMaxBits) return kNoExpr;
  const unsigned long r = rest.get_ui();
  const auto [outside, inside] = take_root(integer_power(base.get_num(), r) * integer_power(base.get_den(), q - r), q);
  const ExprId factor = number(*outer * quotient(outside, base.get_den()));
  if (inside == 1) return factor;
  return multiply(factor, intern({ExprOp::power, 0, "", {number(inside), number(mpq_class(1, q))}}));
}

ExprId Expressions::root(ExprId base, ExprId index) { return power(base, power(index, number(-1))); }

/// e^(πi·half_turns).
ExprId Expressions::root_of_unity(const mpq_class& half_turns) {
  return add(cos_pi(half_turns), multiply(i(), cos_pi(half_turns - mpq_class(1, 2))));
}

ExprId Expressions::euler_power(ExprId exponent) {
  const ExprNode& top = node(exponent);
  if (top.op == ExprOp::add) {
    const ExprId first = top.args[0], second = top.args[1];
    return multiply(euler_power(first), euler_power(second));
  }
  if (const mpq_class* n = number_of(exponent)) {
    if (*n == 0 || *n == 1) return *n == 0 ? number(1) : euler();
  }
  mpq_class coefficient = 1;
  int n_pi = 0, n_i = 0;
  ExprId logarithm = kNoExpr, others = number(1);
  bool is_plain = true;  // nothing but numbers, π and i
  for (const ExprId factor : factors(exponent)) {
    const ExprNode& part = node(factor);
    if (part.op == ExprOp::number) {
      coefficient *= part.number;
    } else if (part.op == ExprOp::pi) {
      ++n_pi;
    } else if (part.op == ExprOp::i) {
      ++n_i;
    } else {
      is_plain = false;
    }
    if (part.op == ExprOp::function && part.name == "ln" && logarithm == kNoExpr) {
      logarithm = part.args[0];
    } else {
      others = multiply(others, factor);
    }
  }
  if (is_plain && n_pi == 1 && n_i == 1) return root_of_unity(coefficient);
  if (logarithm != kNoExpr) return power(logarithm, others);
  return intern({ExprOp::power, 0, "", {euler(), exponent}});
}

/// cos(π·q) as a radical where it has a short one.
ExprId Expressions::cos_pi(mpq_class q) {
  mpz_class turns;
  mpz_fdiv_q(turns.get_mpz_t(), q.get_num().get_mpz_t(), mpz_class(2 * q.get_den()).get_mpz_t());
  q -= 2 * turns;  // [0, 2)
  if (q > 1) q = 2 - q;
  if (q > mpq_class(1, 2)) return negate(cos_pi(1 - q));
  const auto half_root = [&](int n) { return multiply(number(mpq_class(1, 2)), root(number(n), number(2))); };
  if (q == 0) return number(1);
  if (q == mpq_class(1, 2)) return number(0);
  if (q == mpq_class(1, 3)) return number(mpq_class(1, 2));
  if (q == mpq_class(1, 4)) return half_root(2);
  if (q == mpq_class(1, 6)) return half_root(3);
  if (q == mpq_class(1, 5)) return multiply(number(mpq_class(1, 2)), add(half_root(5), number(mpq_class(1, 2))));
  if (q == mpq_class(2, 5)) return multiply(number(mpq_class(1, 2)), add(half_root(5), number(mpq_class(-1, 2))));
  return intern({ExprOp::cos_pi, q, "", {}});
}

ExprId Expressions::ln(ExprId a) {
  if (node(a).op == ExprOp::euler) return number(1);
  if (node(a).op == ExprOp::power) {
    const ExprId base = node(a).args[0], exponent = node(a).args[1];
    const mpq_class *x = number_of(base), *n = number_of(exponent);
    if (n != nullptr && (node(base).op == ExprOp::euler || node(base).op == ExprOp::pi || (x != nullptr && *x > 0))) {
      return multiply(exponent, ln(base));
    }
  }
  if (node(a).op == ExprOp::multiply) {  // ln(r·√s) of positive numbers
    ExprId sum = number(0);
    for (const ExprId factor : factors(a)) {
      const ExprNode& part = node(factor);
      const ExprId base = part.op == ExprOp::power ? part.args[0] : factor;
      const bool is_constant = node(base).op == ExprOp::euler || node(base).op == ExprOp::pi;
      const mpq_class* x = number_of(base);
      const bool has_number_exponent = part.op != ExprOp::power || number_of(part.args[1]) != nullptr;
      if (!has_number_exponent || (!is_constant && (x == nullptr || *x <= 0))) {
        return intern({ExprOp::function, 0, "ln", {a}});
      }
      sum = add(sum, ln(factor));
    }
    return sum;
  }
  const mpq_class* x = number_of(a);
  if (x == nullptr) return intern({ExprOp::function, 0, "ln", {a}});
  if (*x == 0) return kNoExpr;
  if (*x < 0) return add(ln(negate(a)), multiply(pi(), i()));
  ExprId sum = number(0);
  mpz_class top = x->get_num(), bottom = x->get_den();
  for (unsigned long prime = 2; prime < kMaxTrialPrime && (top > 1 || bottom > 1); ++prime) {
    long count = 0;
    for (; mpz_divisible_ui_p(top.get_mpz_t(), prime) != 0; ++count) top /= prime;
    for (; mpz_divisible_ui_p(bottom.get_mpz_t(), prime) != 0; --count) bottom /= prime;
    if (count == 0) continue;
    sum = add(sum, multiply(number(count), intern({ExprOp::function, 0, "ln", {number(prime)}})));
  }
  if (top > 1) sum = add(sum, intern({ExprOp::function, 0, "ln", {number(mpq_class(top))}}));
  if (bottom > 1) sum = subtract(sum, intern({ExprOp::function, 0, "ln", {number(mpq_class(bottom))}}));
  return sum;
}

ExprId Expressions::inverse_trigonometric(std::string_view name, ExprId a) {
  if (name == "acos") {
    return subtract(multiply(number(mpq_class(1, 2)), pi()), inverse_trigonometric("asin", a));
  }
  const ExprId root_3 = root(number(3), number(2)), zero = number(0), one = number(1);
  const ExprId half = number(mpq_class(1, 2)), third = number(mpq_class(1, 3));
  struct Known {
    ExprId value;
    int twelfths;  ///< of π
  };
  const std::vector<Known> known =
      name == "asin" ? std::vector<Known>{{zero, 0},
                                          {half, 2},
                                          {multiply(half, root(number(2), number(2))), 3},
                                          {multiply(half, root_3), 4},
                                          {one, 6}}
                     : std::vector<Known>{{zero, 0}, {multiply(third, root_3), 2}, {one, 3}, {root_3, 4}};
  for (const auto& [value, twelfths] : known) {
    const mpq_class angle = mpq_class(twelfths) / 12;
    if (value == a) return multiply(number(angle), pi());
    if (negate(value) == a) return multiply(number(-angle), pi());
  }
  return intern({ExprOp::function, 0, std::string(name), {a}});
}

ExprId Expressions::function(std::string_view name, std::vector<ExprId> args) {
  for (const ExprId arg : args) {
    if (arg == kNoExpr) return kNoExpr;
  }
  if (args.size() != 1) {
    return intern({ExprOp::function, 0, std::string(name), std::move(args)});
  }
  const ExprId a = args[0];
  const mpq_class half(1, 2);
  const auto one_over = [&](ExprId b) { return power(b, number(-1)); };
  if (name == "sin" || name == "cos") {
    mpq_class coefficient = 1;
    int n_pi = 0, n_others = 0;
    for (const ExprId factor : factors(a)) {
      const ExprNode& part = node(factor);
      if (part.op == ExprOp::number) coefficient *= part.number;
      n_pi += part.op == ExprOp::pi ? 1 : 0;
      n_others += part.op == ExprOp::number || part.op == ExprOp::pi ? 0 : 1;
    }
    if (coefficient == 0) return number(name == "cos" ? 1 : 0);
    if (n_pi == 1 && n_others == 0) return cos_pi(name == "cos" ? coefficient : mpq_class(coefficient - half));
    return intern({ExprOp::function, 0, std::string(name), {a}});
  }
  if (name == "tan") return multiply(function("sin", {a}), one_over(function("cos", {a})));
  if (name == "cot") return multiply(function("cos", {a}), one_over(function("sin", {a})));
  if (name == "sec") return one_over(function("cos", {a}));
  if (name == "csc") return one_over(function("sin", {a}));
  if (name == "asin" || name == "acos" || name == "atan") return inverse_trigonometric(name, a);
  if (name == "exp") return power(euler(), a);
  if (name == "sinh" || name == "cosh") {
    const ExprId back = power(euler(), negate(a));
    return multiply(number(half), add(power(euler(), a), name == "sinh" ? negate(back) : back));
  }
  if (name == "tanh") return multiply(function("sinh", {a}), one_over(function("cosh", {a})));
  if (name == "ln") return ln(a);
  if (name == "lg") return divide(ln(a), ln(number(10)));
  const mpq_class* x = number_of(a);
  if (x == nullptr) return intern({ExprOp::function, 0, std::string(name), {a}});
  if (name == "abs") return number(::abs(*x));
  mpz_class out;
  if (name == "floor") mpz_fdiv_q(out.get_mpz_t(), x->get_num().get_mpz_t(), x->get_den().get_mpz_t());
  if (name == "ceil") mpz_cdiv_q(out.get_mpz_t(), x->get_num().get_mpz_t(), x->get_den().get_mpz_t());
  if (name == "floor" || name == "ceil") return number(mpq_class(out));
  if (name == "factorial" && x->get_den() == 1 && *x >= 0) {
    if (*x > 3000) return kNoExpr;
    mpz_fac_ui(out.get_mpz_t(), x->get_num().get_ui());
    return number(mpq_class(out));
  }
  return intern({ExprOp::function, 0, std::string(name), {a}});
}

ExprId Expressions::rebuilt(ExprId id, const std::function<ExprId(ExprNode)>& build) {
  std::vector<ExprId> to(static_cast<std::size_t>(id) + 1, kNoExpr);
  std::vector<bool> needed(to.size());
  needed.back() = true;
  for (ExprId at = id; at >= 0; --at) {
    if (!needed[static_cast<std::size_t>(at)]) continue;
    for (const ExprId arg : node(at).args) needed[static_cast<std::size_t>(arg)] = true;
  }
  for (ExprId at = 0; at <= id; ++at) {
    if (!needed[static_cast<std::size_t>(at)]) continue;
    ExprNode copy = node(at);
    for (ExprId& arg : copy.args) {
      arg = to[static_cast<std::size_t>(arg)];
      if (arg == kNoExpr) return kNoExpr;
    }
    to[static_cast<std::size_t>(at)] = build(std::move(copy));
  }
  return to.back();
}

ExprId Expressions::renamed(ExprId id, std::string_view suffix) {
  return rebuilt(id, [&](ExprNode copy) {
    if (copy.op == ExprOp::symbol) copy.name += suffix;
    return intern(std::move(copy));
  });
}

ExprId Expressions::stretched(ExprId id, ExprId factor) {
  return rebuilt(id, [&](ExprNode copy) {
    const bool is_wave = copy.op == ExprOp::function && (copy.name == "sin" || copy.name == "cos");
    if (is_wave) return function(copy.name, {multiply(factor, copy.args[0])});
    if (copy.op == ExprOp::euler) return euler_power(factor);
    const ExprId power_of_e = power(euler(), factor);
    if (copy.op == ExprOp::power && copy.args[0] == power_of_e) return euler_power(multiply(factor, copy.args[1]));
    return intern(std::move(copy));
  });
}

}  // namespace assay::suites

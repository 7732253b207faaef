#include "suites/math/answer_equal.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "harness/base/text.h"
#include "suites/fold.h"
#include "suites/math/units.h"

namespace assay::suites {

namespace {

using enum Equivalence;

Equivalence both(Equivalence a, Equivalence b) {
  if (a == different || b == different) return different;
  return a == undecided || b == undecided ? undecided : equal;
}

/// One spelling for words: case, white space and punctuation at the ends don't count.
std::string plain_words(const std::string& text) {
  std::string words = fold_case(fold_space(text));
  static constexpr std::string_view kPunctuation = " .,;:!?()\"'*";
  while (!words.empty() && kPunctuation.find(words.back()) != std::string_view::npos) words.pop_back();
  words.erase(0, std::min(words.find_first_not_of(kPunctuation), words.size()));
  return words;
}

/// The letter of an option: "C", "(C)", and in a reply also what begins like one: "C. 12", "(C) blue".
std::optional<char> option_letter(std::string_view text, bool whole) {
  text = trim(text);
  const bool is_open = text.starts_with('(');
  if (is_open) text.remove_prefix(1);
  if (text.empty() || text[0] < 'A' || text[0] > 'Z') return std::nullopt;
  const char letter = text[0];
  text.remove_prefix(1);
  const bool is_closed = text.starts_with(')') || text.starts_with('.') || text.starts_with(':');
  if (is_closed) text.remove_prefix(1);
  if (is_open && !is_closed) return std::nullopt;
  const std::string_view rest = trim(text);
  const bool joins =
      rest.starts_with("or") || rest.starts_with("and") || rest.starts_with(',') || rest.starts_with(';');
  if (joins) return std::nullopt;
  return text.empty() || (is_closed && !whole) ? std::optional(letter) : std::nullopt;
}

bool is_equation(const MathAnswer& answer) {
  if (answer.kind != AnswerKind::relation) return false;
  for (const std::string& sign : answer.signs) {
    if (sign != "=" && sign != "≈" && sign != "->" && sign != "≡") return false;
  }
  return true;
}

bool is_symbol(const Expressions& pool, const MathAnswer& answer) {
  return answer.kind == AnswerKind::value && pool.node(answer.value).op == ExprOp::symbol;
}

/// What an equation or a chain of them ends in: the side behind the last "=", before a rounded value.
const MathAnswer& last_side(const MathAnswer& equation) {
  for (std::size_t i = equation.signs.size(); i > 0; --i) {
    if (equation.signs[i - 1] == "=") return equation.parts[i];
  }
  return equation.parts.back();
}

/// "x = …" or "(x, y) = …" with lone symbols in front.
bool is_assignment(const Expressions& pool, const MathAnswer& answer) {
  if (!is_equation(answer) || answer.parts.size() != 2) return false;
  const MathAnswer& left = answer.parts[0];
  if (left.kind != AnswerKind::tuple) return is_symbol(pool, left);
  return std::all_of(left.parts.begin(), left.parts.end(),
                     [&](const MathAnswer& part) { return is_symbol(pool, part); });
}

class Comparison {
 public:
  explicit Comparison(Expressions& pool) : pool_(pool) {}

  Equivalence compare(const MathAnswer& key, const MathAnswer& reply) {
    if (++depth_ > 50) return undecided;
    const Equivalence decided = key.text == reply.text && key.kind == reply.kind ? equal : by_kind(key, reply);
    --depth_;
    return decided;
  }

 private:
  Equivalence by_kind(const MathAnswer& key, const MathAnswer& reply) {
    if (const auto letter = option_letter(key.text, true)) {
      if (option_letter(reply.text, false) == letter) return equal;
    }
    if (key.kind != AnswerKind::relation && is_equation(reply)) return compare(key, last_side(reply));
    if (is_assignment(pool_, key) && reply.kind != AnswerKind::relation) return compare(key.parts[1], reply);
    if (key.kind == AnswerKind::relation && reply.kind == AnswerKind::relation) return relations(key, reply);
    if (key.kind == AnswerKind::relation) {
      const auto range = as_range(key);
      return range ? compare(*range, reply) : unlike(key, reply);
    }
    if (reply.kind == AnswerKind::relation) {
      const auto range = key.kind == AnswerKind::tuple ? std::nullopt : as_range(reply);
      return range ? compare(key, *range) : unlike(key, reply);
    }
    if (const auto decided = collections(key, reply)) return *decided;
    if (key.kind == AnswerKind::value && reply.kind == AnswerKind::value) return values(key, reply);
    if (key.kind == AnswerKind::text && reply.kind != AnswerKind::unread) {
      return plain_words(key.text) == plain_words(reply.text) ? equal : different;
    }
    return unlike(key, reply);
  }

  static Equivalence unlike(const MathAnswer& key, const MathAnswer& reply) {
    if (plain_words(key.text) == plain_words(reply.text)) return equal;
    const bool is_read = key.kind != AnswerKind::unread && reply.kind != AnswerKind::unread;
    return is_read ? different : undecided;
  }

  Equivalence values(const MathAnswer& key, const MathAnswer& reply) {
    const std::string_view asked = known_unit(key.unit), given = known_unit(reply.unit);
    const Equivalence decided = decide_equal(pool_, key.value, reply.value);
    return decided == equal && !asked.empty() && !given.empty() && asked != given ? different : decided;
  }

  /// Lists, sets, tuples, intervals, unions and matrices; nothing if neither side is one.
  std::optional<Equivalence> collections(const MathAnswer& key, const MathAnswer& reply) {
    using enum AnswerKind;
    const auto unordered = [](const MathAnswer& a) { return a.kind == list || a.kind == AnswerKind::set; };
    if (unordered(key) && unordered(reply)) return in_any_order(key, reply);
    if (key.kind == join && reply.kind == join) return in_any_order(key, reply);
    if (unordered(key) && key.parts.size() == 1 && reply.kind == value) return compare(key.parts[0], reply);
    if (unordered(reply) && reply.parts.size() == 1 && key.kind == value) return compare(key, reply.parts[0]);
    if (key.kind == tuple && (reply.kind == tuple || reply.kind == list)) return in_order(key, reply);
    if (key.kind == matrix && reply.kind == matrix) {
      return key.n_columns == reply.n_columns ? in_order(key, reply) : different;
    }
    const bool is_vector = key.kind == matrix && (key.n_columns == 1 || key.n_columns == key.parts.size());
    if (is_vector && reply.kind == tuple) return in_order(key, reply);
    const auto is_interval = [](const MathAnswer& a) {
      return a.kind == interval || (a.kind == tuple && a.parts.size() == 2);
    };
    if (is_interval(key) && is_interval(reply)) {
      if (key.left_closed != reply.left_closed || key.right_closed != reply.right_closed) return different;
      return in_order(key, reply);
    }
    return std::nullopt;
  }

  Equivalence in_order(const MathAnswer& key, const MathAnswer& reply) {
    if (key.parts.size() != reply.parts.size()) return different;
    Equivalence whole = equal;
    for (std::size_t i = 0; i < key.parts.size() && whole != different; ++i) {
      whole = both(whole, compare(key.parts[i], reply.parts[i]));
    }
    return whole;
  }

  /// Each part of the key with a part of the reply of its own. Equality is transitive, so the first match will do.
  Equivalence in_any_order(const MathAnswer& key, const MathAnswer& reply) {
    if (key.parts.size() != reply.parts.size()) return different;
    std::vector<bool> taken(reply.parts.size());
    Equivalence whole = equal;
    for (const MathAnswer& wanted : key.parts) {
      Equivalence best = different;
      for (std::size_t i = 0; i < taken.size() && best != equal; ++i) {
        if (taken[i]) continue;
        const Equivalence one = compare(wanted, reply.parts[i]);
        if (one == equal) taken[i] = true;
        if (one != different) best = one;
      }
      if (best == different) return different;
      whole = both(whole, best);
    }
    return whole;
  }

  // --- Relations -----------------------------------------------------------------------------------------------------

  /// left - right, as an expression; kNoExpr where a side is none.
  ExprId difference(const MathAnswer& left, const MathAnswer& right) {
    if (left.kind != AnswerKind::value || right.kind != AnswerKind::value) return kNoExpr;
    return pool_.subtract(left.value, right.value);
  }

  Equivalence relations(const MathAnswer& key, const MathAnswer& reply) {
    if (key.parts.size() == 2 && reply.parts.size() == 2) return single_relations(key, reply);
    if (is_equation(key) && is_equation(reply)) return compare(last_side(key), last_side(reply));
    const auto asked = as_range(key), given = as_range(reply);
    if (asked && given) {
      const MathAnswer *variable = variable_of(key), *other = variable_of(reply);
      return variable->value == other->value ? compare(*asked, *given) : different;
    }
    return undecided;
  }

  /// L = R or L < R: the same if the differences of the sides are constant multiples of each other.
  Equivalence single_relations(const MathAnswer& key, const MathAnswer& reply) {
    std::string asked = key.signs[0], given = reply.signs[0];
    const bool key_turned = asked[0] == '>', reply_turned = given[0] == '>';
    if (key_turned) asked[0] = '<';
    if (reply_turned) given[0] = '<';
    if (asked == "≈") asked = "=";
    if (given == "≈") given = "=";
    if (asked != given) return different;
    const ExprId f = difference(key.parts[key_turned ? 1 : 0], key.parts[key_turned ? 0 : 1]);
    const ExprId g = difference(reply.parts[reply_turned ? 1 : 0], reply.parts[reply_turned ? 0 : 1]);
    if (f == kNoExpr || g == kNoExpr) {  // words on the left: the right sides must do
      const bool same_left = plain_words(key.parts[0].text) == plain_words(reply.parts[0].text);
      return same_left ? compare(key.parts[1], reply.parts[1]) : undecided;
    }
    // f(x)·g(y) = f(y)·g(x) for all x and y
    const ExprId f_other = pool_.renamed(f, "*"), g_other = pool_.renamed(g, "*");
    const Equivalence proportional = decide_equal(pool_, pool_.multiply(f, g_other), pool_.multiply(f_other, g));
    if (proportional != equal || asked == "=" || asked == "!=") return proportional;
    const ExprId ratio = pool_.divide(f, g);
    if (ratio == f || ratio == kNoExpr) return undecided;
    return positive_everywhere(ratio);
  }

  /// The sign of a constant that may be written with symbols that cancel, so |c| = c.
  Equivalence positive_everywhere(ExprId constant) {
    return decide_equal(pool_, pool_.function("abs", {constant}), constant);
  }

  const MathAnswer* variable_of(const MathAnswer& relation) const {
    for (const MathAnswer& part : relation.parts) {
      if (is_symbol(pool_, part) && pool_.node(part.value).name != "\\infty") return &part;
    }
    return nullptr;
  }

  /// The interval that a < x < b or x ≤ a stands for; nothing for any other relation.
  std::optional<MathAnswer> as_range(const MathAnswer& relation) {
    const MathAnswer* variable = variable_of(relation);
    if (variable == nullptr || relation.parts.size() > 3) return std::nullopt;
    const std::size_t place = static_cast<std::size_t>(variable - relation.parts.data());
    if (relation.parts.size() == 3 && place != 1) return std::nullopt;
    MathAnswer range;
    range.kind = AnswerKind::interval;
    range.parts = {infinity(true), infinity(false)};
    if (relation.signs.size() == 1 && relation.signs[0] == "!=") return all_but(range, relation.parts[1 - place]);
    for (std::size_t i = 0; i < relation.signs.size(); ++i) {
      const std::string& sign = relation.signs[i];
      if (sign[0] != '<' && sign[0] != '>') return std::nullopt;
      const bool is_behind = i < place;  // the bound stands before the variable
      const bool is_lower = (sign[0] == '<') == is_behind;
      const MathAnswer& bound = relation.parts[is_behind ? i : i + 1];
      range.parts[is_lower ? 0 : 1] = bound;
      (is_lower ? range.left_closed : range.right_closed) = sign.size() == 2;
    }
    return range;
  }

  /// The line without one point.
  static MathAnswer all_but(const MathAnswer& line, const MathAnswer& point) {
    MathAnswer below = line, above = line, both_sides;
    below.parts[1] = point;
    above.parts[0] = point;
    both_sides.kind = AnswerKind::join;
    both_sides.parts = {below, above};
    return both_sides;
  }

  MathAnswer infinity(bool negative) {
    MathAnswer end;
    end.kind = AnswerKind::value;
    end.value = pool_.symbol("\\infty");
    if (negative) end.value = pool_.negate(end.value);
    return end;
  }

  Expressions& pool_;
  int depth_ = 0;
};

}  // namespace

Equivalence compare_answers(Expressions& pool, const MathAnswer& key, const MathAnswer& reply) {
  return Comparison(pool).compare(key, reply);
}

}  // namespace assay::suites

#include "suites/math/answer_equal.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "harness/base/text.h"
#include "suites/fold.h"
#include "suites/math/ranges.h"
#include "suites/math/units.h"

namespace assay::suites {

namespace {

using enum Equivalence;

Equivalence both(Equivalence a, Equivalence b) {
  if (a == different || b == different) return different;
  return a == undecided || b == undecided ? undecided : equal;
}

/// One spelling for words: case, white space, punctuation at the ends and an article in front don't count.
std::string plain_words(const std::string& text) {
  std::string words = fold_case(fold_space(text));
  static constexpr std::string_view kPunctuation = " .,;:!?()\"'*";
  while (!words.empty() && kPunctuation.find(words.back()) != std::string_view::npos) words.pop_back();
  words.erase(0, std::min(words.find_first_not_of(kPunctuation), words.size()));
  for (const std::string_view article : {"a ", "an ", "the "}) {
    if (!words.starts_with(article)) continue;
    words.erase(0, article.size());
    break;
  }
  std::erase(words, ' ');  // TeX shows none between letters and digits
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
const MathAnswer& last_side(const Expressions& pool, const MathAnswer& equation) {
  for (std::size_t i = equation.signs.size(); i > 0; --i) {
    if (equation.signs[i - 1] == "=") return equation.parts[i];
  }
  const MathAnswer& first = equation.parts.front();
  const bool is_rounded =
      equation.signs[0] == "≈" && first.kind == AnswerKind::value && !has_symbols(pool, first.value);
  return is_rounded ? first : equation.parts.back();
}

/// True for a time of day that is no ratio in lowest terms: "6:30", "5:00", but not "2:15".
bool is_time_of_day(const std::string& clock) {
  if (clock.empty()) return false;
  const std::size_t colon = clock.find(':');
  return std::gcd(std::stoi(clock.substr(0, colon)), std::stoi(clock.substr(colon + 1))) != 1;
}

/// The rows of a matrix written as "[[1, 2], [3, 4]]" or "((1, 2), (3, 4))".
std::optional<MathAnswer> matrix_of_rows(const MathAnswer& answer) {
  const auto is_row = [](const MathAnswer& row) {
    return row.kind == AnswerKind::tuple || (row.kind == AnswerKind::interval && row.left_closed && row.right_closed);
  };
  if (!is_row(answer)) return std::nullopt;
  MathAnswer matrix;
  matrix.kind = AnswerKind::matrix;
  for (const MathAnswer& row : answer.parts) {
    if (!is_row(row) || row.parts.size() != answer.parts[0].parts.size()) return std::nullopt;
    matrix.n_columns = row.parts.size();
    matrix.parts.insert(matrix.parts.end(), row.parts.begin(), row.parts.end());
  }
  return matrix;
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
    // What was made of a condition has no text of its own.
    const bool has_text = !key.text.empty() || key.kind == AnswerKind::unread;
    const bool is_same_text = has_text && key.text == reply.text && key.kind == reply.kind;
    Equivalence decided = is_same_text ? equal : by_kind(key, reply);
    if (decided != equal) decided = in_other_reading(key, reply, decided);
    --depth_;
    return decided;
  }

 private:
  /// Looks at what else a side can mean: "5 m" in a reply is five metres where the key is a number.
  Equivalence in_other_reading(const MathAnswer& key, const MathAnswer& reply, Equivalence decided) {
    const auto is_number = [&](const MathAnswer& side) {
      return side.kind == AnswerKind::value && !has_symbols(pool_, side.value);
    };
    const auto alone = [](const MathAnswer& side) {
      MathAnswer other;
      other.kind = AnswerKind::value;
      other.value = side.other_reading;
      other.unit = side.other_unit;
      return other;
    };
    if (reply.other_reading != kNoExpr && is_number(key)) {
      if (values(key, alone(reply)) == equal) return equal;
    }
    if (key.other_reading != kNoExpr && is_number(reply)) {
      const bool is_meant = !reply.unit.empty() && known_unit(key.other_unit) == known_unit(reply.unit);
      if (values(alone(key), reply) == equal) return is_meant ? equal : undecided;
    }
    return decided;
  }

  Equivalence by_kind(const MathAnswer& key, const MathAnswer& reply) {
    if (const auto letter = option_letter(key.text, true)) {
      if (option_letter(reply.text, false) == letter) return equal;
    }
    if (key.kind != AnswerKind::relation && is_equation(reply)) return compare(key, last_side(pool_, reply));
    if (is_assignment(pool_, key) && reply.kind != AnswerKind::relation) return compare(key.parts[1], reply);
    if (key.kind == AnswerKind::relation && reply.kind == AnswerKind::relation) return relations(key, reply);
    if (const auto decided = ranges(key, reply)) return *decided;
    if (key.kind == AnswerKind::relation || reply.kind == AnswerKind::relation) return unlike(key, reply);
    if (const auto decided = collections(key, reply)) return *decided;
    if (key.kind == AnswerKind::value && reply.kind == AnswerKind::value) return values(key, reply);
    if (key.kind == AnswerKind::text && reply.kind != AnswerKind::unread) {
      return plain_words(key.text) == plain_words(reply.text) ? equal : different;
    }
    return unlike(key, reply);
  }

  /// Compares a condition on a variable with the set of numbers that it stands for; nothing if neither side is one.
  std::optional<Equivalence> ranges(const MathAnswer& key, const MathAnswer& reply) {
    const bool may_be_point = key.kind == AnswerKind::tuple && !reply.is_set_builder;
    const auto asked = as_range(pool_, key);
    const auto given = may_be_point ? std::nullopt : as_range(pool_, reply);
    if (!asked && !given) return std::nullopt;
    if (asked && given && key.kind == AnswerKind::list && reply.kind == AnswerKind::list) {
      if (in_any_order(key, reply) == equal) return equal;
    }
    return compare(asked ? *asked : key, given ? *given : reply);
  }

  static Equivalence unlike(const MathAnswer& key, const MathAnswer& reply) {
    if (!key.text.empty() && plain_words(key.text) == plain_words(reply.text)) return equal;
    const bool is_read = key.kind != AnswerKind::unread && reply.kind != AnswerKind::unread;
    return is_read ? different : undecided;
  }

  Equivalence values(const MathAnswer& key, const MathAnswer& reply) {
    const std::string_view asked = known_unit(key.unit), given = known_unit(reply.unit);
    const bool same_clock = key.clock == reply.clock;
    const Equivalence decided =
        is_time_of_day(key.clock) && !same_clock ? different : decide_equal(pool_, key.value, reply.value);
    // A key such as 3.83e35 can be read in two ways; replies mean the power of ten.
    if (decided == equal && key.has_e_notation && !reply.has_e_notation) return undecided;
    return decided == equal && !asked.empty() && !given.empty() && asked != given ? different : decided;
  }

  /// Lists, sets, tuples, intervals, unions and matrices; nothing if neither side is one.
  std::optional<Equivalence> collections(const MathAnswer& key, const MathAnswer& reply) {
    using enum AnswerKind;
    const auto unordered = [](const MathAnswer& a) { return a.kind == list || a.kind == AnswerKind::set; };
    if (key.kind == list) {
      if (const auto decided = assignments(key, reply)) return *decided;
    }
    if (key.kind == AnswerKind::set && reply.kind == AnswerKind::set)
      return in_any_order(distinct(key), distinct(reply));
    if (unordered(key) && unordered(reply)) return in_any_order(key, reply);
    if (key.kind == join && (reply.kind == join || reply.kind == list)) return in_any_order(key, reply);
    if (unordered(key) && key.parts.size() == 1 && reply.kind == value) return compare(key.parts[0], reply);
    if (unordered(reply) && reply.parts.size() == 1 && key.kind == value) return compare(key, reply.parts[0]);
    if (key.kind == tuple && (reply.kind == tuple || reply.kind == list)) return in_order(key, reply);
    if (key.kind == matrix && reply.kind == matrix) {
      return key.n_columns == reply.n_columns ? in_order(key, reply) : different;
    }
    if (key.kind == matrix && key.n_columns != key.parts.size()) {
      if (const auto rows = matrix_of_rows(reply)) return compare(key, *rows);
    }
    if (reply.kind == matrix && reply.n_columns != reply.parts.size()) {
      if (const auto rows = matrix_of_rows(key)) return compare(*rows, reply);
    }
    const bool is_vector = key.kind == matrix && (key.n_columns == 1 || key.n_columns == key.parts.size());
    const bool is_square = reply.kind == interval && reply.left_closed && reply.right_closed;
    if (is_vector && (reply.kind == tuple || is_square)) return in_order(key, reply);
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

  /// A set without what it holds twice in the same form: 3 and 3.0, not √4 + √2 and 2 + √2.
  static MathAnswer distinct(const MathAnswer& of) {
    MathAnswer once = of;
    once.parts.clear();
    std::set<ExprId> known;
    for (const MathAnswer& part : of.parts) {
      const bool is_value = part.kind == AnswerKind::value && part.unit.empty();
      if (!is_value || known.insert(part.value).second) once.parts.push_back(part);
    }
    return once;
  }

  /// A key such as "x = 1, y = 2" and a reply (1, 2), or "x = 1 or x = 2" and "x_1 = 2, x_2 = 1". Nothing for others.
  std::optional<Equivalence> assignments(const MathAnswer& key, const MathAnswer& reply) {
    const auto given_values = values_by_symbol(reply);
    const auto asked_values = values_by_symbol(key);
    if (asked_values.empty()) return std::nullopt;
    const std::string& first = asked_values.begin()->first;
    const bool is_one_symbol = asked_values.rbegin()->first == first;
    MathAnswer asked = reply, given = reply;
    asked.parts.clear();
    for (const auto& [symbol, value] : asked_values) asked.parts.push_back(*value);
    if (reply.kind == AnswerKind::tuple && !is_one_symbol) return in_order(asked, reply);
    if (!is_one_symbol || given_values.empty()) return std::nullopt;
    given.parts.clear();
    for (const auto& [symbol, value] : given_values) {
      if (symbol != first && !symbol.starts_with(first + "_")) return std::nullopt;
      given.parts.push_back(*value);
    }
    return in_any_order(asked, given);
  }

  /// The right sides of a list of assignments in the order of their symbols; empty for anything else.
  std::multimap<std::string, const MathAnswer*> values_by_symbol(const MathAnswer& answer) const {
    std::multimap<std::string, const MathAnswer*> values;
    if (answer.kind != AnswerKind::list) return values;
    for (const MathAnswer& part : answer.parts) {
      if (!is_assignment(pool_, part) || part.parts[0].kind == AnswerKind::tuple) return {};
      values.emplace(pool_.node(part.parts[0].value).name, &part.parts[1]);
    }
    return values;
  }

  // --- Relations -----------------------------------------------------------------------------------------------------

  /// left - right, as an expression; kNoExpr where a side is none.
  ExprId difference(const MathAnswer& left, const MathAnswer& right) {
    if (left.kind != AnswerKind::value || right.kind != AnswerKind::value) return kNoExpr;
    return pool_.subtract(left.value, right.value);
  }

  Equivalence relations(const MathAnswer& key, const MathAnswer& reply) {
    if (key.signs[0] == ":" || reply.signs[0] == ":") return ratios(key, reply);
    if (key.parts.size() == 2 && reply.parts.size() == 2) return single_relations(key, reply);
    if (is_equation(key) && is_equation(reply)) return compare(last_side(pool_, key), last_side(pool_, reply));
    const auto asked = as_range(pool_, key), given = as_range(pool_, reply);
    if (asked && given) {
      const MathAnswer *variable = variable_of(pool_, key), *other = variable_of(pool_, reply);
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
    if (!has_symbols(pool_, f) && !has_symbols(pool_, g))
      return in_order(key, reply);  // 1 + 1 = 2 has nothing to solve
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

  /// a:b:c is a':b':c' if all a·b' are a'·b.
  Equivalence ratios(const MathAnswer& key, const MathAnswer& reply) {
    if (key.signs != reply.signs) return different;
    Equivalence whole = equal;
    for (std::size_t i = 1; i < key.parts.size() && whole != different; ++i) {
      const MathAnswer *a = &key.parts[i - 1], *b = &key.parts[i], *c = &reply.parts[i - 1], *d = &reply.parts[i];
      const bool are_values = a->kind == AnswerKind::value && b->kind == AnswerKind::value &&
                              c->kind == AnswerKind::value && d->kind == AnswerKind::value;
      if (!are_values) return undecided;
      const ExprId left = pool_.multiply(a->value, d->value), right = pool_.multiply(b->value, c->value);
      whole = both(whole, decide_equal(pool_, left, right));
    }
    return whole;
  }

  Expressions& pool_;
  int depth_ = 0;
};

}  // namespace

Equivalence compare_answers(Expressions& pool, const MathAnswer& key, const MathAnswer& reply) {
  return Comparison(pool).compare(key, reply);
}

}  // namespace assay::suites

#include "suites/math/math_answer.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "harness/base/text.h"
#include "suites/fold.h"
#include "suites/math/answer_tokens.h"
#include "suites/math/expression_parser.h"
#include "suites/math/math_tokens.h"
#include "suites/math/ranges.h"

namespace assay::suites {

namespace {

constexpr std::size_t kMaxBytes = 4096;
constexpr std::size_t kMaxParts = 100;
constexpr int kMaxAnswerDepth = 20;

using Kind = MathTokenKind;

bool is_infinity(const Expressions& pool, ExprId id) {
  return pool.node(id).op == ExprOp::symbol && pool.node(id).name == "\\infty";
}

/// ∞ or -∞.
bool is_infinite(const Expressions& pool, const MathAnswer& end) {
  if (end.kind != AnswerKind::value) return false;
  const ExprNode& node = pool.node(end.value);
  if (node.op != ExprOp::multiply) return is_infinity(pool, end.value);
  return is_infinity(pool, node.args[0]) || is_infinity(pool, node.args[1]);
}

class AnswerParser {
 public:
  explicit AnswerParser(Expressions& pool) : pool_(pool) {}

  MathAnswer parse(Tokens tokens) {
    tokens = without_hedge(without_punctuation(tokens));
    if (++depth_ > kMaxAnswerDepth) return unread(tokens);
    MathAnswer answer = shape(tokens);
    --depth_;
    if (answer.text.empty()) answer.text = joined(tokens);
    return answer;
  }

 private:
  MathAnswer unread(Tokens tokens) const {
    MathAnswer answer;
    answer.text = joined(tokens);
    return answer;
  }

  MathAnswer compound(AnswerKind kind, const std::vector<Tokens>& pieces) {
    MathAnswer answer;
    if (pieces.size() > kMaxParts) return answer;
    answer.kind = kind;
    for (const Tokens piece : pieces) {
      if (without_punctuation(piece).empty()) continue;
      MathAnswer part = parse(piece);
      const bool spreads = part.kind == AnswerKind::list && (kind == AnswerKind::list || kind == AnswerKind::set);
      if (!spreads) {
        answer.parts.push_back(std::move(part));
        continue;
      }
      for (MathAnswer& value : part.parts) answer.parts.push_back(std::move(value));
    }
    return answer;
  }

  MathAnswer shape(Tokens tokens) {
    if (tokens.empty()) return unread(tokens);
    if (is_wordy(tokens)) return words(tokens);
    if (tokens.back().kind == Kind::text && is_enclosed(tokens.first(tokens.size() - 1))) {
      return parse(tokens.first(tokens.size() - 1));  // a unit behind a tuple
    }
    const auto members = cut(tokens, [](const MathToken& token) { return is_sign(token, "∈"); });
    if (members.size() == 2) return member(tokens, members[0], members[1]);
    std::vector<std::string> separators;
    const auto pieces = cut(tokens, is_separator, &separators);
    if (pieces.size() > 1) return list(pieces, separators);
    const auto joins = cut(tokens, [](const MathToken& token) { return is_sign(token, "∪"); });
    if (joins.size() > 1) return compound(AnswerKind::join, joins);
    const auto without = cut(tokens, [](const MathToken& token) { return is_sign(token, "∖"); });
    if (without.size() == 2) {
      const auto rest = without_points(pool_, parse(without[0]), parse(without[1]));
      return rest ? *rest : unread(tokens);
    }
    if (auto related = relation(tokens)) return *related;
    if (is_enclosed(tokens)) {
      if (auto found = bracketed(tokens)) return *found;
    }
    if (tokens.size() == 1 && is_sign(tokens[0], "∅")) return compound(AnswerKind::set, {});
    if (auto found = matrix(tokens)) return *found;
    return value(tokens);
  }

  /// Words, of which some name a set.
  MathAnswer words(Tokens tokens) {
    static const std::set<std::string_view> nothing{"no solution",       "no solutions", "no real solution",
                                                    "no real solutions", "empty set",    "the empty set"};
    static const std::set<std::string_view> everything{"all real numbers", "all reals", "all real values",
                                                       "the set of all real numbers", "any real number"};
    MathAnswer answer = unread(tokens);
    const std::string plain = to_lower_ascii(fold_space(answer.text));
    if (everything.count(plain) != 0) answer = real_line(pool_);
    if (nothing.count(plain) != 0 || everything.count(plain) != 0) {
      answer.kind = nothing.count(plain) != 0 ? AnswerKind::set : AnswerKind::interval;
      answer.text = joined(tokens);
      return answer;
    }
    answer.kind = AnswerKind::text;
    return answer;
  }

  /// "x ∈ set" is the set; "2n + 1, n ∈ set" says of which numbers the first part speaks.
  MathAnswer member(Tokens tokens, Tokens left, Tokens right) {
    const auto parts = cut(left, is_separator);
    if (parts.size() > 1) return parse(left.first(left.size() - parts.back().size()));
    const MathAnswer variable = parse(left);
    const auto is_variable = [&](const MathAnswer& part) {
      return part.kind == AnswerKind::value && pool_.node(part.value).op == ExprOp::symbol;
    };
    const bool is_tuple =
        variable.kind == AnswerKind::tuple && std::all_of(variable.parts.begin(), variable.parts.end(), is_variable);
    return left.empty() || is_variable(variable) || is_tuple ? parse(right) : unread(tokens);
  }

  MathAnswer list(const std::vector<Tokens>& pieces, const std::vector<std::string>& separators) {
    MathAnswer answer = compound(AnswerKind::list, pieces);
    answer.is_alternative = std::find(separators.begin(), separators.end(), "or") != separators.end();
    const bool is_pair = pieces.size() == 2 && separators[0] == "," && pieces[0].size() == 1 && pieces[1].size() == 1;
    if (!is_pair || pieces[1][0].after_space) return answer;
    const MathToken &whole = pieces[0][0], &decimals = pieces[1][0];
    const bool is_decimal = whole.kind == Kind::number && decimals.kind == Kind::number &&
                            whole.text.find('.') == std::string::npos && decimals.text.find('.') == std::string::npos;
    if (!is_decimal) return answer;
    const std::vector<MathToken> number{{Kind::number, whole.text + "." + decimals.text}};
    answer.other_reading = parse_expression(pool_, number, PlusMinus::upper).value;
    return answer;
  }

  std::optional<MathAnswer> relation(Tokens tokens) {
    std::vector<std::string> signs;
    auto sides = cut(tokens, is_relation_sign, &signs);
    if (signs.empty())
      sides = cut(
          tokens, [](const MathToken& token) { return is_sign(token, ":"); }, &signs);
    if (signs.empty() || signs == std::vector<std::string>{":"}) return std::nullopt;  // 3:2 is a fraction
    if (sides.size() > kMaxParts) return MathAnswer{};
    MathAnswer answer;
    answer.kind = AnswerKind::relation;
    answer.signs = std::move(signs);
    for (const Tokens side : sides) answer.parts.push_back(parse(side));
    return answer;
  }

  /// What stands in one pair of brackets, where those say more than which factors belong together.
  std::optional<MathAnswer> bracketed(Tokens tokens) {
    const std::string &left = tokens.front().text, &right = tokens.back().text;
    const Tokens inside = tokens.subspan(1, tokens.size() - 2);
    const bool is_braced = left == "\\{" || left == "{";
    const auto pieces = cut(inside, [](const MathToken& token) { return is_sign(token, ",") || is_sign(token, ";"); });
    const auto bars = cut(inside, [](const MathToken& token) { return is_sign(token, "|") || is_sign(token, ":"); });
    if (is_braced && pieces.size() == 1 && bars.size() == 2) {  // {x | -2 ≤ x < 1}
      MathAnswer condition = parse(bars[1]);
      condition.is_set_builder = true;
      if (condition.kind == AnswerKind::relation) return condition;
      return unread(tokens);
    }
    if (left == "{" && pieces.size() == 1) return parse(inside);
    if (is_braced) return compound(AnswerKind::set, pieces);
    if (pieces.size() == 1) return parse(inside);
    const bool is_round = left == "(" && right == ")";
    const bool is_square = left == "[" && right == "]";
    MathAnswer answer = compound(AnswerKind::tuple, pieces);
    if (answer.parts.size() != 2) return is_round || is_square ? answer : unread(tokens);
    const bool is_unbounded = is_infinite(pool_, answer.parts[0]) || is_infinite(pool_, answer.parts[1]);
    if (is_round && !is_unbounded) return answer;
    answer.kind = AnswerKind::interval;
    answer.left_closed = left == "[" && !is_infinite(pool_, answer.parts[0]);
    answer.right_closed = right == "]" && !is_infinite(pool_, answer.parts[1]);
    return answer;
  }

  /// A matrix, or a factor before one.
  std::optional<MathAnswer> matrix(Tokens tokens) {
    const auto is_begin = [](const MathToken& t) { return t.kind == Kind::command && t.text == "begin"; };
    const auto begin = std::find_if(tokens.begin(), tokens.end(), is_begin);
    if (begin == tokens.end()) return std::nullopt;
    const std::size_t at = static_cast<std::size_t>(begin - tokens.begin());
    const auto after_name = skip_groups(tokens.subspan(at + 1));
    const auto end = std::find_if(after_name.begin(), after_name.end(),
                                  [](const MathToken& t) { return t.kind == Kind::command && t.text == "end"; });
    if (end == after_name.end()) return std::nullopt;
    const std::size_t n_cells = static_cast<std::size_t>(end - after_name.begin());
    if (!skip_groups(after_name.subspan(n_cells + 1)).empty()) return std::nullopt;
    const bool is_determinant = at + 2 < tokens.size() && tokens[at + 2].text == "vmatrix";
    ExprId factor = pool_.number(1);
    Tokens before = tokens.first(at);
    if (!before.empty() && is_sign(before.back(), "*")) before = before.first(before.size() - 1);
    if (!before.empty()) factor = parse_expression(pool_, before, PlusMinus::upper).value;
    if (factor == kNoExpr) return std::nullopt;
    auto found = cells(after_name.first(n_cells), factor);
    return found && is_determinant ? determinant(*found) : found;
  }

  /// The value of the square matrix `of` with at most 16 values; nothing for any other.
  std::optional<MathAnswer> determinant(const MathAnswer& of) {
    static constexpr std::size_t kMaxOrder = 4;
    std::vector<ExprId> values;
    for (const MathAnswer& cell : of.parts) values.push_back(cell.kind == AnswerKind::value ? cell.value : kNoExpr);
    if (of.n_columns > kMaxOrder || values.size() != of.n_columns * of.n_columns) return std::nullopt;
    MathAnswer answer;
    answer.kind = AnswerKind::value;
    answer.value = determinant(values, of.n_columns);
    return answer.value == kNoExpr ? std::nullopt : std::optional(answer);
  }

  /// By the first row's minors.
  ExprId determinant(const std::vector<ExprId>& cells, std::size_t order) {
    if (order == 1) return cells[0];
    ExprId sum = pool_.number(0);
    for (std::size_t column = 0; column < order; ++column) {
      std::vector<ExprId> minor;
      for (std::size_t i = order; i < cells.size(); ++i) {
        if (i % order != column) minor.push_back(cells[i]);
      }
      const ExprId term = pool_.multiply(cells[column], determinant(minor, order - 1));
      sum = column % 2 == 0 ? pool_.add(sum, term) : pool_.subtract(sum, term);
    }
    return sum;
  }

  /// Without groups in front: the names and column letters of environments.
  static Tokens skip_groups(Tokens tokens) {
    while (!tokens.empty() && is_sign(tokens.front(), "{")) {
      const auto close =
          std::find_if(tokens.begin(), tokens.end(), [](const MathToken& token) { return is_sign(token, "}"); });
      if (close == tokens.end()) return tokens;
      tokens = tokens.subspan(static_cast<std::size_t>(close - tokens.begin()) + 1);
    }
    return tokens;
  }

  std::optional<MathAnswer> cells(Tokens tokens, ExprId factor) {
    MathAnswer answer;
    answer.kind = AnswerKind::matrix;
    for (const Tokens row : cut(tokens, [](const MathToken& token) { return is_sign(token, "\\\\"); })) {
      if (row.empty()) continue;
      const auto columns = cut(row, [](const MathToken& token) { return is_sign(token, "&"); });
      if (answer.n_columns == 0) answer.n_columns = columns.size();
      if (columns.size() != answer.n_columns || answer.parts.size() + columns.size() > kMaxParts) return std::nullopt;
      for (const Tokens column : columns) {
        MathAnswer cell = parse(column);
        if (cell.kind == AnswerKind::value) cell.value = pool_.multiply(factor, cell.value);
        answer.parts.push_back(std::move(cell));
      }
    }
    return answer;
  }

  MathAnswer value(Tokens tokens) {
    const bool has_choice = std::any_of(tokens.begin(), tokens.end(), [](const MathToken& token) {
      return is_sign(token, "±") || is_sign(token, "∓");
    });
    MathAnswer upper = one_value(tokens, PlusMinus::upper);
    if (!has_choice || upper.kind != AnswerKind::value) return upper;
    MathAnswer answer;
    answer.kind = AnswerKind::list;
    answer.parts.push_back(std::move(upper));
    answer.parts.push_back(one_value(tokens, PlusMinus::lower));
    for (MathAnswer& part : answer.parts) part.text.clear();  // both are written the same and aren't
    return answer;
  }

  MathAnswer one_value(Tokens tokens, PlusMinus sign) {
    MathAnswer answer = unread(tokens);
    ParsedExpression parsed = parse_expression(pool_, tokens, sign);
    if (parsed.value == kNoExpr) return answer;
    if (const ExprNode& node = pool_.node(parsed.value); node.op == ExprOp::symbol && node.name == "mathbb(R)") {
      MathAnswer line = real_line(pool_);
      line.text = answer.text;
      return line;
    }
    answer.kind = AnswerKind::value;
    answer.value = parsed.value;
    answer.unit = std::move(parsed.unit);
    answer.has_e_notation = parsed.has_e_notation;
    answer.clock = clock_of(tokens);
    if (const std::size_t at = unit_symbols_at(tokens); at > 0) {
      answer.other_reading = parse_expression(pool_, tokens.first(at), sign).value;
      answer.other_unit = joined(tokens.subspan(at));
    }
    return answer;
  }

  Expressions& pool_;
  int depth_ = 0;
};

}  // namespace

MathAnswer parse_answer(Expressions& pool, std::string_view text) {
  if (text.size() > kMaxBytes) {
    MathAnswer answer;
    answer.text = text;
    return answer;
  }
  // Text that was escaped twice has "\\\\frac"; only matrices have rows to part.
  const bool has_rows = text.find("\\begin") != std::string_view::npos;
  const std::string once = has_rows ? std::string(text) : replace_all(text, "\\\\", "\\");
  const std::vector<MathToken> tokens = with_usual_brackets(tokenize_math(once));
  return AnswerParser(pool).parse(tokens);
}

}  // namespace assay::suites

#include "suites/math/math_answer.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "harness/base/text.h"
#include "suites/math/expression_parser.h"
#include "suites/math/math_tokens.h"

namespace assay::suites {

namespace {

constexpr std::size_t kMaxBytes = 4096;
constexpr std::size_t kMaxParts = 100;
constexpr int kMaxAnswerDepth = 20;

using Tokens = std::span<const MathToken>;
using Kind = MathTokenKind;

bool is_sign(const MathToken& token, std::string_view sign) { return token.kind == Kind::sign && token.text == sign; }
bool opens(const MathToken& token) {
  if (token.kind == Kind::command) return token.text == "begin" || token.text == "lfloor" || token.text == "lceil";
  if (token.kind != Kind::sign) return false;
  return token.text == "(" || token.text == "[" || token.text == "{" || token.text == "\\{";
}
bool closes(const MathToken& token) {
  if (token.kind == Kind::command) return token.text == "end" || token.text == "rfloor" || token.text == "rceil";
  if (token.kind != Kind::sign) return false;
  return token.text == ")" || token.text == "]" || token.text == "}" || token.text == "\\}";
}

bool is_relation_sign(const MathToken& token) {
  static const std::set<std::string_view> signs{"=", "<", ">", "<=", ">=", "!=", "≈", "≡", "∝", "->"};
  return token.kind == Kind::sign && signs.count(token.text) != 0;
}

bool is_separator(const MathToken& token) {
  return is_sign(token, ",") || is_sign(token, ";") || is_sign(token, "or") || is_sign(token, "and");
}

/// The pieces of `tokens` between those outside brackets that is_cut() names; the cutting tokens go to `cuts`.
template <class IsCut>
std::vector<Tokens> cut(Tokens tokens, IsCut is_cut, std::vector<std::string>* cuts = nullptr) {
  std::vector<Tokens> pieces;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (opens(tokens[i])) ++depth;
    if (closes(tokens[i])) --depth;
    if (depth != 0 || !is_cut(tokens[i])) continue;
    pieces.push_back(tokens.subspan(begin, i - begin));
    if (cuts != nullptr) cuts->push_back(tokens[i].text);
    begin = i + 1;
  }
  pieces.push_back(tokens.subspan(begin));
  return pieces;
}

/// True if the bracket that opens first closes last.
bool is_enclosed(Tokens tokens) {
  if (tokens.size() < 2 || !opens(tokens.front()) || tokens.front().kind != Kind::sign) return false;
  int depth = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (opens(tokens[i])) ++depth;
    if (closes(tokens[i]) && --depth == 0) return i + 1 == tokens.size();
  }
  return false;
}

/// Without punctuation and spacing that end a sentence.
Tokens without_punctuation(Tokens tokens) {
  const auto is_loose = [](const MathToken& token) {
    return is_separator(token) || is_sign(token, ".") || is_sign(token, ":") || is_sign(token, "\\\\");
  };
  while (!tokens.empty() && is_loose(tokens.back())) tokens = tokens.first(tokens.size() - 1);
  while (!tokens.empty() && is_loose(tokens.front())) tokens = tokens.subspan(1);
  return tokens;
}

std::string joined(Tokens tokens) {
  std::string text;
  for (const MathToken& token : tokens) {
    if (is_sign(token, "{") || is_sign(token, "}")) continue;
    const bool is_word = token.kind == Kind::text || token.kind == Kind::letters;
    if (!text.empty() && token.after_space && is_word) text += ' ';
    text += token.text;
  }
  return text;
}

/// Words and nothing else: "Evelyn", "not enough information", "yes".
bool is_wordy(Tokens tokens) {
  static const std::set<std::string_view> short_words{"no", "yes", "No", "Yes", "NO", "YES"};
  bool has_word = false;
  for (const MathToken& token : tokens) {
    if (token.kind == Kind::text) {
      has_word = true;
    } else if (token.kind == Kind::letters) {
      const bool is_word = token.text.size() >= 3 || short_words.count(token.text) != 0;
      has_word = has_word || is_word;
    } else if (token.kind != Kind::sign || (token.text != "-" && token.text != "'" && !is_separator(token) &&
                                            token.text != "." && token.text != "{" && token.text != "}" &&
                                            token.text != "(" && token.text != ")" && token.text != "?")) {
      return false;
    }
  }
  return has_word;
}

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
    tokens = without_punctuation(tokens);
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
    if (members.size() == 2) return parse(members[1]);
    const auto pieces = cut(tokens, is_separator);
    if (pieces.size() > 1) return compound(AnswerKind::list, pieces);
    const auto joins = cut(tokens, [](const MathToken& token) { return is_sign(token, "∪"); });
    if (joins.size() > 1) return compound(AnswerKind::join, joins);
    if (auto related = relation(tokens)) return *related;
    if (is_enclosed(tokens)) {
      if (auto found = bracketed(tokens)) return *found;
    }
    if (tokens.size() == 1 && is_sign(tokens[0], "∅")) return compound(AnswerKind::set, {});
    if (auto found = matrix(tokens)) return *found;
    return value(tokens);
  }

  MathAnswer words(Tokens tokens) const {
    MathAnswer answer = unread(tokens);
    answer.kind = AnswerKind::text;
    return answer;
  }

  std::optional<MathAnswer> relation(Tokens tokens) {
    std::vector<std::string> signs;
    const auto sides = cut(tokens, is_relation_sign, &signs);
    if (signs.empty()) return std::nullopt;
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
    ExprId factor = pool_.number(1);
    Tokens before = tokens.first(at);
    if (!before.empty() && is_sign(before.back(), "*")) before = before.first(before.size() - 1);
    if (!before.empty()) factor = parse_expression(pool_, before, PlusMinus::upper).value;
    if (factor == kNoExpr) return std::nullopt;
    return cells(after_name.first(n_cells), factor);
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
    return answer;
  }

  MathAnswer one_value(Tokens tokens, PlusMinus sign) {
    MathAnswer answer = unread(tokens);
    ParsedExpression parsed = parse_expression(pool_, tokens, sign);
    if (parsed.value == kNoExpr) return answer;
    if (const ExprNode& node = pool_.node(parsed.value); node.op == ExprOp::symbol && node.name == "mathbb(R)") {
      answer.kind = AnswerKind::interval;
      answer.parts = {infinity(pool_.number(-1)), infinity(pool_.number(1))};
      return answer;
    }
    answer.kind = AnswerKind::value;
    answer.value = parsed.value;
    answer.unit = std::move(parsed.unit);
    return answer;
  }

  MathAnswer infinity(ExprId factor) {
    MathAnswer end;
    end.kind = AnswerKind::value;
    end.value = pool_.multiply(factor, pool_.symbol("\\infty"));
    return end;
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
  const std::vector<MathToken> tokens = tokenize_math(once);
  return AnswerParser(pool).parse(tokens);
}

}  // namespace assay::suites

#include "suites/math/answer_tokens.h"

#include <algorithm>
#include <set>

#include "harness/base/text.h"
#include "suites/math/units.h"

namespace assay::suites {

namespace {

using Kind = MathTokenKind;

bool opens_bracket(const MathToken& token) {
  if (token.kind == Kind::command) return token.text == "begin" || token.text == "lfloor" || token.text == "lceil";
  if (token.kind != Kind::sign) return false;
  return token.text == "(" || token.text == "[" || token.text == "{" || token.text == "\\{";
}

bool closes_bracket(const MathToken& token) {
  if (token.kind == Kind::command) return token.text == "end" || token.text == "rfloor" || token.text == "rceil";
  if (token.kind != Kind::sign) return false;
  return token.text == ")" || token.text == "]" || token.text == "}" || token.text == "\\}";
}

bool is_one_of_words(const MathToken& token, const std::set<std::string_view>& words) {
  return (token.kind == Kind::text || token.kind == Kind::letters) && words.count(to_lower_ascii(token.text)) != 0;
}

}  // namespace

bool is_sign(const MathToken& token, std::string_view sign) { return token.kind == Kind::sign && token.text == sign; }

bool is_relation_sign(const MathToken& token) {
  static const std::set<std::string_view> signs{"=", "<", ">", "<=", ">=", "!=", "≈", "≡", "∝", "->"};
  return token.kind == Kind::sign && signs.count(token.text) != 0;
}

bool is_separator(const MathToken& token) {
  return is_sign(token, ",") || is_sign(token, ";") || is_sign(token, "or") || is_sign(token, "and");
}

std::vector<Tokens> cut(Tokens tokens, bool (*is_cut)(const MathToken&), std::vector<std::string>* cuts) {
  std::vector<Tokens> pieces;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (opens_bracket(tokens[i])) ++depth;
    if (closes_bracket(tokens[i])) --depth;
    if (depth != 0 || !is_cut(tokens[i])) continue;
    pieces.push_back(tokens.subspan(begin, i - begin));
    if (cuts != nullptr) cuts->push_back(tokens[i].text);
    begin = i + 1;
  }
  pieces.push_back(tokens.subspan(begin));
  return pieces;
}

bool is_enclosed(Tokens tokens) {
  if (tokens.size() < 2 || !opens_bracket(tokens.front()) || tokens.front().kind != Kind::sign) return false;
  int depth = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (opens_bracket(tokens[i])) ++depth;
    if (closes_bracket(tokens[i]) && --depth == 0) return i + 1 == tokens.size();
  }
  return false;
}

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

Tokens without_hedge(Tokens tokens) {
  static const std::set<std::string_view> hedges{"approximately", "approx", "about", "around", "roughly", "exactly"};
  while (tokens.size() > 1 && is_one_of_words(tokens.front(), hedges)) tokens = tokens.subspan(1);
  return tokens;
}

std::vector<MathToken> with_usual_brackets(std::vector<MathToken> tokens) {
  std::vector<MathToken> usual = tokens;
  const auto is_square = [](const MathToken& token) { return is_sign(token, "[") || is_sign(token, "]"); };
  for (auto open = tokens.begin();; ++open) {
    open = std::find_if(open, tokens.end(), is_square);
    if (open == tokens.end()) return usual;
    const auto close = std::find_if(open + 1, tokens.end(), is_square);
    const bool has_ends = close != tokens.end() && std::any_of(open, close, is_separator) && !is_separator(close[-1]);
    if (!has_ends) return tokens;
    if (is_sign(*open, "]")) usual[static_cast<std::size_t>(open - tokens.begin())].text = "(";
    if (is_sign(*close, "[")) usual[static_cast<std::size_t>(close - tokens.begin())].text = ")";
    open = close;
  }
}

std::string clock_of(Tokens tokens) {
  const bool has_parts = tokens.size() >= 3 && tokens[0].kind == Kind::number && is_sign(tokens[1], ":") &&
                         tokens[2].kind == Kind::number && !tokens[1].after_space && !tokens[2].after_space;
  if (!has_parts || tokens[0].text.size() > 2 || tokens[2].text.size() != 2) return "";
  const std::string &hour = tokens[0].text, &minute = tokens[2].text;
  const bool is_time = std::all_of(hour.begin(), hour.end(), is_digit) &&
                       std::all_of(minute.begin(), minute.end(), is_digit) && std::stoi(hour) <= 24 &&
                       std::stoi(minute) < 60;
  return is_time ? std::to_string(std::stoi(hour)) + ":" + minute : "";
}

std::size_t unit_symbols_at(Tokens tokens) {
  std::size_t at = 1;
  while (at < tokens.size() && !(tokens[at].after_space && is_unit_symbol(tokens[at].text))) ++at;
  if (at >= tokens.size()) return 0;
  const MathToken& before = tokens[at - 1];
  if (before.kind != Kind::number && !is_sign(before, "}")) return 0;
  for (const MathToken& token : tokens.subspan(at)) {
    const bool is_symbol = (token.kind == Kind::letters || token.kind == Kind::command) && is_unit_symbol(token.text);
    const bool joins = is_sign(token, "/") || is_sign(token, "*") || is_sign(token, "^") || is_sign(token, "-") ||
                       is_sign(token, "{") || is_sign(token, "}") || token.kind == Kind::number;
    if (!is_symbol && !joins) return 0;
  }
  return at;
}

}  // namespace assay::suites

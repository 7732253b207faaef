#include "suites/math/math_extract.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "harness/base/text.h"
#include "suites/answer_clause.h"
#include "suites/boxed.h"
#include "suites/fold.h"
#include "suites/math/math_tokens.h"
#include "suites/math/units.h"

namespace assay::suites {

namespace {

constexpr std::size_t kMaxLineBytes = 400;
constexpr std::size_t kMaxFormulaBytes = 4096;

/// A formula's content and the place behind its closing delimiter.
struct Formula {
  std::string_view content;
  std::size_t end = 0;
};

/// True for what stands between two dollar signs that mean money: "3 and then ".
bool is_prose(std::string_view content) {
  std::size_t n_words = 0, run = 0;
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] == '\\') {
      while (i + 1 < content.size() && is_letter(content[i + 1])) ++i;
      if (content.substr(0, i + 1).ends_with("text")) return false;
      run = 0;
    } else if (is_letter(content[i])) {
      ++run;
    } else {
      if (run >= 2 && content[i] == ' ') ++n_words;
      run = 0;
    }
  }
  return n_words >= 2;
}

/// The formula that opens at `at`, if one does.
std::optional<Formula> formula_at(std::string_view text, std::size_t at) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kDelimiters{
      {{"$$", "$$"}, {"\\[", "\\]"}, {"\\(", "\\)"}, {"$", "$"}}};
  for (const auto& [open, close] : kDelimiters) {
    if (text.substr(at, open.size()) != open) continue;
    const std::string_view window = text.substr(0, std::min(text.size(), at + kMaxFormulaBytes));
    const std::size_t end = window.find(close, at + open.size());
    if (end == std::string_view::npos) continue;
    const std::string_view content = text.substr(at + open.size(), end - at - open.size());
    if (trim(content).empty() || (open == "$" && is_prose(content))) continue;
    return Formula{content, end + close.size()};
  }
  return std::nullopt;
}

std::optional<Formula> last_formula(std::string_view text) {
  std::optional<Formula> last;
  for (std::size_t at = 0; at < text.size();) {
    const bool can_open = text[at] == '$' || text.substr(at, 2) == "\\[" || text.substr(at, 2) == "\\(";
    const auto formula = can_open ? formula_at(text, at) : std::nullopt;
    if (formula) last = formula;
    if (!formula && text[at] == '\\') ++at;  // "\$" and "\\" open nothing
    at = formula ? formula->end : at + 1;
  }
  return last;
}

/// The last numeral that is a word of its own and its end; a sign, a fraction and a per cent sign belong to it.
std::optional<Formula> last_number(std::string_view text) {
  std::optional<Formula> last;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!is_digit(text[at])) continue;
    std::size_t begin = at;
    const auto continues = [&](std::size_t i) {
      if (i >= text.size()) return false;
      const bool joins = text[i] == '.' || text[i] == ',' || text[i] == '/';
      return is_digit(text[i]) || (joins && i + 1 < text.size() && is_digit(text[i + 1]));
    };
    while (continues(at)) ++at;
    if (begin > 0 && (text[begin - 1] == '-' || text[begin - 1] == '.')) --begin;
    std::size_t word_end = at;
    while (word_end < text.size() && is_letter(text[word_end])) ++word_end;
    const std::string_view word = text.substr(at, word_end - at);
    const bool is_unit = word.empty() || is_unit_word(word) || is_unit_symbol(word);
    const bool touched = (begin > 0 && is_letter(text[begin - 1])) || !is_unit;
    if (at < text.size() && text[at] == '%') ++at;
    if (!touched) last = Formula{text.substr(begin, at - begin), at};
  }
  return last;
}

/// True if `text` is an answer and not a sentence: maths with its unit, or up to three words.
bool is_answer_alone(std::string_view text) {
  const std::vector<MathToken> tokens = tokenize_math(text);
  std::size_t n_words = 0, n_neighbours = 0, n_others = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const MathToken& token = tokens[i];
    const bool names_environment = i >= 2 && (tokens[i - 2].text == "begin" || tokens[i - 2].text == "end");
    if (token.kind != MathTokenKind::letters || names_environment || is_unit_word(token.text)) {
      ++n_others;
      continue;
    }
    const bool is_before_space = i + 1 < tokens.size() && tokens[i + 1].after_space;
    const bool meets_value = is_before_space && (tokens[i + 1].kind == MathTokenKind::letters ||
                                                 tokens[i + 1].kind == MathTokenKind::number);
    if (token.text.size() >= 3) ++n_words;
    if (token.text.size() >= 2 && meets_value) ++n_neighbours;
  }
  if (n_others == 0) return !tokens.empty() && tokens.size() <= 3;
  return n_words == 0 && n_neighbours == 0;
}

std::string without_emphasis(std::string_view text) {
  std::string plain = replace_all(trim(text), "**", "");
  while (!plain.empty() && (plain.back() == '.' || plain.back() == ' ')) plain.pop_back();
  return plain;
}

/// The JSON string whose first character is at `at`, with \\ and \" undone.
std::string json_string_at(std::string_view text, std::size_t at) {
  std::string out;
  for (; at < text.size() && text[at] != '"' && out.size() < kMaxFormulaBytes; ++at) {
    const bool is_escape = text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '\\' || text[at + 1] == '"');
    if (is_escape) ++at;
    out += text[at];
  }
  return out;
}

std::optional<ExtractedMath> fallback(std::string_view text) {
  const auto formula = last_formula(text);
  const auto number = last_number(text);
  if (number && (!formula || number->end > formula->end)) {
    return ExtractedMath{std::string(number->content), "last_number"};
  }
  if (!formula) return std::nullopt;
  return ExtractedMath{std::string(trim(formula->content)), "last_formula"};
}

/// "(C)" and what follows it.
bool begins_with_option(std::string_view clause) {
  return clause.size() >= 3 && clause[0] == '(' && clause[1] >= 'A' && clause[1] <= 'Z' && clause[2] == ')';
}

std::string answer_behind(std::string_view text, std::size_t at) {
  if (at > 0 && text[at - 1] == '"' && text.substr(0, at).find('{') != std::string_view::npos) {
    return json_string_at(text, at);
  }
  if (const auto formula = formula_at(text, at)) {
    const std::string_view rest = trim(text.substr(formula->end, 1));
    if (rest.empty() || rest == "." || rest == "*" || rest == ",") return std::string(trim(formula->content));
  }
  std::string clause = clause_at(text, at);
  if (is_answer_alone(clause) || begins_with_option(clause)) return clause;
  auto within = fallback(clause);
  return within ? std::move(within->text) : clause;
}

std::optional<ExtractedMath> answer_line(std::string_view text) {
  const std::vector<std::size_t> places = answer_places(text);
  for (auto place = places.rbegin(); place != places.rend(); ++place) {
    const std::string answer = answer_behind(text, *place);
    if (!tokenize_math(answer).empty()) return ExtractedMath{answer, "answer_line"};
  }
  return std::nullopt;
}

std::optional<ExtractedMath> whole_reply(std::string_view text) {
  const std::string line = without_emphasis(text);
  if (line.empty() || line.size() > kMaxLineBytes || line.find('\n') != std::string::npos) return std::nullopt;
  if (!is_answer_alone(line)) return std::nullopt;
  return ExtractedMath{line, "whole_reply"};
}

}  // namespace

MathExtraction extract_math(std::string_view reply) {
  const std::string text = fold_forms(reply);
  const Boxes boxes = find_boxes(text);
  if (boxes.last_is_open) return {std::nullopt, true};
  for (auto box = boxes.contents.rbegin(); box != boxes.contents.rend(); ++box) {
    if (tokenize_math(*box).empty()) continue;
    return {ExtractedMath{std::string(trim(*box)), "boxed"}};
  }
  if (auto answer = answer_line(text)) return {std::move(answer)};
  if (auto answer = whole_reply(text)) return {std::move(answer)};
  return {fallback(text)};
}

}  // namespace assay::suites

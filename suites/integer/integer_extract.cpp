#include "suites/integer/integer_extract.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "harness/base/text.h"
#include "suites/answer_clause.h"
#include "suites/boxed.h"
#include "suites/fold.h"
#include "suites/integer/exact_number.h"
#include "suites/integer/tex_tokens.h"

namespace assay::suites {

namespace {

bool is_word_part(char c) { return is_digit(c) || is_letter(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

IntegerAnswer as_answer(const ExactNumber& number, const char* rule) { return {number.text, number.is_integer, rule}; }

// --- The box -------------------------------------------------------------------------------------------------------

bool is_punctuation_mark(std::string_view text) { return text == "," || text == ";" || text == ":" || text == "."; }

std::optional<IntegerAnswer> boxed_answer(const Boxes& boxes) {
  for (auto box = boxes.contents.rbegin(); box != boxes.contents.rend(); ++box) {
    std::vector<Token> tokens = tokenize(strip_typography(*box));
    if (tokens.empty()) continue;
    while (tokens.size() > 1 && is_punctuation_mark(tokens.back().text)) tokens.pop_back();
    const auto number = is_list(tokens) ? std::nullopt : evaluate(right_side(tokens));
    return number ? as_answer(*number, "boxed") : IntegerAnswer{std::string(trim(*box)), false, "boxed"};
  }
  return std::nullopt;
}

// --- The answer line -----------------------------------------------------------------------------------------------

/// True if a second value follows at once, as in "204 or 205", "204 or maybe 205", "204, 205" and "204 and 205", or a
/// per cent sign does.
bool more_follows(std::span<const Token> rest) {
  if (rest.empty()) return false;
  const std::string& word = rest[0].text;
  if (word == "%" || word == "percent" || word == "!") return true;
  const bool joins = word == "or" || word == "and" || word == "," || word == ";";
  if (!joins) return false;
  if (evaluate_prefix(rest.subspan(1))) return true;
  return word == "or" && rest.size() > 2 && evaluate_prefix(rest.subspan(2));
}

/// The number that `clause` begins with, or, in a clause that begins with a formula, the one behind its last "=".
std::optional<IntegerAnswer> clause_answer(std::string_view clause) {
  const std::string stripped = strip_typography(clause);
  const std::vector<Token> tokens = tokenize(stripped);
  std::span<const Token> rest = tokens;
  auto prefix = evaluate_prefix(rest);
  if (!prefix) {
    rest = right_side(rest);
    if (rest.size() < tokens.size()) prefix = evaluate_prefix(rest);
  }
  if (!prefix) return std::nullopt;
  const std::size_t end = rest[prefix->n_used - 1].end;
  if (end < stripped.size() && is_word_part(stripped[end])) return std::nullopt;  // "2nd"
  if (more_follows(rest.subspan(prefix->n_used))) return IntegerAnswer{std::string(trim(clause)), false, "answer_line"};
  return as_answer(prefix->value, "answer_line");
}

std::optional<IntegerAnswer> answer_line(std::string_view text) {
  const std::vector<std::size_t> places = answer_places(text);
  for (auto place = places.rbegin(); place != places.rend(); ++place) {
    if (auto answer = clause_answer(clause_at(text, *place))) return answer;
  }
  return std::nullopt;
}

// --- The last integer ----------------------------------------------------------------------------------------------

/// A number that stands in running text as a word of its own.
struct Numeral {
  std::size_t begin, end;  ///< its place, the sign included
  std::string digits;      ///< with sign and point, without separators
};

/// The numeral whose first digit is at `at`, or none if a letter touches it. Moves `at` behind its digits.
std::optional<Numeral> numeral_at(std::string_view text, std::size_t& at) {
  const auto digit_at = [&](std::size_t i) { return i < text.size() && is_digit(text[i]); };
  Numeral numeral{at, at, ""};
  const auto take_digits = [&] {
    while (digit_at(at)) numeral.digits += text[at++];
  };
  take_digits();
  if (numeral.digits.size() <= 3) {
    while (at < text.size() && text[at] == ',' && digit_at(at + 1) && digit_at(at + 2) && digit_at(at + 3) &&
           !digit_at(at + 4)) {
      ++at;
      take_digits();
    }
  }
  if (at < text.size() && text[at] == '.' && digit_at(at + 1)) {
    numeral.digits += text[at++];
    take_digits();
  }
  numeral.end = at;
  std::size_t& begin = numeral.begin;
  if (begin > 0 && (text[begin - 1] == '-' || text.substr(begin - std::min<std::size_t>(begin, 3), 3) == "\u2212")) {
    const std::size_t sign = text[begin - 1] == '-' ? begin - 1 : begin - 3;
    if (sign == 0 || (!is_word_part(text[sign - 1]) && text[sign - 1] != ')' && text[sign - 1] != '}')) {
      begin = sign;
      numeral.digits.insert(numeral.digits.begin(), '-');
    }
  }
  const bool touched = (begin > 0 && (is_letter(text[begin - 1]) || text[begin - 1] == '_')) ||
                       (at < text.size() && (is_letter(text[at]) || text[at] == '_'));
  return touched ? std::nullopt : std::optional(numeral);
}

bool is_joined_by_or(std::string_view between) {
  std::string word;
  for (const char c : between) {
    if (is_letter(c)) word += c;
    if (is_digit(c) || c == '.' || c == '\n') return false;
  }
  return to_lower_ascii(word) == "or";
}

/// The place behind a per cent sign or word that follows `at`; `at` if none does.
std::size_t behind_percent(std::string_view text, std::size_t at) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t", at), text.size());
  const std::string ahead = to_lower_ascii(text.substr(begin, 10));
  for (const std::string_view sign : {"%", "\\%", "percent", "per cent"}) {
    if (ahead.starts_with(sign)) return begin + sign.size();
  }
  return at;
}

std::optional<IntegerAnswer> last_integer(std::string_view text) {
  std::optional<Numeral> last, before;
  for (std::size_t at = 0; at < text.size();) {
    if (!is_digit(text[at])) {
      ++at;
      continue;
    }
    auto numeral = numeral_at(text, at);
    const auto number = numeral ? evaluate(tokenize(numeral->digits)) : std::nullopt;
    if (!number || !number->is_integer) continue;
    numeral->digits = number->text;
    before = std::exchange(last, std::move(numeral));
  }
  if (!last) return std::nullopt;
  const std::size_t percent_end = behind_percent(text, last->end);
  const bool is_percent = percent_end != last->end;
  const bool is_second = before && is_joined_by_or(text.substr(before->end, last->begin - before->end));
  if (!is_percent && !is_second) return IntegerAnswer{last->digits, true, "last_integer"};
  const std::size_t begin = is_second ? before->begin : last->begin;
  return IntegerAnswer{std::string(text.substr(begin, percent_end - begin)), false, "last_integer"};
}

}  // namespace

IntegerExtraction extract_integer(std::string_view reply) {
  const std::string text = fold_forms(reply);
  const Boxes boxes = find_boxes(text);
  if (boxes.last_is_open) return {std::nullopt, true};
  if (auto answer = boxed_answer(boxes)) return {std::move(answer)};
  if (auto answer = answer_line(text)) return {std::move(answer)};
  return {last_integer(strip_typography(text))};
}

}  // namespace assay::suites

#include "suites/profiles/zeroeval_number.h"

#include <gmpxx.h>

#include <optional>
#include <string>
#include <string_view>

#include "harness/base/text.h"
#include "suites/integer/exact_number.h"
#include "suites/integer/tex_tokens.h"
#include "suites/reply.h"

namespace assay::suites {

namespace {

constexpr std::string_view kBlanks = " \t\n\v\f\r";

/// The first outermost {…}, by braces alone; nothing if none closes.
std::optional<std::string_view> first_object(std::string_view text) {
  std::size_t begin = std::string_view::npos, depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') {
      if (begin == std::string_view::npos) begin = i;
      ++depth;
    } else if (text[i] == '}' && depth > 0 && --depth == 0) {
      return text.substr(begin, i + 1 - begin);
    }
  }
  return std::nullopt;
}

/// What Python's str() prints, as far as numbers go.
std::string printed(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return to_text(value.get<double>());
  return to_json_text(value);
}

std::optional<std::string> answer_in_object(std::string_view text) {
  const auto object = first_object(text);
  if (!object) return std::nullopt;
  const auto parsed = parse_json(replace_all(*object, "\n", ""), "reply");
  if (!parsed || !parsed->is_object() || !parsed->contains("answer")) return std::nullopt;
  return printed(parsed->at("answer"));
}

/// What follows the first `key`, blanks, a colon and blanks: up to a quote mark if it is quoted, else up to a comma or
/// blank. `quoted` asks for a value in quotes.
std::optional<std::string> value_behind(std::string_view text, std::string_view key, bool quoted) {
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    std::size_t i = text.find_first_not_of(kBlanks, at + key.size());
    if (i == std::string_view::npos || text[i] != ':') continue;
    i = std::min(text.find_first_not_of(kBlanks, i + 1), text.size());
    if (!quoted) return std::string(text.substr(i, text.find_first_of(", \t\n\v\f\r", i) - i));
    if (i == text.size() || text[i] != '"') continue;
    const std::size_t end = text.find('"', i + 1);
    if (end != std::string_view::npos) return std::string(text.substr(i + 1, end - i - 1));
  }
  return std::nullopt;
}

std::optional<std::string> extract(std::string_view text) {
  if (auto answer = answer_in_object(text)) return answer;
  if (auto answer = value_behind(text, "\"answer\"", true)) return answer;
  if (auto answer = value_behind(text, "\"answer\"", false)) return answer;
  return value_behind(text, "answer", false);
}

/// The value of plain arithmetic such as "3675/13", printed; nothing if it is no such thing.
std::optional<std::string> arithmetic_value(const std::string& text) {
  if (text.find_first_not_of("0123456789+-*/.() ") != std::string::npos) return std::nullopt;
  if (text.find("**") != std::string::npos || text.find("//") != std::string::npos) return std::nullopt;
  const auto value = evaluate(tokenize(text));
  if (!value) return std::nullopt;
  return to_text(mpq_class(value->text).get_d());
}

/// The first number in an answer after ZeroEval's clean-up.
std::optional<double> first_number(std::string_view answer) {
  std::string text(trim(replace_all(answer, "$", "")));
  text = replace_all(text, ",", "");
  if (text.find('/') != std::string::npos) text = arithmetic_value(text).value_or(text);
  const auto is_digit = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
  std::size_t begin = 0;
  while (begin < text.size() && !is_digit(begin)) ++begin;
  if (begin == text.size()) return std::nullopt;
  std::size_t end = begin;
  while (is_digit(end)) ++end;
  if (end < text.size() && text[end] == '.' && is_digit(end + 1)) {
    ++end;
    while (is_digit(end)) ++end;
  }
  if (begin > 0 && text[begin - 1] == '-') --begin;
  return parse_number(std::string_view(text).substr(begin, end - begin));
}

}  // namespace

Grade grade_number_zeroeval(const Item& item, const Output& output) {
  const Json& key = item.record.at("answer");
  Grade grade = grade_without_answer(strip_thinking(output));
  grade.expected = key.is_string() ? key.get<std::string>() : to_json_text(key);
  grade.answer = extract(output.text);
  if (!grade.answer) return grade;
  grade.rule = "zeroeval_number";
  const auto given = first_number(*grade.answer), asked = first_number(*grade.expected);
  grade.verdict = given && asked && *given == *asked ? Verdict::correct : Verdict::incorrect;
  grade.score = grade.verdict == Verdict::correct ? 1 : 0;
  return grade;
}

}  // namespace assay::suites

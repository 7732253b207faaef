#include "suites/answer_clause.h"

#include <algorithm>

#include "harness/base/text.h"

namespace assay::suites {

namespace {

constexpr std::size_t kMaxClauseBytes = 400;

bool is_word_part(char c) {
  return (c >= '0' && c <= '9') || is_letter(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

/// The place behind "is", ":" or both, and behind blanks and emphasis, from `at` on; npos if neither is there.
std::size_t behind_copula(std::string_view text, std::size_t at) {
  const auto skip = [&](std::string_view set) { at = std::min(text.find_first_not_of(set, at), text.size()); };
  static constexpr std::string_view kBlanks = " \t\r\n*_`\"'";
  bool found = false;
  skip(kBlanks);
  if (to_lower_ascii(text.substr(at, 2)) == "is" && (at + 2 == text.size() || !is_word_part(text[at + 2]))) {
    at += 2;
    found = true;
    skip(kBlanks);
  }
  if (at < text.size() && text[at] == ':') {
    ++at;
    found = true;
    skip(kBlanks);
  }
  return found ? at : std::string_view::npos;
}

}  // namespace

std::vector<std::size_t> answer_places(std::string_view text) {
  static constexpr std::string_view kWord = "answer";
  const std::string lower = to_lower_ascii(text);
  std::vector<std::size_t> places;
  for (std::size_t at = lower.find(kWord); at != std::string::npos; at = lower.find(kWord, at + 1)) {
    if (at > 0 && is_letter(lower[at - 1])) continue;
    const std::size_t begin = behind_copula(text, at + kWord.size());
    if (begin != std::string_view::npos) places.push_back(begin);
  }
  return places;
}

std::string clause_at(std::string_view text, std::size_t at) {
  std::string_view clause = text.substr(at, kMaxClauseBytes);
  clause = clause.substr(0, clause.find('\n'));
  for (std::size_t i = 0; i + 1 < clause.size(); ++i) {
    if (clause[i] != '.' || clause[i + 1] != ' ') continue;
    clause = clause.substr(0, i);
    break;
  }
  std::string plain = replace_all(clause, "**", "");
  plain = replace_all(plain, "__", "");
  while (!plain.empty() && (plain.back() == '*' || plain.back() == '_' || plain.back() == '.')) plain.pop_back();
  return plain;
}

}  // namespace assay::suites

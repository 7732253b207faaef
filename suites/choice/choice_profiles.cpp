#include "suites/choice/choice_profiles.h"

#include <utf8proc.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/text.h"
#include "suites/fold.h"
#include "suites/prompts.h"
#include "suites/records.h"
#include "suites/reply.h"

namespace assay::suites {

namespace {

/// What an official grader took for the answer, and whether it calls it right.
struct Extraction {
  std::optional<std::string> answer;
  bool is_correct = false;
  std::string rule;
};

Grade grade_of(const Extraction& found, const Item& item, const Output& output) {
  Grade grade;
  if (found.answer) {
    grade.verdict = found.is_correct ? Verdict::correct : Verdict::incorrect;
    grade.answer = found.answer;
    grade.rule = found.rule;
  } else {
    grade = grade_without_answer(strip_thinking(output));
  }
  grade.expected = option_letter(choice_answer_index(item.record));
  grade.score = found.is_correct ? 1 : 0;
  return grade;
}

// --- Characters, as Python's regular expressions class them ----------------------------------------------------------

bool is_python_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x1F);
  if (c == 0x85) return true;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

bool is_python_word(char32_t c) {
  if (c == '_') return true;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
         (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

bool is_punctuation(char32_t c) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool is_ascii_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/// Behind the white space that begins at `at`.
std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    std::size_t next = at;
    if (!is_python_space(next_code_point(text, next))) break;
    at = next;
  }
  return at;
}

/// Behind the letters A–Z and a–z, digits, spaces and commas that begin at `at`.
std::size_t skip_letters(std::string_view text, std::size_t at) {
  const auto belongs = [](char32_t c) {
    if (c < 0x80)
      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ' ' || c == ',';
    return utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_ND;
  };
  while (at < text.size()) {
    std::size_t next = at;
    if (!belongs(next_code_point(text, next))) break;
    at = next;
  }
  return at;
}

bool has_word_at(std::string_view text, std::size_t at, std::string_view lower_word) {
  if (at + lower_word.size() > text.size()) return false;
  for (std::size_t i = 0; i < lower_word.size(); ++i) {
    const char c = text[at + i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c) != lower_word[i]) return false;
  }
  return true;
}

// --- simple-evals ----------------------------------------------------------------------------------------------------

Extraction extract_simple_evals(std::string_view text, std::size_t expected) {
  const auto skip_blanks = [&](std::size_t at) { return std::min(text.find_first_not_of(" \t", at), text.size()); };
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!has_word_at(text, at, "answer")) continue;
    std::size_t next = skip_blanks(at + 6);
    if (next == text.size() || text[next] != ':') continue;
    next = skip_blanks(next + 1);
    if (next < text.size() && text[next] == '$') ++next;
    if (next == text.size()) continue;
    const char letter = text[next];
    if ((letter | 0x20) < 'a' || (letter | 0x20) > 'd') continue;
    const bool is_correct = expected < 4 && letter == static_cast<char>('A' + expected);
    return {std::string(1, letter), is_correct, "answer_line"};
  }
  return {};
}

// --- Inspect ---------------------------------------------------------------------------------------------------------

/// What stands behind "ANSWER", white space and a colon, trimmed, and where to search on. Empty: only blanks do.
struct InspectMatch {
  std::string_view letters;
  std::size_t end = 0;
};

/// The place behind `answer\s*:` at `at`.
std::optional<std::size_t> behind_answer_colon(std::string_view text, std::size_t at) {
  if (!has_word_at(text, at, "answer")) return std::nullopt;
  const std::size_t colon = skip_space(text, at + 6);
  if (colon == text.size() || text[colon] != ':') return std::nullopt;
  return colon + 1;
}

/// `\s*([A-Za-z\d ,]+)\s*(?:$|\n|\.)`, with "$" at each end of a line. The group takes what letters and commas there
/// are; where it can't, it is one of the blanks before, which says that nothing was chosen.
std::optional<InspectMatch> match_whole_line(std::string_view text, std::size_t behind) {
  const auto ends = [&](std::size_t from) {
    const std::size_t to = skip_space(text, from);
    return to == text.size() || text[to] == '.' || text.substr(from, to - from).find('\n') != std::string_view::npos;
  };
  const std::size_t begin = skip_space(text, behind);
  const std::size_t end = skip_letters(text, begin);
  if (end > begin && ends(end)) return InspectMatch{trim(text.substr(begin, end - begin)), end};
  const std::string_view blanks = text.substr(behind, begin - behind);
  const std::size_t first_blank = blanks.find(' ');
  if (first_blank == std::string_view::npos) return std::nullopt;
  const bool stands_alone = end == begin && ends(begin);
  const bool line_ends_behind_blank = blanks.find('\n', first_blank) != std::string_view::npos;
  if (stands_alone || line_ends_behind_blank) return InspectMatch{{}, begin};
  return std::nullopt;
}

/// `\s*([A-Za-z\d ,]+)(?:[^\w]|\n|$|\.)`: the group ends before a character that is no part of a word.
std::optional<InspectMatch> match_anywhere(std::string_view text, std::size_t behind) {
  const auto is_word_at = [&](std::size_t at) { return at < text.size() && is_python_word(next_code_point(text, at)); };
  const std::size_t begin = skip_space(text, behind);
  std::size_t end = skip_letters(text, begin);
  if (end > begin && is_word_at(end)) {
    const std::size_t cut = text.substr(begin + 1, end - begin - 1).find_last_of(" ,");
    end = cut == std::string_view::npos ? begin : begin + 1 + cut;
  }
  if (end > begin) return InspectMatch{trim(text.substr(begin, end - begin)), end};
  for (std::size_t at = behind; at < begin; ++at) {
    if (text[at] == ' ' && !is_word_at(at + 1)) return InspectMatch{{}, begin};
  }
  return std::nullopt;
}

Extraction extract_inspect(std::string_view text, std::size_t n_options, std::size_t expected) {
  std::optional<InspectMatch> last;
  std::string rule = "answer_line";
  for (std::size_t line = 0; line < text.size();) {
    const auto behind = behind_answer_colon(text, line);
    const auto match = behind ? match_whole_line(text, *behind) : std::nullopt;
    if (match) last = match;
    const std::size_t line_break = text.find('\n', match ? match->end - 1 : line);
    if (line_break == std::string_view::npos) break;
    line = line_break + 1;
  }
  if (!last) {
    rule = "answer_anywhere";
    for (std::size_t at = 0; at < text.size();) {
      const auto behind = behind_answer_colon(text, at);
      const auto match = behind ? match_anywhere(text, *behind) : std::nullopt;
      if (match) last = match;
      at = match ? match->end : at + 1;
    }
  }
  if (!last) return {};
  std::vector<std::string> tokens;
  for (std::string& token : split(last->letters, ',')) {
    if (!token.empty()) tokens.push_back(std::move(token));
  }
  if (tokens.size() != 1 || tokens[0].size() != 1) return {};
  const std::size_t option = static_cast<std::size_t>((tokens[0][0] | 0x20) - 'a');
  if (option >= n_options) return {};
  return {option_letter(option), option == expected, rule};
}

// --- lm-evaluation-harness
// ---------------------------------------------------------------------------------------------

/// Lower case, no punctuation of any script.
std::string without_punctuation(std::string_view text) {
  const std::string lower = to_lower(text);
  std::string out;
  for (std::size_t at = 0; at < lower.size();) {
    const std::size_t begin = at;
    if (!is_punctuation(next_code_point(lower, at))) out += std::string_view(lower).substr(begin, at - begin);
  }
  return out;
}

/// The metric exact_match with ignore_case and ignore_punctuation (ASCII), against "(X)".
bool equals_letter(std::string_view prediction, std::size_t expected) {
  std::string lower = to_lower(prediction);
  lower.erase(std::remove_if(lower.begin(), lower.end(), is_ascii_punctuation), lower.end());
  return lower == std::string(1, static_cast<char>('a' + expected));
}

std::optional<std::string> last_bracketed_letter(std::string_view text) {
  for (std::size_t at = text.rfind(')'); at != std::string_view::npos && at >= 2; at = text.rfind(')', at - 1)) {
    if (text[at - 2] == '(' && text[at - 1] >= 'A' && text[at - 1] <= 'Z') return std::string(text.substr(at - 2, 3));
  }
  return std::nullopt;
}

/// How long Python's re.escape() makes a text: the longest alternative is tried first.
std::size_t escaped_size(std::string_view text) {
  static constexpr std::string_view kEscaped = "()[]{}?*+-|^$\\.&~# \t\n\r\v\f";
  std::size_t size = 0;
  for (const char c : text) {
    const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
    size += continues ? 0 : kEscaped.find(c) == std::string_view::npos ? 1 : 2;
  }
  return size;
}

/// The last of the places, found from the left without overlap, where an option's text stands: as "(X)", or the text
/// itself where trimming makes it another one than the option's.
std::optional<std::string> last_option_text(std::string_view text, const std::vector<std::string>& options) {
  std::vector<std::string> texts;
  for (const std::string& option : options) texts.push_back(without_punctuation(trim_space(option)));
  std::vector<std::string> by_size = texts;
  std::stable_sort(by_size.begin(), by_size.end(),
                   [](const auto& a, const auto& b) { return escaped_size(a) > escaped_size(b); });
  if (by_size.empty() || by_size.back().empty()) return std::nullopt;  // an empty option stands at the end of any text
  const std::string reply = without_punctuation(text);
  std::vector<std::size_t> next;  // the first place behind the last match where each text stands
  for (const std::string& option : by_size) next.push_back(reply.find(option));
  std::optional<std::string_view> last;
  while (true) {
    const auto first = std::min_element(next.begin(), next.end());  // of equal places the longest text's
    if (*first == std::string::npos) break;
    const std::size_t end = *first + by_size[static_cast<std::size_t>(first - next.begin())].size();
    last = by_size[static_cast<std::size_t>(first - next.begin())];
    for (std::size_t i = 0; i < next.size(); ++i) {
      if (next[i] < end) next[i] = reply.find(by_size[i], end);
    }
  }
  if (!last) return std::nullopt;
  const std::string_view said = trim_space(*last);
  const auto option = std::find(texts.rbegin(), texts.rend(), said);
  if (option == texts.rend()) return said.empty() ? std::nullopt : std::optional(std::string(said));
  return "(" + option_letter(static_cast<std::size_t>(texts.rend() - option) - 1) + ")";
}

/// `:\s*(A|B|…)`, the last one.
std::optional<std::string> last_letter_behind_colon(std::string_view text, std::size_t n_options) {
  for (std::size_t colon = text.rfind(':'); colon != std::string_view::npos; colon = text.rfind(':', colon - 1)) {
    const std::size_t at = skip_space(text, colon + 1);
    if (at < text.size() && text[at] >= 'A' && static_cast<std::size_t>(text[at] - 'A') < n_options) {
      return "(" + std::string(1, text[at]) + ")";
    }
    if (colon == 0) break;
  }
  return std::nullopt;
}

Extraction extract_lm_eval_flexible(std::string_view text, const std::vector<std::string>& options,
                                    std::size_t expected) {
  Extraction found{last_bracketed_letter(text), false, "letter_in_brackets"};
  if (!found.answer) found = {last_option_text(text, options), false, "option_text"};
  if (!found.answer) found = {last_letter_behind_colon(text, options.size()), false, "letter_behind_colon"};
  found.is_correct = found.answer && equals_letter(*found.answer, expected);
  return found;
}

/// `text` is not empty.
std::string_view without_last_character(std::string_view text) {
  std::size_t size = text.size() - 1;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

Extraction extract_lm_eval_strict(std::string_view text, std::size_t expected) {
  static constexpr std::string_view kPhrase = "The answer is ";
  for (std::size_t at = text.find(kPhrase); at != std::string_view::npos; at = text.find(kPhrase, at + 1)) {
    const std::size_t begin = at + kPhrase.size();
    std::string_view rest = text.substr(begin, text.find('\n', begin) - begin);
    if (rest.empty()) continue;
    rest = without_last_character(rest);
    const std::string_view said = trim_space(rest);
    return {std::string(said), equals_letter(said, expected), "the_answer_is"};
  }
  return {};
}

}  // namespace

Grade grade_choice_simple_evals(const Item& item, const Output& output) {
  return grade_of(extract_simple_evals(output.text, choice_answer_index(item.record)), item, output);
}

Grade grade_choice_inspect(const Item& item, const Output& output) {
  const std::size_t n_options = choice_options(item.record).size();
  return grade_of(extract_inspect(output.text, n_options, choice_answer_index(item.record)), item, output);
}

Grade grade_choice_lm_eval(const Item& item, const Output& output) {
  const std::string text = to_valid_utf8(output.text);
  const std::size_t expected = choice_answer_index(item.record);
  Grade grade = grade_of(extract_lm_eval_flexible(text, choice_options(item.record), expected), item, output);
  const Extraction strict = extract_lm_eval_strict(text, expected);
  grade.detail["strict_match"] = {{"answer", strict.answer ? Json(*strict.answer) : Json()},
                                  {"is_correct", strict.is_correct}};
  return grade;
}

Grade grade_choice_lm_eval_strict(const Item& item, const Output& output) {
  return grade_of(extract_lm_eval_strict(to_valid_utf8(output.text), choice_answer_index(item.record)), item, output);
}

}  // namespace assay::suites

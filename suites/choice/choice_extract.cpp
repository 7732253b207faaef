#include "suites/choice/choice_extract.h"

#include <algorithm>
#include <array>

#include "harness/base/text.h"
#include "suites/boxed.h"
#include "suites/fold.h"

namespace assay::suites {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";

bool is_alnum(char c) { return is_letter(c) || is_digit(c); }

/// The code point at `at`, or 0 at the end.
char32_t peek(std::string_view text, std::size_t at) { return at < text.size() ? next_code_point(text, at) : 0; }

/// Letters of scripts that are written without blanks don't continue a Latin word: "答案是C吗".
bool continues_word(char32_t c) {
  if (c < 0x80) return is_alnum(static_cast<char>(c)) || c == '_';
  return (c >= 0xC0 && c < 0x2000 && c != 0xD7 && c != 0xF7);
}

// --- Plain text ----------------------------------------------------------------------------------------------------

/// Removes TeX commands that set type, with the braces of those that take a group; `$` and math delimiters; emphasis.
std::string strip_emphasis(std::string_view text) {
  static constexpr std::array<std::string_view, 14> kCommands{
      "\\textbf", "\\textit", "\\textrm", "\\texttt", "\\text",       "\\mathbf", "\\mathrm",
      "\\mathit", "\\mathsf", "\\mathtt", "\\boxed",  "\\boldsymbol", "\\fbox",   "\\mbox"};
  static constexpr std::array<std::string_view, 5> kDelimiters{"\\(", "\\)", "\\[", "\\]", "\\$"};
  static constexpr std::string_view kMarks = "*_`$~";
  std::string out;
  std::vector<bool> is_dropped;  // for each open brace
  for (std::size_t at = 0; at < text.size();) {
    const auto begins = [&](std::string_view sign) { return text.substr(at, sign.size()) == sign; };
    if (const auto command = std::find_if(kCommands.begin(), kCommands.end(), begins); command != kCommands.end()) {
      const std::size_t brace = text.find_first_not_of(' ', at + command->size());
      if (brace != std::string_view::npos && text[brace] == '{') {
        is_dropped.push_back(true);
        at = brace + 1;
        continue;
      }
    }
    if (const auto sign = std::find_if(kDelimiters.begin(), kDelimiters.end(), begins); sign != kDelimiters.end()) {
      at += sign->size();
      continue;
    }
    const char c = text[at++];
    if (c == '{') is_dropped.push_back(false);
    if (c == '}' && !is_dropped.empty()) {
      const bool drop = is_dropped.back();
      is_dropped.pop_back();
      if (drop) continue;
    }
    if (kMarks.find(c) == std::string_view::npos) out += c;
  }
  return out;
}

/// Removes brackets and quotes around a single letter: "(C)" and "[ c ]" become " C " and " c ".
std::string unwrap_letters(std::string_view text) {
  static constexpr std::array<std::pair<char32_t, char32_t>, 10> kPairs{{
      {'(', ')'},
      {'[', ']'},
      {'{', '}'},
      {'<', '>'},
      {'"', '"'},
      {'\'', '\''},
      {U'\u201C', U'\u201D'},
      {U'\u2018', U'\u2019'},
      {U'\u300C', U'\u300D'},
      {U'\u3010', U'\u3011'},
  }};
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t next = at;
    const char32_t open = next_code_point(text, next);
    const auto pair = std::find_if(kPairs.begin(), kPairs.end(), [&](const auto& p) { return p.first == open; });
    if (pair != kPairs.end()) {
      const std::size_t letter = std::min(text.find_first_not_of(' ', next), text.size());
      if (letter < text.size() && is_letter(text[letter])) {
        std::size_t close = std::min(text.find_first_not_of(' ', letter + 1), text.size());
        if (peek(text, close) == pair->second) {
          next_code_point(text, close);
          out += {' ', text[letter], ' '};
          at = close;
          continue;
        }
      }
    }
    out += text.substr(at, next - at);
    at = next;
  }
  return out;
}

std::string plain(std::string_view text) { return unwrap_letters(strip_emphasis(text)); }

/// An option's text in the form in which clauses are compared with it.
std::string comparable(std::string_view text) {
  std::string folded = fold_case(fold_space(plain(fold_forms(text))));
  while (!folded.empty() && (folded.back() == '.' || folded.back() == ' ')) folded.pop_back();
  return folded;
}

// --- Clauses -------------------------------------------------------------------------------------------------------

class Clauses {
 public:
  Clauses(std::string_view text, const std::vector<std::string>& options) : text_(text), n_options_(options.size()) {
    for (const std::string& option : options) {
      options_.push_back(comparable(option));
      max_line_bytes_ = std::max(max_line_bytes_, 4 * option.size() + 64);
    }
  }

  ChoiceExtraction last() const {
    ChoiceExtraction found;
    for (std::size_t at = 0; at < text_.size(); ++at) {
      const std::size_t behind = behind_answer_word(at);
      if (behind == std::string_view::npos) continue;
      if (auto clause = read(behind); clause.option || clause.is_ambiguous) found = std::move(clause);
    }
    return found;
  }

  /// The option whose letter is a word at `at`; moves `at` behind it.
  std::optional<std::size_t> letter_at(std::size_t& at) const {
    if (at >= text_.size() || !is_letter(text_[at])) return std::nullopt;
    const auto option = static_cast<std::size_t>((text_[at] | 0x20) - 'a');
    if (option >= n_options_ || continues_word(peek(text_, at + 1))) return std::nullopt;
    const char next = at + 1 < text_.size() ? text_[at + 1] : ' ';
    // "A-T-G", "A's" and "B.2" go on; "C - because", "C." and "C, so" do not.
    const char32_t after = peek(text_, at + 2);
    const bool goes_on =
        ((next == '-' || next == '\'') && continues_word(after)) || (next == '.' && after >= '0' && after <= '9');
    if (goes_on || next == '+' || peek(text_, at + 1) == U'\u2019') return std::nullopt;
    ++at;
    return option;
  }

 private:
  std::size_t skip(std::size_t at, std::string_view set) const {
    return std::min(text_.find_first_not_of(set, at), text_.size());
  }

  /// The place behind "answer" or "答案" if it stands at `at` as a word of its own.
  std::size_t behind_answer_word(std::size_t at) const {
    static constexpr std::string_view kEnglish = "answer", kChinese = "答案";
    if (text_.substr(at, kChinese.size()) == kChinese) return at + kChinese.size();
    if ((text_[at] | 0x20) != 'a' || to_lower_ascii(text_.substr(at, kEnglish.size())) != kEnglish) {
      return std::string_view::npos;
    }
    const std::size_t behind = at + kEnglish.size();
    const bool is_word = (at == 0 || !is_alnum(text_[at - 1])) && !continues_word(peek(text_, behind));
    return is_word ? behind : std::string_view::npos;
  }

  /// Skips "is", 是 or 为, and a colon of any width.
  std::size_t behind_copula(std::size_t at, bool& found) const {
    at = skip(at, kBlanks);
    if (to_lower_ascii(text_.substr(at, 2)) == "is" && !continues_word(peek(text_, at + 2))) {
      at = skip(at + 2, kBlanks);
      found = true;
    } else if (text_.substr(at, 3) == "是" || text_.substr(at, 3) == "为") {
      at = skip(at + 3, kBlanks);
      found = true;
    }
    static constexpr std::array<char32_t, 4> kColons{':', U'\u2236', U'\uFE13', U'\uFE30'};
    if (std::find(kColons.begin(), kColons.end(), peek(text_, at)) == kColons.end()) return at;
    next_code_point(text_, at);
    found = true;
    return skip(at, kBlanks);
  }

  /// What is chosen behind the word "answer".
  ChoiceExtraction read(std::size_t at) const {
    bool has_copula = false;
    at = behind_copula(at, has_copula);
    const std::size_t line_end = std::min(text_.find('\n', at), text_.size());
    std::size_t behind = at;
    auto letter = letter_at(behind);
    const bool is_whole_line = letter && trim(text_.substr(behind, line_end - behind)).empty();
    if (!is_whole_line) {
      if (const auto option = option_with_text(text_.substr(at, line_end - at))) return {option, false, "option_text"};
    }
    if (!letter) return {};
    if (names_another(behind, *letter)) return {std::nullopt, true, "two_options"};
    if (is_article(at, has_copula)) return {};
    return {letter, false, "answer_line"};
  }

  /// The length of a joining word or sign at `at`, or 0.
  std::size_t join_at(std::size_t at) const {
    for (const std::string_view join : {"and", "or", ",", ";", "/", "&", "+", "|", "、", "或", "和"}) {
      if (to_lower_ascii(text_.substr(at, join.size())) != join) continue;
      const bool is_cut =
          is_letter(join.back()) && is_letter(at + join.size() < text_.size() ? text_[at + join.size()] : ' ');
      if (!is_cut) return join.size();
    }
    return 0;
  }

  /// True if another option's letter is joined to the one that ends at `at`: "A or C", "C, D", "C and D", "A/B", "A B".
  bool names_another(std::size_t at, std::size_t option) const {
    for (;;) {
      at = skip(at, " \t)]}");
      bool is_joined = false;
      while (const std::size_t n = join_at(at)) {
        at = skip(at + n, " \t");
        is_joined = true;
      }
      const std::size_t begin = at = skip(at, "([{");
      const auto other = letter_at(at);
      if (!other || is_article(begin, is_joined)) return false;
      if (*other != option) return true;
    }
  }

  /// "a" before another word is an article, not an option: "the answer is a matter of taste". So is a capital "A"
  /// unless "is" or a colon introduced it.
  bool is_article(std::size_t at, bool has_copula) const {
    if ((text_[at] | 0x20) != 'a' || (text_[at] == 'A' && has_copula)) return false;
    const std::size_t next = skip(at + 1, " \t");
    if (next == at + 1 || next >= text_.size() || !is_letter(text_[next])) return false;
    for (const std::string_view reason : {"because", "since", "as", "for", "so"}) {
      const bool is_word = !continues_word(peek(text_, next + reason.size()));
      if (is_word && to_lower_ascii(text_.substr(next, reason.size())) == reason) return false;
    }
    return true;
  }

  /// The one option whose text the line is; none if two options have that text.
  std::optional<std::size_t> option_with_text(std::string_view line) const {
    if (line.size() > max_line_bytes_) return std::nullopt;
    const std::string said = comparable(line);
    if (said.empty()) return std::nullopt;
    const auto first = std::find(options_.begin(), options_.end(), said);
    if (first == options_.end() || std::find(first + 1, options_.end(), said) != options_.end()) return std::nullopt;
    return static_cast<std::size_t>(first - options_.begin());
  }

  std::string_view text_;
  std::size_t n_options_;
  std::vector<std::string> options_;
  std::size_t max_line_bytes_ = 0;  ///< a longer line is no option's text, however it is spaced
};

/// The option if `text` is one letter and nothing else but closing marks: "C", "(C)", "C.", "C)".
std::optional<std::size_t> lone_letter(std::string_view text, const std::vector<std::string>& options) {
  const std::string letters = plain(text);
  std::string_view rest = trim(letters);
  std::size_t at = 0;
  const auto option = Clauses(rest, options).letter_at(at);
  if (!option) return std::nullopt;
  return rest.find_first_not_of(" \t\r\n.)]", at) == std::string_view::npos ? option : std::nullopt;
}

}  // namespace

ChoiceExtraction extract_choice(std::string_view reply, const std::vector<std::string>& options) {
  const std::string folded = fold_forms(reply);
  const std::string text = plain(folded);
  if (ChoiceExtraction clause = Clauses(text, options).last(); clause.option || clause.is_ambiguous) return clause;
  const Boxes boxes = find_boxes(folded);
  for (auto box = boxes.contents.rbegin(); box != boxes.contents.rend(); ++box) {
    if (const auto option = lone_letter(*box, options)) return {option, false, "boxed"};
  }
  if (const auto option = lone_letter(folded, options)) return {option, false, "whole_reply"};
  return {};
}

}  // namespace assay::suites

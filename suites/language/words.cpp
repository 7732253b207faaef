#include "suites/language/words.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "harness/base/text.h"
#include "suites/fold.h"

namespace assay::suites {

namespace {

/// The first and last code point of a block of letters.
struct Block {
  char32_t first, last;
  Script script;
};

// Source: the Unicode Character Database, Blocks.txt.
constexpr std::array<Block, 22> kBlocks{{
    {0x41, 0x24F, Script::latin},       {0x400, 0x52F, Script::cyrillic}, {0x600, 0x6FF, Script::arabic},
    {0x750, 0x77F, Script::arabic},     {0x8A0, 0x8FF, Script::arabic},   {0x900, 0x97F, Script::devanagari},
    {0x1100, 0x11FF, Script::hangul},   {0x1E00, 0x1EFF, Script::latin},  {0x3005, 0x3007, Script::han},
    {0x3041, 0x30FF, Script::kana},     {0x3130, 0x318F, Script::hangul}, {0x31F0, 0x31FF, Script::kana},
    {0x3400, 0x4DBF, Script::han},      {0x4E00, 0x9FFF, Script::han},    {0xAC00, 0xD7AF, Script::hangul},
    {0xF900, 0xFAFF, Script::han},      {0xFB50, 0xFDFF, Script::arabic}, {0xFE70, 0xFEFF, Script::arabic},
    {0x20000, 0x2FA1F, Script::han},    {0x30000, 0x323AF, Script::han},  {0x2DE0, 0x2DFF, Script::cyrillic},
    {0xA640, 0xA69F, Script::cyrillic},
}};

Script script_of(char32_t c) {
  for (const Block& block : kBlocks) {
    if (c >= block.first && c <= block.last) return block.script;
  }
  return Script::other;
}

/// Thai, Lao, Tibetan, Burmese and Khmer are written without blanks too.
bool is_written_without_blanks(char32_t c) { return (c >= 0xE00 && c <= 0x109F) || (c >= 0x1780 && c <= 0x17FF); }

bool is_word_letter(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
         (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME);
}

bool is_capital(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z';
  return utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_LU;
}

bool is_number_sign(char32_t c) { return c >= '0' && c <= '9'; }
bool is_greek(char32_t c) { return c >= 0x370 && c <= 0x3FF; }
bool is_apostrophe(char32_t c) { return c == '\'' || c == U'\u2019'; }

/// Full stops, colons, line breaks; "،" and "、" and commas go on.
bool ends_sentence(char32_t c) {
  static constexpr std::u32string_view kMarks = U".!?:;\n\u2026\u3002\uFF01\uFF1F\uFF1A\uFF1B\u061F\u061B\u0964";
  return c != ' ' && kMarks.find(c) != std::u32string_view::npos;
}

/// Signs that make a term of the word they touch.
bool is_operator(char32_t c) {
  return c == '_' || c == '^' || c == '=' || c == '\\' || c == '*' || c == '/' || is_number_sign(c);
}

bool is_neutral(std::string_view word) {
  static constexpr std::array<std::string_view, 33> kNeutral{
      "arccos", "arcsin", "arctan", "cm",  "cos", "cot", "csc", "det", "etc", "exp",  "gcd",
      "ghz",    "hz",     "inf",    "kg",  "khz", "km",  "lcm", "lg",  "lim", "ln",   "log",
      "max",    "mg",     "mhz",    "min", "ml",  "mm",  "mod", "sec", "sin", "sqrt", "tan"};
  static_assert(std::is_sorted(kNeutral.begin(), kNeutral.end()));
  return std::binary_search(kNeutral.begin(), kNeutral.end(), word);
}

class WordReader {
 public:
  explicit WordReader(std::string_view prose) {
    text_.reserve(prose.size());
    for (std::size_t at = 0; at < prose.size();) text_ += next_code_point(prose, at);
  }

  std::vector<Word> read() {
    std::vector<Word> words;
    bool starts_sentence = true;
    for (std::size_t at = 0; at < text_.size();) {
      if (!is_word_letter(text_[at])) {
        starts_sentence = starts_sentence || ends_sentence(text_[at]);
        ++at;
        continue;
      }
      const std::size_t end = word_end(at);
      if (counts(at, end)) {
        words.push_back(word(at, end, starts_sentence));
        starts_sentence = false;
      }
      at = end;
    }
    return words;
  }

 private:
  char32_t at_or_blank(std::size_t at) const { return at < text_.size() ? text_[at] : U' '; }

  std::size_t word_end(std::size_t at) const {
    const Script script = script_of(text_[at]);
    if (script == Script::han || script == Script::kana || is_written_without_blanks(text_[at])) return at + 1;
    std::size_t end = at + 1;
    while (end < text_.size()) {
      const bool goes_on = is_word_letter(text_[end]) && (script_of(text_[end]) == script || is_mark(text_[end]));
      const bool joins = script == Script::latin && is_apostrophe(text_[end]) && is_word_letter(at_or_blank(end + 1));
      if (!goes_on && !joins) break;
      ++end;
    }
    return end;
  }

  static bool is_mark(char32_t c) {
    return c >= 0x300 && utf8proc_category(static_cast<utf8proc_int32_t>(c)) < UTF8PROC_CATEGORY_ND &&
           utf8proc_category(static_cast<utf8proc_int32_t>(c)) >= UTF8PROC_CATEGORY_MN;
  }

  bool counts(std::size_t begin, std::size_t end) const {
    const std::size_t size = end - begin;
    if (is_mark(text_[begin])) return false;
    if (is_greek(text_[begin])) return size > 1;
    if (script_of(text_[begin]) != Script::latin) return true;
    const char32_t before = begin == 0 ? U' ' : text_[begin - 1], behind = at_or_blank(end);
    if (size == 1 || is_operator(before) || is_operator(behind) || behind == '(' || behind == '[') return false;
    const bool is_member = before == '.' && begin >= 2 && is_word_letter(text_[begin - 2]);
    if (is_member || (behind == '.' && is_word_letter(at_or_blank(end + 1)))) return false;
    const std::u32string_view word = std::u32string_view(text_).substr(begin, size);
    return std::none_of(word.begin() + 1, word.end(), is_capital);  // neither acronym nor identifier
  }

  Word word(std::size_t begin, std::size_t end, bool starts_sentence) const {
    Word word;
    bool is_ascii = true;
    for (std::size_t i = begin; i < end; ++i) {
      const char32_t c = is_apostrophe(text_[i]) ? U'\'' : text_[i];
      is_ascii = is_ascii && c < 0x80;
      append_utf8(word.text, c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    if (!is_ascii) word.text = to_lower(word.text);
    word.script = script_of(text_[begin]);
    word.starts_sentence = starts_sentence;
    word.is_capitalised = is_capital(text_[begin]);
    return word;
  }

  std::u32string text_;
};

/// Takes out runs of at most three capitalised Latin words between words of other scripts.
std::vector<Word> without_names(std::vector<Word> words) {
  static constexpr std::size_t kMaxNameWords = 3;
  const bool has_other_script =
      std::any_of(words.begin(), words.end(), [](const Word& word) { return word.script != Script::latin; });
  if (!has_other_script) return words;
  std::vector<Word> kept;
  for (std::size_t begin = 0; begin < words.size();) {
    std::size_t end = begin;
    bool is_name = true;
    for (; end < words.size() && words[end].script == Script::latin; ++end)
      is_name = is_name && words[end].is_capitalised;
    const bool is_left_out = is_name && end > begin && end - begin <= kMaxNameWords;
    if (end == begin) end = begin + 1;
    if (!is_left_out) kept.insert(kept.end(), words.begin() + begin, words.begin() + end);
    begin = end;
  }
  return kept;
}

}  // namespace

double token_count(const Word& word) {
  const bool is_character = word.script == Script::han || word.script == Script::kana;
  std::size_t at = 0;
  return is_character || is_written_without_blanks(next_code_point(word.text, at)) ? 0.5 : 1;
}

std::vector<Word> split_words(std::string_view prose) {
  std::vector<Word> words = WordReader(prose).read();
  words.erase(std::remove_if(words.begin(), words.end(),
                             [](const Word& word) { return word.script == Script::latin && is_neutral(word.text); }),
              words.end());
  return without_names(std::move(words));
}

}  // namespace assay::suites

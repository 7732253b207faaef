#pragma once
// A text as words that belong to some language.

#include <string>
#include <string_view>
#include <vector>

namespace assay::suites {

enum class Script { latin, cyrillic, arabic, devanagari, hangul, kana, han, other };

/// A word, or one character of a script that is written without blanks (han, kana, and those of `other` that are).
struct Word {
  std::string text;  ///< in lower case; an apostrophe inside belongs to it, as '
  Script script = Script::other;
  bool starts_sentence = false;  ///< a full stop, a colon, a line break or the like stands before it
  bool is_capitalised = false;   ///< its first letter is a capital
};

/// How many tokens a word counts: 1, and 1/2 for a character of a script without blanks (a Chinese word has about two).
double token_count(const Word& word);

/// The words of prose, in order. Left out is what stands the same in every language: single Latin and Greek letters
/// (variables), Latin words with digits or "_" or capitals inside (identifiers), those that touch "(", "[", "^" or "="
/// (calls, terms), acronyms, names of functions and units, and names in Latin letters (at most three capitalised words)
/// between words of other scripts.
std::vector<Word> split_words(std::string_view prose);

}  // namespace assay::suites

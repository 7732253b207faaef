#pragma once
// Tokens of a mathematical answer in TeX or plain text, with typography removed and spellings made one.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace assay::suites {

enum class MathTokenKind {
  number,   ///< digits with or without a point; group separators are gone
  letters,  ///< a run of letters in maths: a product of symbols, a unit or a word
  command,  ///< a TeX command without its backslash, or a function's name written without one
  text,     ///< what stands in \text{…} and the like; starts with a space if a word can be a unit only
  sign,     ///< one sign, such as "+", "(", "<=", "∪", "or"; "{" and "}" are TeX's groups, "\\{" and "\\}" braces
};

struct MathToken {
  MathTokenKind kind;
  std::string text;
  bool after_space = false;
};

/// Cuts `text` into tokens. What changes looks alone (spacing, \left, sizes, fonts, $, currency signs) vanishes, as do
/// boxes; synonyms become one (\leq and ≤ are "<="; \dfrac is "frac"; ^\circ is "°"); "1,000" and "1 000" outside
/// brackets and "1{,}000" anywhere are one number. An unknown command that begins with a known one is read as that one
/// and letters ("\pic" as \pi c), which is what becomes of "\pi c" where white space was lost. Linear time.
std::vector<MathToken> tokenize_math(std::string_view text);

}  // namespace assay::suites

#pragma once
// Tokens: a short TeX or plain expression cut into what exact arithmetic needs, with its typography removed.

#include <string>
#include <string_view>
#include <vector>

namespace assay::suites {

enum class TokenKind {
  number,  ///< digits, with a decimal point or not; group separators are gone
  plus,
  minus,
  times,
  over,
  power,
  open,      ///< ( or {
  close,     ///< ) or }
  fraction,  ///< \frac and its sizes; two groups follow
  equals,
  unit,   ///< a word inside \text{…} or \mathrm{…}, or one that is known as a unit; "percent" is none
  other,  ///< anything else: a letter, a comma, a per cent sign, an unknown command
};

struct Token {
  TokenKind kind;
  std::string text;
  std::size_t end;  ///< place behind it in the tokenised text
};

/// `text` without TeX's spacing commands, `$`, math delimiters and "{,}" around group separators: what tokenize()
/// expects.
std::string strip_typography(std::string_view text);

/// Tokens of a stripped text. Fonts, boxes, \left and \right vanish; degree signs vanish; "1,000" and "1 000" are one
/// number (groups of three), "204, 205" is two. Linear time.
std::vector<Token> tokenize(std::string_view stripped);

}  // namespace assay::suites

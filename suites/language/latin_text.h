#pragma once
// What the model of Latin-script languages is trained on.

#include <array>
#include <string_view>

#include "suites/language/languages.h"

namespace assay::suites {

/// One language's text: sentences of reasoning and of everyday matters, and its most frequent words.
struct LatinText {
  Language language;
  std::string_view sentences;
  std::string_view frequent_words;
};

/// English, German, French, Spanish, Italian, Portuguese. The sentences were written for this purpose; that a word is
/// frequent is a fact of the language.
const std::array<LatinText, 6>& latin_texts();

}  // namespace assay::suites

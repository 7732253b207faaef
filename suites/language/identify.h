#pragma once
// Which languages a text is written in, word by word.

#include <array>
#include <cstdint>
#include <string_view>

#include "suites/language/languages.h"

namespace assay::suites {

/// How much of a text is in which language. Tokens are those of suites/language/words.h.
struct LanguageUse {
  std::array<double, kLanguages> tokens{};  ///< by Language
  std::int64_t n_switches = 0;              ///< places where the next word is of another language

  double total_tokens() const;
  double share(Language language) const;  ///< in [0, 1]; 0 for an empty text
  Language dominant() const;              ///< the one with most tokens
  double switches_per_1000_tokens() const;
};

/// Labels each word of the text's prose with the most likely sequence of languages: scripts decide where they can,
/// letters and frequent words where they can't, and a change of language costs, less so between sentences. Any UTF-8;
/// time is linear in the text.
LanguageUse identify_languages(std::string_view text);

}  // namespace assay::suites

#pragma once
// The languages that reasoning is told apart in.

#include <array>
#include <cstddef>
#include <string_view>

#include "harness/base/result.h"

namespace assay::suites {

/// Spelled as their ISO 639-1 codes; `other` is any other language.
enum class Language { en, de, fr, es, it, pt, ru, ar, hi, zh, ja, ko, other };
inline constexpr std::size_t kLanguages = 13;
inline constexpr std::size_t kLatinLanguages = 6;  ///< the first six are written in Latin letters

std::string_view to_string(Language language);
/// Error{bad_input} naming the twelve codes.
Result<Language> parse_language(std::string_view code);

}  // namespace assay::suites

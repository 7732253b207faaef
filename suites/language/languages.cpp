#include "suites/language/languages.h"

#include "harness/base/text.h"

namespace assay::suites {

namespace {

constexpr std::array<std::string_view, kLanguages> kCodes{"en", "de", "fr", "es", "it", "pt",   "ru",
                                                          "ar", "hi", "zh", "ja", "ko", "other"};

}  // namespace

std::string_view to_string(Language language) { return kCodes[static_cast<std::size_t>(language)]; }

Result<Language> parse_language(std::string_view code) {
  for (std::size_t i = 0; i + 1 < kLanguages; ++i) {
    if (kCodes[i] == code) return static_cast<Language>(i);
  }
  return bad_input("must be one of en, de, fr, es, it, pt, ru, ar, hi, zh, ja, ko, is ", quoted_excerpt(code));
}

}  // namespace assay::suites

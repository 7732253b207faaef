#pragma once
// Folding: making texts comparable that a reader takes for the same.

#include <string>
#include <string_view>

namespace assay::suites {

/// `text` with presentation forms folded: full-width, half-width, small and mathematical-font characters become plain
/// ones, decimal digits of any script become 0–9, every kind of blank becomes a space (line breaks stay), and
/// characters that take no place (zero-width space, soft hyphen, byte order mark) go. Superscripts and fractions stay:
/// 2³ is not 23. Ill-formed UTF-8 becomes U+FFFD.
std::string fold_forms(std::string_view text);

/// `text` for a comparison that ignores case: Unicode case folding, then composed (NFC).
std::string fold_case(std::string_view text);

/// `text` with each run of Unicode white space turned into one space, and none at the ends.
std::string fold_space(std::string_view text);

/// `text` without Unicode white space at both ends. Must be well-formed UTF-8.
std::string_view trim_space(std::string_view text);

/// Each letter in lower case (simple mapping, letter by letter).
std::string to_lower(std::string_view text);

}  // namespace assay::suites

#pragma once
// Units of measure behind a value.

#include <string_view>

namespace assay::suites {

/// True for a bare word that is a unit of measure or a counted thing ("cm", "dollars").
bool is_unit_word(std::string_view word);

/// True for a word that names what was counted when it stands behind a number ("bananas"): lower case, four letters and
/// more, a vowel among them, and not one that changes the value ("squared", "more").
bool is_counted_thing(std::string_view word);

/// True for words behind a value that leave it as it is: " bananas", " per hour", but not " or more" or " squared".
bool is_unit_text(std::string_view text);

/// True for the symbol of a unit that is no word and might as well be a variable: "m", "J", "Pa".
bool is_unit_symbol(std::string_view symbol);

/// One spelling for the units that are compared ("centimeters" is "cm"); empty for any other.
std::string_view known_unit(std::string_view unit);

}  // namespace assay::suites

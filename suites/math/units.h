#pragma once
// Units of measure behind a value.

#include <string_view>

namespace assay::suites {

/// True for a bare word that is a unit of measure or a counted thing ("cm", "dollars").
bool is_unit_word(std::string_view word);

/// One spelling for the units that are compared ("centimeters" is "cm"); empty for any other.
std::string_view known_unit(std::string_view unit);

}  // namespace assay::suites

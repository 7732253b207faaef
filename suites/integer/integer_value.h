#pragma once
// Integers as text, of any size.

#include <optional>
#include <string>
#include <string_view>

namespace assay::suites {

/// The canonical form of a decimal integer ("025" → "25", "-0" → "0"): an optional sign and 1 to 4,000 ASCII digits,
/// with white space allowed at both ends. Nothing for any other text.
std::optional<std::string> parse_integer_value(std::string_view text);

}  // namespace assay::suites

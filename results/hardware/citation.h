#pragma once
// Reading where a published figure comes from: the same fields in profiles and price sheets.

#include "results/hardware/hardware.h"

namespace assay::results {

/// A string that holds more than white space, else Error{bad_input}.
Result<std::string> filled_string(const JsonObject& object, std::string_view key);
/// "2026-05-20" or "2026-05"; months and days that exist.
bool is_iso_date(std::string_view text);
/// The fields source, date and confidence; all are needed.
Result<Citation> parse_citation(const JsonObject& object);

}  // namespace assay::results

#pragma once
// Standard output: what a command gives. Everything for people to watch goes through harness/base/log.h.

#include <string>
#include <string_view>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace assay::cli {

/// Writes all of `text`. Error{environment} with the system's reason (a full disk, a closed file).
Result<> print(std::string_view text);
/// One JSON document, indented, and a newline.
Result<> print_json(const Json& document);
/// One JSON document on one line.
Result<> print_json_line(const Json& document);

/// All of standard input. Error{bad_input} beyond `max_bytes`.
Result<std::string> read_standard_input(std::size_t max_bytes = std::size_t{1} << 30);

/// Rows as columns of text, two spaces apart, the first row as heading; ends with a newline.
std::string text_table(const std::vector<std::vector<std::string>>& rows);

/// "2026-11-22 05:06:07Z" for Unix milliseconds.
std::string utc_text(std::int64_t unix_ms);

}  // namespace assay::cli

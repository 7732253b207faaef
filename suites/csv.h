#pragma once
// Comma-separated tables as RFC 4180 has them: quoted fields, doubled quotes, line breaks inside quotes.

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace assay::suites {

/// A table with a row of names at its head.
struct CsvTable {
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> rows;  ///< each as long as `names`
  std::vector<int> lines;                      ///< the line on which each row begins; the names are on line 1

  /// The place of a column; Error{bad_input} beginning with `where` and naming the column if there is none.
  Result<std::size_t> column(std::string_view name, std::string_view where) const;
};

/// Reads a table of at least one row. Lines end with \n or \r\n; a byte order mark and an empty last line are skipped.
/// Error{bad_input}: "WHERE: line N: …" for a row of another length, a quote that never closes or stands inside a plain
/// field, text that is not UTF-8, or a column named twice. No message quotes a field.
Result<CsvTable> parse_csv(std::string_view text, std::string_view where);

}  // namespace assay::suites

// A row for each sample, as RFC 4180 has it.
#include "harness/base/text.h"
#include "results/export/export_parts.h"
#include "results/export/sample_columns.h"

namespace assay::results {

namespace {

/// A text as a cell. A spreadsheet computes a cell that begins with one of these, unless an apostrophe stands before
/// it; what is a number is no formula.
std::string text_cell(std::string_view text) {
  constexpr std::string_view kBeginsFormula = "=+-@\t\r";
  std::string value = to_valid_utf8(text);
  if (!value.empty() && kBeginsFormula.find(value[0]) != std::string_view::npos && !parse_number(value)) {
    value.insert(value.begin(), '\'');
  }
  if (value.find_first_of(",\"\r\n") == std::string::npos) return value;
  return "\"" + replace_all(value, "\"", "\"\"") + "\"";
}

std::string csv_cell(const SampleCell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return text_cell(*text);
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return to_text(*integer);
  if (const auto* number = std::get_if<double>(&cell)) return to_text(*number);
  return "";
}

std::string csv_line(const std::vector<std::string>& cells) { return join(cells, ",") + "\r\n"; }

}  // namespace

Result<> export_csv(const Store& store, std::span<const RunId> runs, bool include_protected, const TextSink& sink) {
  std::vector<std::string> line;
  for (const SampleColumn& column : sample_columns()) line.emplace_back(column.name);
  ASSAY_TRY(sink(csv_line(line)));
  return for_each_row(store, runs, include_protected, [&](std::span<const SampleCell> cells) {
    line.clear();
    for (const SampleCell& cell : cells) line.push_back(csv_cell(cell));
    return sink(csv_line(line));
  });
}

}  // namespace assay::results

#include "results/text_table.h"

#include <algorithm>

#include "harness/base/text.h"

namespace assay::results {

namespace {

std::size_t width(std::string_view text) {
  std::size_t n = 0;
  for (std::size_t at = 0; at < text.size(); ++n) next_code_point(text, at);
  return n;
}

}  // namespace

std::string text_table(const std::vector<std::vector<std::string>>& rows,
                       const std::vector<std::size_t>& left_columns) {
  const auto is_left = [&](std::size_t column) {
    return column == 0 || std::find(left_columns.begin(), left_columns.end(), column) != left_columns.end();
  };
  std::size_t n_columns = 0;
  for (const auto& row : rows) n_columns = std::max(n_columns, row.size());
  std::vector<std::size_t> widths(n_columns);
  for (const auto& row : rows) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      const bool may_jut_out = column + 1 == row.size() && row.size() < n_columns && is_left(column);
      if (!may_jut_out) widths[column] = std::max(widths[column], width(row[column]));
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) {
      const std::size_t cell_width = width(row[column]);
      const std::string padding(widths[column] - std::min(widths[column], cell_width), ' ');
      line += (column == 0 ? "" : "  ") + (is_left(column) ? row[column] + padding : padding + row[column]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace assay::results

#pragma once
// Aligned columns of text for terminals.

#include <string>
#include <vector>

namespace assay::results {

/// Rows of cells as lines, each column as wide as its widest cell, two blanks between columns, no blanks at the end of
/// a line. The first column is set to the left; the others to the right, or to the left where `left_columns` names
/// them. Width counts code points. Rows may be of different lengths; a left cell that ends a shorter row may jut out of
/// its column.
std::string text_table(const std::vector<std::vector<std::string>>& rows,
                       const std::vector<std::size_t>& left_columns = {});

}  // namespace assay::results

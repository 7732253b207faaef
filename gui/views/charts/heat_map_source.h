#pragma once
// Outcomes of items (rows) in runs (columns), as data.

#include <QString>
#include <optional>

#include "results/facts.h"

namespace assay::gui {

/// The samples of one item in one run.
struct HeatCell {
  results::Verdict verdict = results::Verdict::correct;  ///< the most frequent: its letter and colour
  double correct_ratio = 0;                              ///< the part of the cell that is filled
  int n_samples = 1;
};

/// What a heat map shows. Asked for visible cells only, in the window's thread: it answers from memory.
class HeatMapSource {
 public:
  virtual ~HeatMapSource() = default;
  virtual int n_rows() const = 0;
  virtual int n_columns() const = 0;
  virtual QString row_name(int row) const = 0;
  virtual QString column_name(int column) const = 0;
  /// Nothing: no sample is stored there.
  virtual std::optional<HeatCell> cell(int row, int column) const = 0;
  /// Plain text, lines: names, counts of each outcome, n, why something is missing.
  virtual QString tooltip(int row, int column) const = 0;
};

/// A row an item, a column a run: the most frequent outcome, and the share of correct samples. Empty without cells.
QString heat_map_csv(const HeatMapSource& source);

}  // namespace assay::gui

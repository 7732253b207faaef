#pragma once
// Which columns of the table of runs say the same of all rows, found a few rows at a time: of thousands of runs at once
// it would hold the window's thread.

#include <QObject>
#include <QTimer>
#include <functional>
#include <vector>

#include "gui/models/run_columns.h"

namespace assay::gui {

class EqualColumns : public QObject {
  Q_OBJECT

 public:
  /// Rows that are looked at in one turn of the event loop.
  static constexpr int kRowsATurn = 200;
  using Cell = std::function<RunCell(int row, RunColumn column)>;

  /// `cell` is asked in the window's thread.
  EqualColumns(Cell cell, QObject* parent);

  /// Rows are other ones now, or say something else; `figures_alone`: only in columns that need figures. Until all rows
  /// are looked at, columns() are those of before.
  void look(int n_rows, bool figures_alone);
  /// None with fewer than two rows. A column that is still being read somewhere is not equal.
  const std::vector<RunColumn>& columns() const { return columns_; }
  bool is_busy() const { return turn_.isActive(); }

 signals:
  void changed();

 private:
  void look_on();

  Cell cell_;
  std::vector<RunColumn> columns_;
  std::vector<RunColumn> kept_;                            ///< equal ones that are not looked at again
  std::vector<std::pair<RunColumn, QString>> candidates_;  ///< with what the first row says
  int n_rows_ = 0, next_row_ = 0;
  bool must_look_again_ = false;  ///< figures came meanwhile
  QTimer turn_;
};

}  // namespace assay::gui

#pragma once
// What stands above the table of runs: the filter by words, how many runs are shown, which columns.

#include "gui/models/run_columns.h"
#include "gui/views/page.h"

class QLabel;
class QLineEdit;
class QMenu;
class QPushButton;
class QToolButton;

namespace assay::gui {

/// The columns that the user chose (the setting "runs.columns", keys joined by ','), else those that are shown at
/// first.
QList<RunColumn> chosen_columns(const ViewState& state);
/// Whether columns that say the same of all rows are left out (the setting "hide_equal").
bool hides_equal_columns(const ViewState& state);

class RunsBar : public QWidget {
  Q_OBJECT

 public:
  RunsBar(const PageContext& context, QWidget* parent = nullptr);

  /// Draws the state now, in which so many of all runs are shown.
  void refresh(int n_shown, int n_all);
  QLineEdit* search() { return search_; }
  /// Columns to choose from.
  QMenu* column_menu() { return column_menu_; }
  /// Puts the keyboard into the filter.
  void find();

 signals:
  void left_downwards();  ///< from the filter an arrow goes on to the rows that it left

 protected:
  bool eventFilter(QObject* object, QEvent* event) override;

 private:
  void make_search();
  void make_buttons();
  void take_search(const QString& text);
  void take_column(RunColumn column, bool is_on);
  void fill_column_menu();

  PageContext context_;
  QLineEdit* search_ = nullptr;
  QLabel* count_ = nullptr;
  QToolButton* hide_equal_ = nullptr;
  QPushButton* columns_ = nullptr;
  QMenu* column_menu_ = nullptr;
  bool is_drawing_ = false;
};

}  // namespace assay::gui

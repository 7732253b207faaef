#pragma once
// All samples, sorted and filtered.

#include "gui/views/items/items_pane.h"

class QCheckBox;
class QComboBox;
class QLineEdit;

namespace assay::gui {

class SamplesIndex;

/// The samples of the chosen runs, or of all runs of all open databases, in one order. Settings: "items.filter",
/// "items.verdict", "items.all", "items.sort". It reads while it is in sight.
class SamplesPane : public ItemsPane {
  Q_OBJECT

 public:
  SamplesPane(const PageContext& context, QWidget* parent);
  bool is_busy() const override;

 protected:
  void show_state(const ChosenRuns& chosen) override;

 private:
  void take_sort(int column);
  void show_status();

  SamplesIndex* samples_;
  QTableView* table_;
  QLineEdit* filter_;
  QComboBox* verdict_;
  QCheckBox* all_runs_;
  QLabel* status_;
  qint64 n_databases_ = 0;
};

}  // namespace assay::gui

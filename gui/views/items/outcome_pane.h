#pragma once
// The heat map of items × runs.

#include "gui/models/latest_job.h"
#include "gui/models/outcome_matrix.h"
#include "gui/models/transcript.h"
#include "gui/views/items/items_pane.h"

class QCheckBox;
class QComboBox;

namespace assay::gui {

/// Which outcome each run had on each item of the state's suite. The cell that is current is the state's item and, in
/// setting "items.run", the run beside the first. Setting "items.differ" leaves out items on which all runs agree.
class OutcomePane : public ItemsPane {
  Q_OBJECT

 public:
  OutcomePane(const PageContext& context, QWidget* parent);

  bool is_busy() const override { return job_.is_running(); }
  const OutcomeMatrix& matrix() const { return outcomes_->matrix(); }
  /// The item before or behind the current one.
  void step(int by);
  /// The current item's replies: the first run's, and that of the run beside it.
  std::vector<TranscriptRequest> wanted_replies() const;
  QString as_csv() const;
  QString as_sql() const;

 signals:
  void matrix_changed();

 protected:
  void show_state(const ChosenRuns& chosen) override;

 private:
  void read(const ChosenRuns& chosen);
  void show_suites();
  void show_status();
  void show_current();
  void take_cell(const QModelIndex& index);

  OutcomeModel* outcomes_;
  QTableView* table_;
  QComboBox* suite_;
  QCheckBox* only_differing_;
  QLabel* status_;
  LatestJob job_;
  QString question_;
};

}  // namespace assay::gui

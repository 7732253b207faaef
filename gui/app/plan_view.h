#pragma once
// What a run will take, as a small table with where it comes from.

#include <QLabel>

#include "gui/models/run_plan.h"
#include "gui/views/panel.h"

namespace assay::gui {

class PlanView : public QWidget {
  Q_OBJECT

 public:
  explicit PlanView(QWidget* parent = nullptr);
  void show_plan(const RunPlan& plan);
  /// Why there is no plan.
  void show_message(const QString& text);
  /// All that is shown; for screen readers and tests.
  QString text() const;

 private:
  QLabel* size_;
  DataTable* figures_;
  QLabel* notes_;
};

}  // namespace assay::gui

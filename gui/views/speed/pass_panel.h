#pragma once
// Where the time of a pass goes: strips of operations, their sums, and what each layer takes.

#include <QComboBox>

#include "gui/models/pass_timeline.h"
#include "gui/views/panel.h"

namespace assay::gui {

class PassPanel : public Panel {
  Q_OBJECT

 public:
  explicit PassPanel(QWidget* parent);
  /// Shows the pass of this name (the first one for another) and the stretch of it that stretch_text() names.
  void show_timelines(const PassTimelines& timelines, const QString& pass, const QString& stretch);

 signals:
  void passChosen(const QString& name);
  void stretchChosen(const QString& stretch);

 private:
  void set_stretches(const std::vector<const PassTimeline*>& timelines, const QString& chosen);

  QWidget* controls_;
  QComboBox *pass_, *stretch_;
  ChartView *strip_, *operations_, *layers_;
  DataTable *passes_table_, *operations_table_;
};

}  // namespace assay::gui

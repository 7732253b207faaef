#pragma once
// The chosen runs, above every page: shape and colour of their series, name, which one is the baseline.

#include <QWidget>

#include "gui/models/navigator.h"
#include "gui/models/workspace.h"

class QHBoxLayout;

namespace assay::gui {

class SelectionBar : public QWidget {
  Q_OBJECT

 public:
  SelectionBar(Workspace& workspace, Navigator& navigator, QWidget* parent = nullptr);
  /// Shows the state's runs. What is shown already stays, and keeps its focus.
  void refresh();

 private:
  QString title_of(const QString& run_id) const;
  QWidget* make_chip(const QString& run_id, int index);
  void drop(const QString& run_id);
  void make_baseline(const QString& run_id);

  Workspace& workspace_;
  Navigator& navigator_;
  QHBoxLayout* chips_ = nullptr;
  QStringList shown_;
};

}  // namespace assay::gui

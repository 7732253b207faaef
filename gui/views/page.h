#pragma once
// A page of the window.

#include <QWidget>
#include <memory>
#include <vector>

#include "gui/models/navigator.h"
#include "gui/models/workspace.h"

namespace assay::gui {

/// What every page is given. All outlive it.
struct PageContext {
  Workspace& workspace;
  Navigator& navigator;
};

/// A page draws the navigator's state from the workspace's runs and reads what else it needs off the window's thread
/// (LatestJob). While it is hidden it reads nothing: it draws itself when it is shown.
class Page : public QWidget {
  Q_OBJECT

 public:
  using QWidget::QWidget;

  /// One of page_names().
  virtual QString name() const = 0;
  virtual QString title() const = 0;
  /// Draws what the navigator's state says now. Called when the page is shown, and while it is shown whenever state or
  /// runs change.
  virtual void refresh() = 0;
  /// True while something that the page shows is still being read: a screenshot waits for the end of it.
  virtual bool is_busy() const = 0;
  /// The page's main table as CSV, and the SQL that gives the same from the database; empty where there is none.
  virtual QString as_csv() const { return {}; }
  virtual QString as_sql() const { return {}; }
};

}  // namespace assay::gui

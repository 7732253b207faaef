#pragma once
// The page of items: outcomes of items × runs, all samples, a search in all replies; beside them the replies
// themselves.

#include "gui/views/page.h"

class QTabWidget;

namespace assay::gui {

class OutcomePane;
class RepliesPane;
class SamplesPane;
class SearchPane;

/// Shows the state's runs (the newest two, if none is chosen) on its suite, item and sample: the baseline's reply, and
/// beside it that of the run in setting "items.run". Setting "items.tab" is the list in sight; each pane names its own.
class ItemsPage : public Page {
  Q_OBJECT

 public:
  ItemsPage(const PageContext& context, QWidget* parent);

  QString name() const override { return "items"; }
  QString title() const override { return tr("Items"); }
  void refresh() override;
  bool is_busy() const override;
  QString as_csv() const override;
  QString as_sql() const override;

 private:
  void make_actions();
  void take_tab(int tab);

  PageContext context_;
  QTabWidget* tabs_;
  OutcomePane* outcomes_;
  SamplesPane* samples_;
  SearchPane* search_;
  RepliesPane* replies_;
  bool is_refreshing_ = false;
};

}  // namespace assay::gui

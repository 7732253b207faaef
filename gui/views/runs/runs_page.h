#pragma once
// The page of runs: a table with facets beside it.

#include <QTimer>

#include "gui/models/run_columns.h"
#include "gui/views/page.h"

class QLabel;
class QMenu;
class QTableView;
class QTreeView;

namespace assay::gui {

class FacetModel;
class RunCellDelegate;
class RunsBar;
class RunsTable;

/// Chooses runs: what is selected in the table are the state's runs. Its columns are those of runs_bar.h.
class RunsPage : public Page {
  Q_OBJECT

 public:
  RunsPage(const PageContext& context, QWidget* parent);
  ~RunsPage() override;

  QString name() const override { return "runs"; }
  QString title() const override { return tr("Runs"); }
  void refresh() override;
  bool is_busy() const override;
  QString as_csv() const override;
  QString as_sql() const override;

 protected:
  void resizeEvent(QResizeEvent* event) override;
  void showEvent(QShowEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void make_table();
  void make_actions();
  void show_columns();
  void show_selection();
  void show_empty_text();
  void show_visible_rows();
  void take_selection();
  void take_facet(const QString& facet, const QString& value, bool is_chosen);
  void take_sort(int section);
  void open_chosen(const QString& page);
  void pin_baseline();
  void copy(const QString& text);
  QList<int> chosen_rows() const;
  QList<int> all_rows() const;
  QStringList ids_of(const QList<int>& rows) const;
  QList<RunColumn> shown_columns() const;

  PageContext context_;
  RunsTable* model_ = nullptr;
  FacetModel* facets_ = nullptr;
  RunCellDelegate* delegate_ = nullptr;
  RunsBar* bar_ = nullptr;
  QTableView* table_ = nullptr;
  QTreeView* facet_tree_ = nullptr;
  QMenu* row_menu_ = nullptr;
  QLabel* empty_ = nullptr;
  QTimer visible_timer_;
  bool is_refreshing_ = false;
};

}  // namespace assay::gui

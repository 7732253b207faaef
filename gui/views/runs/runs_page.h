#pragma once
// The page of runs: a table with facets beside it.

#include <QTimer>

#include "gui/views/page.h"

class QLabel;
class QLineEdit;
class QMenu;
class QTableView;
class QToolButton;
class QTreeView;

namespace assay::gui {

class FacetModel;
class RunCellDelegate;
class RunsTable;

/// Chooses runs: what is selected in the table are the state's runs. Columns that the user chose are the setting
/// "runs.columns" (keys joined by ','), "hide_equal" leaves out columns that say the same of all rows.
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
  bool eventFilter(QObject* object, QEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  QWidget* make_bar();
  void make_table();
  void make_actions();
  void show_columns();
  void show_selection();
  void show_empty_text();
  void show_visible_rows();
  void take_selection();
  void take_search(const QString& text);
  void take_facet(const QString& facet, const QString& value, bool is_chosen);
  void take_sort(int section);
  void fill_column_menu();
  void open_chosen(const QString& page);
  void pin_baseline();
  void copy(const QString& text);
  QList<int> chosen_rows() const;
  QString csv_of(const QList<int>& rows) const;
  QString sql_of(const QStringList& run_ids) const;

  PageContext context_;
  RunsTable* model_ = nullptr;
  FacetModel* facets_ = nullptr;
  RunCellDelegate* delegate_ = nullptr;
  QTableView* table_ = nullptr;
  QTreeView* facet_tree_ = nullptr;
  QLineEdit* search_ = nullptr;
  QToolButton* hide_equal_ = nullptr;
  QMenu* column_menu_ = nullptr;
  QMenu* row_menu_ = nullptr;
  QLabel* count_ = nullptr;
  QLabel* empty_ = nullptr;
  QTimer visible_timer_;
  bool is_refreshing_ = false;
};

}  // namespace assay::gui

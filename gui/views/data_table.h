#pragma once
// Tables of pages.

#include <QTableView>
#include <vector>

#include "gui/models/table.h"

namespace assay::gui {

/// A Table in a window: as high as its rows, up to a limit. Columns are as wide as their texts; where they have no room
/// beside each other, texts wrap, the longest first, and figures stay whole. Enter or a double click chooses a row;
/// Ctrl+C copies the table as CSV.
class DataTable : public QTableView {
  Q_OBJECT

 public:
  explicit DataTable(QWidget* parent);
  void set_table(Table table);
  const Table& table() const { return model_.table(); }
  TableModel* table_model() { return &model_; }
  /// Rows that are shown without scrolling.
  void set_max_rows(int n);
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 public slots:
  void copyAsCsv() const;

 signals:
  void chosen(const QString& key);

 protected:
  void changeEvent(QEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  struct ColumnWidth {
    int in_one_line = 0;  ///< for the title and all texts
    int least = 0;        ///< for figures as they are and a word in a line
  };
  int room_of_cell() const;
  void measure();
  /// Of the columns, so that they have room beside each other if that can be.
  std::vector<int> fitted_widths(int room) const;
  void lay_out();
  int n_lines_of_row(int row) const;

  TableModel model_;
  std::vector<ColumnWidth> widths_;
  int max_rows_ = 20;
};

}  // namespace assay::gui

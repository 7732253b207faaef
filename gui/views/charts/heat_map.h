#pragma once
// Outcomes of items (rows) in runs (columns), drawn.

#include <QAbstractScrollArea>

#include "gui/views/charts/heat_map_source.h"
#include "gui/views/charts/painted_parts.h"

namespace assay::gui {

/// Draws what is visible of any number of rows; names of rows and columns stay in place. Arrow keys, Page, Home and End
/// go from cell to cell, Enter or a click chooses one, Ctrl+C copies all as CSV. Screen readers find a child per cell.
class HeatMap : public QAbstractScrollArea, public PaintedParts {
  Q_OBJECT

 public:
  explicit HeatMap(QWidget* parent = nullptr);
  ~HeatMap() override;

  /// `source` outlives the widget or the next set_source; nullptr shows `empty_text`.
  void set_source(const HeatMapSource* source, const QString& empty_text = {});
  /// Rows, columns or cells are other ones now. The current cell stays if it still exists.
  void source_changed();

  int current_row() const { return current_row_; }
  int current_column() const { return current_column_; }
  /// Moves the cursor and scrolls there; cells that don't exist are ignored.
  void set_current(int row, int column);
  /// Where a cell lies in the viewport; may lie outside of it.
  QRect cell_box(int row, int column) const;
  /// A row an item, a column a run: the most frequent outcome, and the share of correct samples.
  QString as_csv() const;

  QWidget& canvas() override { return *viewport(); }
  int n_parts() const override;
  QString part_name(int part) const override;
  QRect part_box(int part) const override;
  int part_at(const QPoint& at) const override;
  int current_part() const override;
  void choose_part(int part) override;
  QAccessible::Role widget_role() const override { return QAccessible::Table; }
  QAccessible::Role part_role() const override { return QAccessible::Cell; }
  QString description() const override;
  QSize sizeHint() const override { return {480, 360}; }

 signals:
  void chosen(int row, int column);
  void currentChanged(int row, int column);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void scrollContentsBy(int dx, int dy) override;
  void keyPressEvent(QKeyEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;
  bool viewportEvent(QEvent* event) override;
  void changeEvent(QEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;

 private:
  struct Measures {
    int row_height = 20, column_width = 28;
    int names_width = 80, names_height = 24;  // of the rows' and the columns' names
    bool turns_names = false;                 // columns' names read from bottom to top
  };

  bool has_cells() const;
  /// Finds the sizes, and once more where that showed or hid a scroll bar.
  void measure();
  void measure_once();
  QPoint cell_at(const QPoint& at) const;  // {column, row}; -1 outside
  void paint_cells(QPainter& painter, const QRect& rows_and_columns) const;
  void paint_names(QPainter& painter, const QRect& rows_and_columns) const;

  const HeatMapSource* source_ = nullptr;
  QString empty_text_;
  Measures measures_;
  bool is_measuring_ = false;
  int current_row_ = -1, current_column_ = -1;
};

}  // namespace assay::gui

#pragma once
// A small table as data, and a model that shows it. For tables of a comparison, a profile, a cost: at most some
// thousand rows that are there already. Rows of a database are another matter.

#include <QAbstractTableModel>
#include <QString>
#include <QStringList>
#include <optional>
#include <vector>

#include "gui/models/figure_text.h"

namespace assay::gui {

/// How a cell stands out; always said by its text, too.
enum class CellTone { plain, muted, better, worse, strong };

struct TableCell {
  QString text;
  QString tooltip;                            ///< plain text, lines
  std::optional<double> value;                ///< of a figure: what CSV holds
  std::optional<results::Interval> interval;  ///< of a figure: CSV has a column for each end
  bool is_figure = false;                     ///< set to the right, also where it is not known
  CellTone tone = CellTone::plain;
};

TableCell text_cell(QString text, QString tooltip = {}, CellTone tone = CellTone::plain);
/// `tooltip` where the value is known, `reason` where it is not.
TableCell figure_cell(const std::optional<double>& value, FigureText text, QString tooltip = {}, QString reason = {});
/// An interval of a figure.
TableCell interval_cell(const std::optional<results::Interval>& interval, FigureText text, QString tooltip = {},
                        QString reason = {});

struct TableColumn {
  QString title;
  QString tooltip;  ///< what the column means
  bool is_figure = false;
};

struct Table {
  QString name;  ///< for screen readers and messages
  std::vector<TableColumn> columns;
  std::vector<std::vector<TableCell>> rows;  ///< as many cells as columns, or fewer
  std::vector<QString> row_keys;             ///< empty, or one a row: given back when it is chosen
};

/// RFC 4180, with a header. Figures are written as numbers that read back, unknown ones as empty cells.
QString table_csv(const Table& table);

class TableModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  using QAbstractTableModel::QAbstractTableModel;
  enum Role { key_role = Qt::UserRole, tone_role };

  void set_table(Table table);
  const Table& table() const { return table_; }
  /// The key of a row; empty without one.
  QString key_of(int row) const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

 private:
  const TableCell* cell_of(const QModelIndex& index) const;
  Table table_;
};

}  // namespace assay::gui

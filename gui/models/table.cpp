#include "gui/models/table.h"

#include <cmath>

#include "gui/models/plain_text.h"
#include "harness/base/text.h"

namespace assay::gui {

namespace {

QString csv_text_of(const TableCell& cell) {
  if (cell.value) return QString::fromStdString(to_text(*cell.value));
  return cell.text == unknown_text() ? QString() : csv_cell(cell.text);
}

/// An end that is not there is an empty cell.
QString end_text(double end) { return std::isfinite(end) ? QString::fromStdString(to_text(end)) : QString(); }

Qt::Alignment alignment_of(bool is_figure) { return Qt::AlignVCenter | (is_figure ? Qt::AlignRight : Qt::AlignLeft); }

}  // namespace

TableCell text_cell(QString text, QString tooltip, CellTone tone) {
  TableCell cell;
  cell.text = std::move(text);
  cell.tooltip = std::move(tooltip);
  cell.tone = tone;
  return cell;
}

TableCell figure_cell(const std::optional<double>& value, FigureText text, QString tooltip, QString reason) {
  TableCell cell;
  cell.text = figure_or_dash(value, text);
  cell.tooltip = value ? std::move(tooltip) : std::move(reason);
  cell.value = value;
  cell.is_figure = true;
  if (!value) cell.tone = CellTone::muted;
  return cell;
}

TableCell interval_cell(const std::optional<results::Interval>& interval, FigureText text, QString tooltip,
                        QString reason) {
  TableCell cell;
  cell.text = interval_text(interval, text);
  cell.interval = interval;
  cell.tooltip = interval ? std::move(tooltip) : std::move(reason);
  cell.is_figure = true;
  if (!interval) cell.tone = CellTone::muted;
  return cell;
}

QString table_csv(const Table& table) {
  std::vector<bool> holds_intervals(table.columns.size(), false);
  for (const std::vector<TableCell>& row : table.rows) {
    for (std::size_t i = 0; i < row.size() && i < holds_intervals.size(); ++i) {
      if (row[i].interval) holds_intervals[i] = true;
    }
  }
  QStringList header;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const QString& title = table.columns[i].title;
    header << (holds_intervals[i] ? csv_cell(title + " low") + "," + csv_cell(title + " high") : csv_cell(title));
  }
  QString csv = header.join(',') + "\r\n";
  for (const std::vector<TableCell>& row : table.rows) {
    QStringList cells;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const TableCell cell = i < row.size() ? row[i] : TableCell();
      if (holds_intervals[i]) {
        cells << (cell.interval ? end_text((*cell.interval)[0]) + "," + end_text((*cell.interval)[1]) : ",");
      } else {
        cells << csv_text_of(cell);
      }
    }
    csv += cells.join(',') + "\r\n";
  }
  return csv;
}

void TableModel::set_table(Table table) {
  beginResetModel();
  table_ = std::move(table);
  endResetModel();
}

QString TableModel::key_of(int row) const {
  const auto at = static_cast<std::size_t>(row);
  return row >= 0 && at < table_.row_keys.size() ? table_.row_keys[at] : QString();
}

int TableModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(table_.rows.size());
}

int TableModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(table_.columns.size());
}

const TableCell* TableModel::cell_of(const QModelIndex& index) const {
  if (!index.isValid() || index.row() >= rowCount()) return nullptr;
  const std::vector<TableCell>& row = table_.rows[static_cast<std::size_t>(index.row())];
  const auto column = static_cast<std::size_t>(index.column());
  return column < row.size() ? &row[column] : nullptr;
}

QVariant TableModel::data(const QModelIndex& index, int role) const {
  const TableCell* cell = cell_of(index);
  if (cell == nullptr) return {};
  switch (role) {
    case Qt::DisplayRole:
      return cell->text;
    case Qt::ToolTipRole:
      return tooltip_html(cell->tooltip);
    case Qt::AccessibleDescriptionRole:
      return cell->tooltip;
    case Qt::TextAlignmentRole:
      return QVariant::fromValue(
          alignment_of(cell->is_figure || table_.columns[static_cast<std::size_t>(index.column())].is_figure));
    case key_role:
      return key_of(index.row());
    case tone_role:
      return static_cast<int>(cell->tone);
    default:
      return {};
  }
}

QVariant TableModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= columnCount()) return {};
  const TableColumn& column = table_.columns[static_cast<std::size_t>(section)];
  if (role == Qt::DisplayRole) return column.title;
  if (role == Qt::ToolTipRole) return tooltip_html(column.tooltip);
  if (role == Qt::TextAlignmentRole) return QVariant::fromValue(alignment_of(column.is_figure));
  return {};
}

}  // namespace assay::gui

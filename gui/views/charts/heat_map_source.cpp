#include "gui/views/charts/heat_map_source.h"

#include <QStringList>

#include "gui/models/plain_text.h"

namespace assay::gui {

QString heat_map_csv(const HeatMapSource& source) {
  if (source.n_rows() == 0 || source.n_columns() == 0) return {};
  QStringList head{"item"};
  for (int column = 0; column < source.n_columns(); ++column) {
    head << csv_cell(source.column_name(column)) << csv_cell(source.column_name(column) + " correct_ratio");
  }
  QString csv = head.join(',') + "\r\n";
  for (int row = 0; row < source.n_rows(); ++row) {
    csv += csv_cell(source.row_name(row));
    for (int column = 0; column < source.n_columns(); ++column) {
      const std::optional<HeatCell> cell = source.cell(row, column);
      csv += cell ? QString(",%1,%2").arg(QString::fromStdString(to_string(cell->verdict))).arg(cell->correct_ratio)
                  : QString(",,");
    }
    csv += "\r\n";
  }
  return csv;
}

}  // namespace assay::gui

#include "gui/models/runs_export.h"

#include "gui/models/figure_text.h"
#include "gui/models/plain_text.h"

namespace assay::gui {

QString runs_csv(const RunsTable& table, const QList<int>& rows, const QList<RunColumn>& columns) {
  QStringList head = {"run_id"};
  for (const RunColumn column : columns) head << csv_cell(facts_of(column).title);
  QString csv = head.join(',') + "\r\n";
  for (const int row : rows) {
    QStringList cells = {csv_cell(table.run_id(row))};
    for (const RunColumn column : columns) {
      const QModelIndex index = table.index(row, static_cast<int>(column));
      const QVariant value = index.data(RunsTable::SortRole);
      const QString text = facts_of(column).is_number ? QString::number(value.toDouble(), 'g', 15)
                                                      : index.data(Qt::DisplayRole).toString();
      cells << (value.isValid() ? csv_cell(text) : QString());
    }
    csv += cells.join(',') + "\r\n";
  }
  return csv;
}

QString runs_sql(const QStringList& run_ids) {
  if (run_ids.isEmpty()) return {};
  QStringList quoted;
  for (const QString& id : run_ids) quoted << sql_text(id);
  return "SELECT r.run_id, r.name, m.name AS model, r.state, r.seed, r.provenance, r.started_at_ms, rs.suite, "
         "rs.n_items, g.n_samples, g.n_correct, g.n_incorrect, g.n_no_answer, g.n_truncated, g.n_errors\n"
         "FROM runs r JOIN models m ON m.model_id = r.model_id JOIN run_suites rs ON rs.run_key = r.run_key\n"
         "JOIN current_gradings g ON g.run_suite_id = rs.run_suite_id\n"
         "WHERE r.run_id IN (" +
         quoted.join(", ") + ")\nORDER BY r.started_at_ms DESC, rs.run_suite_id;\n";
}

}  // namespace assay::gui

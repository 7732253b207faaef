#pragma once
// The table of runs for other programs.

#include <QList>
#include <QString>
#include <QStringList>

#include "gui/models/runs_table.h"

namespace assay::gui {

/// The rows as CSV (RFC 4180): the run's id, then these columns. Numbers in full; what is missing is empty.
QString runs_csv(const RunsTable& table, const QList<int>& rows, const QList<RunColumn>& columns);
/// The SQL that reads the facts of these runs; empty without any.
QString runs_sql(const QStringList& run_ids);

}  // namespace assay::gui

#pragma once
// The runs that a page is to read: which, from which file, and when to read them anew.

#include <QString>
#include <QStringList>
#include <vector>

#include "gui/models/view_state.h"
#include "gui/models/workspace.h"

namespace assay::gui {

struct ChosenRun {
  QString database;
  QString run_id;
  QString title;    ///< LocatedRun::title
  QString version;  ///< changes when samples, gradings or its state do
};

struct ChosenRuns {
  std::vector<ChosenRun> runs;  ///< the baseline first, then as they were chosen
  QStringList not_found;        ///< ids that no open database holds
  /// Says all that the answer to a question about these runs depends on.
  QString fingerprint() const;
};

ChosenRuns chosen_runs(const Workspace& workspace, const ViewState& state);
/// The ids of the newest runs that have samples, at most `n`.
QStringList newest_runs(const Workspace& workspace, int n);

}  // namespace assay::gui

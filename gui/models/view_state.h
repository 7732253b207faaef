#pragma once
// What the window shows, as data: every page draws itself from a ViewState, every action of the user makes a new one.
// Links, saved views, undo and the program's options are therefore one thing: ways to store or give a ViewState.

#include <QMap>
#include <QString>
#include <QStringList>
#include <optional>

#include "harness/base/result.h"

namespace assay::gui {

/// Everything that decides what is shown. Paths are absolute. Runs are given by their ids, which are unique over all
/// open databases (a copy of a run is that run).
struct ViewState {
  QString page = "runs";              ///< one of page_names()
  QStringList databases;              ///< files, in the order in which they were opened
  QStringList runs;                   ///< ids of the chosen runs, in the order in which they were chosen
  QString baseline;                   ///< id of the run that others are compared with; empty: the first of `runs`
  QString suite;                      ///< the suite looked at; empty: the first one
  QString item;                       ///< the item looked at; empty: none
  int sample = 0;                     ///< the sample of `item`
  QString search;                     ///< words looked for on this page
  QMap<QString, QStringList> facets;  ///< column to the values that are let through, on the page of runs
  QString sort_column;                ///< empty: the page's own order
  bool sort_descending = false;
  QMap<QString, QString> settings;  ///< what else a page wants remembered: axes of a chart, a folded part, a what-if

  bool operator==(const ViewState&) const = default;
};

/// The pages, in the order of the window's list.
const QStringList& page_names();

/// The run that the others are compared with: `baseline`, else the first of `runs`; empty without runs.
QString baseline_of(const ViewState& state);

/// The state as a link: "assay://compare?db=/a.db&run=01ab…&baseline=…&suite=…". What has its default is left out.
QString to_link(const ViewState& state);
/// Error{bad_input} for another scheme, an unknown page or key, a value out of range: links come from elsewhere.
Result<ViewState> parse_link(const QString& link);
/// The command that opens this state: "assay-gui --db … assay://…", quoted for a shell.
QString to_command(const ViewState& state);

}  // namespace assay::gui

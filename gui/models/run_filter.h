#pragma once
// Which runs are let through: words and facets. Pure.

#include <QString>
#include <vector>

#include "gui/models/view_state.h"
#include "gui/models/workspace.h"

namespace assay::gui {

/// A value of a facet and how many runs would be seen with it, all other facets as they are.
struct FacetValue {
  QString value;
  int n_runs = 0;
  bool is_chosen = false;
  bool operator==(const FacetValue&) const = default;
};

struct Facet {
  QString key;    ///< "model", "suite", "hardware", "state", "date", "tag.NAME", as in ViewState::facets
  QString title;  ///< "Model"
  std::vector<FacetValue> values;
  bool operator==(const Facet&) const = default;
};

/// The values that a run has in a facet; empty where it has none.
QStringList facet_values(const QString& facet, const LocatedRun& run);

/// True if the run has, in each facet that is given, one of its values (of a date: its beginning), and each word
/// somewhere in its name, id, model, suites, hardware, tags, build, provenance or command line (case ignored).
bool is_let_through(const LocatedRun& run, const QMap<QString, QStringList>& facets, const QStringList& words);

/// All facets of the runs, with those values that some run has or that are chosen, the most frequent first; dates are
/// days while there are few, else months, the latest first.
std::vector<Facet> count_facets(const Runs& runs, const ViewState& state);

/// The words of a search field.
QStringList words_of(const QString& search);

}  // namespace assay::gui

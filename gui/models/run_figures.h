#pragma once
// What a table of runs shows of each that needs a pass over its samples, and a file that remembers it: a thousand runs
// are there at once the second time.

#include <QHash>
#include <QString>
#include <QStringList>
#include <cstdint>
#include <optional>
#include <vector>

#include "results/summary.h"

namespace assay::gui {

/// A suite's accuracy, as results::SuiteSummary.
struct SuiteFigures {
  QString suite;
  std::int64_t n_items_sampled = 0;
  std::optional<double> accuracy;
  std::optional<results::Interval> ci95;
  QString ci95_method;
  bool operator==(const SuiteFigures&) const = default;
};

struct Median {
  std::int64_t n = 0;
  std::optional<double> p50;
  bool operator==(const Median&) const = default;
};

/// Taken from results::RunSummary; what is not known is none.
struct RunFigures {
  std::vector<SuiteFigures> suites;
  std::optional<std::int64_t> n_output_tokens;
  std::optional<double> output_tokens_per_s;
  Median ttft_ms, itl_ms, e2e_ms;
  std::optional<double> usd_total, usd_per_correct, joules_total;
  QString joules_reason;   ///< why joules_total is none
  QString failure;         ///< why nothing is known: the run could not be read
  bool is_whole = true;    ///< false: intervals and accuracies of unfinished suites are still to come
  bool has_energy = true;  ///< false: energy is still to come, too
  bool operator==(const RunFigures&) const = default;
};

RunFigures figures_of(const results::RunSummary& summary);
/// Of results::read_overviews(): not whole.
RunFigures overview_figures(const results::RunSummary& overview, bool has_energy);

/// Changes whenever the run's figures may: with its samples, its wall time and the gradings that count.
QString figures_key(const results::RunRecord& run);

/// Figures by run id, each with the figures_key() that it was computed for.
struct RememberedFigures {
  QString key;
  RunFigures figures;
};
using FiguresById = QHash<QString, RememberedFigures>;

/// Derived data of a database in the user's cache folder: GenericCacheLocation/assay/<hash of its path>.<suffix>.
QString cache_file(const QString& database, const QString& suffix);

/// What the file holds; nothing if it is missing, broken or of another version.
FiguresById load_figures(const QString& file);
/// False if it can't be written: then it is computed again next time.
bool save_figures(const QString& file, const FiguresById& figures);

}  // namespace assay::gui

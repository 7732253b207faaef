#pragma once
// The columns of the table of runs: what each is called, and what it says of a run. Pure.

#include <QString>
#include <QVariant>
#include <vector>

#include "gui/models/run_figures.h"
#include "gui/models/workspace.h"

namespace assay::gui {

enum class RunColumn {
  started,
  name,
  state,
  model,
  suites,
  accuracy,
  hardware,
  items,
  samples,
  correct,
  incorrect,
  no_answer,
  truncated,
  errors,
  output_tokens,
  output_tokens_per_s,
  ttft_ms,
  itl_ms,
  e2e_ms,
  usd_total,
  usd_per_correct,
  joules_total,
  seed,
  build,
  tags,
  provenance,
  database,
};
inline constexpr int kRunColumns = static_cast<int>(RunColumn::database) + 1;

struct RunColumnFacts {
  const char* key;    ///< in links and settings: "accuracy"
  const char* title;  ///< "Accuracy"
  const char* what;   ///< a sentence: definition and unit
  int n_characters;   ///< width of the section
  bool is_number;
  bool needs_figures;  ///< a pass over the samples
  bool is_shown;       ///< unless the user chooses otherwise
};
const RunColumnFacts& facts_of(RunColumn column);
/// None for an unknown key.
std::optional<RunColumn> run_column(const QString& key);

/// A run as the table knows it. `figures` is null until they are read.
struct RunRow {
  const LocatedRun* located = nullptr;
  const RunFigures* figures = nullptr;
};

/// What a cell says. `value` is a number or a text to sort by, invalid where nothing is known; then `text` is "—" (or
/// "…" while it is being read) and the tooltip has the reason.
struct RunCell {
  QString text;
  QVariant value;
  QString tooltip;
  bool is_coming = false;  ///< `value` is being read
};

/// `suite`: the one whose accuracy is shown; the run's first where it is empty or the run lacks it.
RunCell run_cell(RunColumn column, const RunRow& row, const QString& suite);

/// Samples stored and planned, over all suites.
std::int64_t n_stored(const results::RunRecord& run);
std::int64_t n_planned(const results::RunRecord& run);
/// What is left at the run's own rate so far; none unless it is being written and has stored something.
std::optional<double> seconds_left(const results::RunRecord& run);

QString shown_count(std::int64_t n);                    ///< "1,234,567"
QString shown_percent(double ratio);                    ///< "62.5 %"
QString shown_number(double value, int n_digits = 4);   ///< four significant digits, thousands grouped
QString shown_usd(double usd);                          ///< "$0.00123"
QString shown_duration(double seconds);                 ///< "2 h 05 min"
QString shown_time(std::int64_t unix_ms);               ///< "2026-11-22 17:04", local time
QString devices_of_run(const results::RunRecord& run);  ///< its segments' devices, each once

}  // namespace assay::gui

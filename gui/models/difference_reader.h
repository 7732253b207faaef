#pragma once
// How runs differ from the baseline, for a table's cells: compared in the background, those that are looked at.

#include <QHash>
#include <QObject>
#include <map>

#include "gui/models/latest_job.h"
#include "gui/models/run_columns.h"
#include "results/compare.h"

namespace assay::gui {

/// A cell's difference to the baseline.
struct CellDifference {
  QString text;  ///< "+3.1 [−1.2, +7.4]" in points, "×1.05 [0.98, 1.12]"
  QString tooltip;
  results::Finding finding = results::Finding::no_difference_shown;  ///< `better` and `worse` only where a test says so
};

/// A run against the baseline, by column.
struct RunDifferences {
  std::map<RunColumn, CellDifference> cells;
  QString obstacle;  ///< why the two must not be compared
};

/// From a comparison of two runs. `suite`: the one whose accuracy is shown, else the first.
RunDifferences differences_of(const results::RunComparison& comparison, const QString& suite);

/// Compares runs with one baseline by results/compare. Runs of several databases may be compared.
class DifferenceReader : public QObject {
  Q_OBJECT

 public:
  using QObject::QObject;
  ~DifferenceReader() override;

  /// Forgets what was known of another baseline. An empty id: no baseline, nothing is compared.
  void set_baseline(std::shared_ptr<const Runs> runs, const QString& baseline_id, const QString& suite);
  /// Indices of the runs to compare, the first first.
  void set_wanted(std::vector<std::size_t> wanted);
  /// nullptr until it is known.
  const RunDifferences* find(const QString& run_id) const;
  /// True while differences of a wanted run are still to come.
  bool is_busy() const;

 signals:
  void differences_changed(const QStringList& run_ids);

 private:
  struct Known {
    QString key;
    RunDifferences differences;
  };
  struct Wanted {
    QString database, run_id, key;
  };
  std::vector<Wanted> still_wanted() const;
  void read_next();

  std::shared_ptr<const Runs> runs_;
  QString baseline_id_, suite_;
  QString baseline_key_;
  std::shared_ptr<const results::ComparableRun> baseline_;  ///< shared with the thread that compares
  std::vector<std::size_t> wanted_;
  QHash<QString, Known> known_;
  LatestJob reading_;
};

}  // namespace assay::gui

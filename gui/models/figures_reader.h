#pragma once
// Summaries of runs, read in the background: those that are looked at first, then overviews of all, then the others.

#include <QElapsedTimer>
#include <QHash>
#include <QObject>
#include <QSet>
#include <QTimer>

#include "gui/models/latest_job.h"
#include "gui/models/run_figures.h"
#include "gui/models/workspace.h"

namespace assay::gui {

/// Keeps figures of runs up to date, and remembers them in the user's cache folder between starts of the program.
class FiguresReader : public QObject {
  Q_OBJECT

 public:
  explicit FiguresReader(QObject* parent = nullptr);
  ~FiguresReader() override;

  /// The runs to know of, in the order in which they are to be read.
  void set_runs(std::shared_ptr<const Runs> runs);
  /// Indices of runs that are looked at now: they come first.
  void set_first(std::vector<std::size_t> first);
  /// Something goes by the figures of all runs: overviews are read at once, beside what is looked at.
  void set_needs_all(bool needs_all) { needs_all_ = needs_all; }
  /// What is known of a run; nullptr until it is read, and not whole while there is but an overview. Of a run that grew
  /// it is what was known before, until it is read anew.
  const RunFigures* find(const QString& run_id) const;
  /// True while figures of a run that is looked at are still to come.
  bool is_busy() const;
  /// True if at least an overview is known of every run: what sorts by figures is then in order.
  bool knows_all() const;
  bool is_reading() const { return reading_.is_running() || overviewing_.is_running() || !is_loaded(); }

 signals:
  void figures_changed(const QStringList& run_ids);

 private:
  struct Wanted {
    QString database, run_id, key;
  };
  bool is_loaded() const;
  bool is_wanted(std::size_t index) const;
  void read_next();
  void read_overviews();
  void load_next();
  void save();

  std::shared_ptr<const Runs> runs_;
  std::vector<QString> keys_;  ///< of runs_
  std::vector<std::size_t> first_;
  bool needs_all_ = false;
  FiguresById known_;
  QSet<QString> databases_;            ///< of runs_
  QSet<QString> loaded_;               ///< databases whose file in the cache was looked into
  QSet<QString> overviewed_;           ///< databases whose runs were passed over, or could not be
  QSet<QString> to_save_;              ///< databases with figures that are in no file yet
  QHash<QString, qint64> read_at_ms_;  ///< when a run that is being written was read last
  QElapsedTimer clock_;
  qint64 saved_at_ms_ = 0;
  LatestJob reading_;
  LatestJob overviewing_;  ///< beside it: what comes into sight meanwhile doesn't wait
  LatestJob saving_;
  QTimer retry_;
  QTimer settling_;
};

}  // namespace assay::gui

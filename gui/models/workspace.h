#pragma once
// The databases that are open, and the runs in them. Everything is read, nothing written.

#include <QObject>
#include <QStringList>
#include <QTimer>
#include <memory>
#include <optional>
#include <vector>

#include "gui/models/latest_job.h"
#include "harness/base/result.h"
#include "results/store.h"

namespace assay::gui {

/// A run and the database that it is in.
struct LocatedRun {
  QString database;  ///< its path
  results::RunRecord run;
  /// What it is called in the window: its name, else its model's, with the beginning of its id where it has no name or
  /// another run has the same. visible_text().
  QString title;
};

using Runs = std::vector<LocatedRun>;  ///< the one started last first

/// The runs of some databases; a run that several hold stands once, with the first. Asked to stop it gives what it has.
struct RunsReading {
  Runs runs;
  QStringList partial;                              ///< databases some of whose runs stand with an earlier one
  std::vector<std::pair<QString, Error>> failures;  ///< path, why it can't be read
};
RunsReading read_runs(const QStringList& paths, std::stop_token stop = {});

/// The id of the run meant by an id, `latest`, a name (the run of that name that started last), or an unambiguous
/// prefix of an id; tried in this order. Error{bad_input} if there is none.
Result<QString> find_run_id(const Runs& runs, const QString& words);

/// The databases of the window. Belongs to the window's thread; the reading is done on others, each with a connection
/// of its own (results::Store::open_read_only on LocatedRun::database). Watches for runs that are being written.
class Workspace : public QObject {
  Q_OBJECT

 public:
  explicit Workspace(QObject* parent = nullptr);
  ~Workspace() override;

  /// Makes these the open databases, in this order. Files that can't be opened are named by failed() and left out; the
  /// others' runs arrive with runs_changed().
  void set_databases(const QStringList& paths);
  const QStringList& databases() const { return paths_; }

  /// All runs of all databases. Never null; the pointer changes when the runs do, so threads may keep it.
  const std::shared_ptr<const Runs>& runs() const { return runs_; }
  /// The run of an id; nullptr if no open database holds it. Valid as long as the runs() it came from.
  const LocatedRun* find(const QString& run_id) const;
  /// False where some of the database's runs stand with an earlier one.
  bool shows_all_runs_of(const QString& database) const { return !partial_.contains(database); }
  bool is_reading() const { return reading_.is_running(); }

 signals:
  void runs_changed();                                       ///< also when a run grew
  void failed(const QString& path, const QString& message);  ///< why a file is not open
  void reading_changed(bool is_reading);

 private:
  /// A database and what its files looked like when they were looked at last.
  struct Watched {
    QString path;
    std::size_t mark = 0;
  };

  void read();
  void look_for_changes();

  QStringList paths_;
  QStringList partial_;
  std::vector<Watched> watched_;
  std::shared_ptr<const Runs> runs_;
  LatestJob reading_;
  QTimer timer_;
  bool must_read_again_ = false;
};

}  // namespace assay::gui

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
#include "results/sqlite.h"
#include "results/store.h"

namespace assay::gui {

/// A run and the database that it is in.
struct LocatedRun {
  QString database;  ///< its path
  results::RunRecord run;
};

using Runs = std::vector<LocatedRun>;

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

  /// All runs of all databases, the one started last first; a run that several files hold stands once, with the first.
  /// Never null; the pointer changes when the runs do, so threads may keep it.
  const std::shared_ptr<const Runs>& runs() const { return runs_; }
  /// The run of an id; nullptr if no open database holds it. Valid as long as the runs() it came from.
  const LocatedRun* find(const QString& run_id) const;
  /// The run meant by an id, a prefix of one, a name, or "latest", over all databases, as results::Store::find_run.
  Result<QString> find_run_id(const QString& words) const;

  bool is_reading() const { return reading_.is_running(); }

 signals:
  void runs_changed();                                       ///< also when a run grew
  void failed(const QString& path, const QString& message);  ///< why a file is not open
  void reading_changed(bool is_reading);

 private:
  struct Watched {
    QString path;
    std::unique_ptr<results::Database> connection;  ///< asks for PRAGMA data_version alone
    std::int64_t version = 0;
  };

  void read();
  void look_for_changes();

  QStringList paths_;
  std::vector<Watched> watched_;
  std::shared_ptr<const Runs> runs_;
  LatestJob reading_;
  QTimer timer_;
  bool must_read_again_ = false;
};

}  // namespace assay::gui

#pragma once
// Search in all transcripts of the open databases, by indexes that grow in the background.

#include <QAbstractTableModel>

#include "gui/models/latest_job.h"
#include "gui/models/samples_index.h"
#include "results/browse/sample_index.h"

namespace assay::gui {

/// The hits of a search as a table, those of a database stored last first, each database with its share of them; what
/// isn't indexed yet isn't found, and status() says how much that is. The workspace names the runs.
class TranscriptSearch : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { run, suite, item, sample, excerpt };
  enum Role { RunIdRole = Qt::UserRole };

  explicit TranscriptSearch(const Workspace& workspace, QObject* parent = nullptr);
  ~TranscriptSearch() override;

  /// Fills the indexes of these databases, one after the other, while no search is under way.
  void set_databases(const QStringList& databases);
  /// Looks for the words in the runs (all, if there are none). The same question again is no work.
  void search(const QString& words, const QStringList& runs);

  const std::vector<results::TranscriptHit>& hits() const { return hits_; }
  /// "12 of …": hits and how much is indexed, or why nothing can be found.
  QString status() const;
  bool is_searching() const { return searching_.is_running(); }
  bool is_indexing() const { return indexing_.is_running(); }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 signals:
  void status_changed();

 private:
  void index_next();
  void search_again();

  const Workspace& workspace_;
  QStringList databases_;
  QHash<QString, results::IndexProgress> progress_;
  QStringList filled_;  ///< databases whose samples of now are all indexed
  QString words_;
  std::vector<SampleSource> sources_;
  QString failure_;
  std::vector<results::TranscriptHit> hits_;
  bool has_more_ = false;
  LatestJob searching_;
  LatestJob indexing_;
  QTimer look_again_;
};

}  // namespace assay::gui

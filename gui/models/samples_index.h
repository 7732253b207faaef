#pragma once
// All samples of the open databases as a table that holds a page of rows at a time.

#include <QAbstractTableModel>
#include <QCache>
#include <QTimer>
#include <set>

#include "gui/models/latest_job.h"
#include "gui/models/workspace.h"
#include "results/browse/sample_index.h"

namespace assay::gui {

/// A database and the runs in it whose samples are meant.
struct SampleSource {
  QString database;
  std::vector<RunId> runs;  ///< empty: all
  bool operator==(const SampleSource&) const = default;
};
/// The runs of `run_ids` by the database that holds them; of no ids all runs. A run that several databases hold is
/// taken from the first.
std::vector<SampleSource> sample_sources(const Workspace& workspace, const QStringList& run_ids);

/// Eight bytes a sample, and at most 64 pages of 256 rows: memory doesn't grow with what is scrolled through. Keys are
/// sorted and filtered by results::SampleIndex on another thread; a page that isn't there yet shows "…" and is asked
/// for. Pages of a question before are dropped. The workspace names the runs.
class SamplesIndex : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { item, sample, verdict, answer, rule, n_output_tokens, ttft_ms, itl_ms_mean, e2e_ms, run, suite };
  enum Role { RunIdRole = Qt::UserRole };
  static constexpr int kPageRows = 256;
  static constexpr int kMostPages = 64;
  /// A SampleQuery's most_unindexed, of all databases together, with which the first answer is there at once.
  static constexpr std::int64_t kMostUnindexed = 100'000;

  /// So many rows a view is told of at once, the others in the event loop's next turns: it works on each of them, and
  /// the window's thread would be held by millions.
  static constexpr int kRowsAtOnce = 500'000;

  explicit SamplesIndex(const Workspace& workspace, QObject* parent = nullptr, int rows_at_once = kRowsAtOnce);
  ~SamplesIndex() override;

  /// Shows other samples; the ones before stay until these are there. The query's runs are those of each source. What
  /// its most_unindexed leaves out follows. The
  /// same question is asked anew when the workspace has more samples of these runs than before.
  void ask(std::vector<SampleSource> sources, const results::SampleQuery& query);
  bool is_busy() const { return sorting_.is_running() || paging_.is_running() || growing_.isActive(); }
  /// Samples that are not in the table yet, since their figures are still being read.
  std::int64_t n_left_out() const { return n_left_out_; }
  /// Why samples are missing; empty if none are.
  const QString& failure() const { return page_failure_.isEmpty() ? sort_failure_ : page_failure_; }
  /// None for a row whose page isn't there.
  const results::SampleRow* row_at(int row) const;
  /// The order that a click on a column asks for; `stored` for those that have none.
  static results::SampleOrder order_of(int column);

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 signals:
  void changed();  ///< what is_busy() or failure() says

 private:
  using Page = std::vector<results::SampleRow>;
  std::int64_t n_samples_of(const std::vector<SampleSource>& sources) const;
  void sort_at_most(std::int64_t most_unindexed);
  void tell_of_more();
  void show_more();
  void want_page(int page) const;
  void read_pages();

  const Workspace& workspace_;
  std::vector<SampleSource> sources_;
  results::SampleQuery query_;
  std::int64_t n_stored_ = -1;  ///< when it was asked
  std::int64_t n_left_out_ = 0;
  QString sort_failure_;  ///< of the order asked for; what pages say leaves it in place
  QString page_failure_;  ///< of the pages read last
  std::vector<results::SampleRef> samples_;
  int rows_at_once_;
  int n_rows_ = 0;  ///< that views were told of
  QTimer growing_;
  mutable QCache<int, Page> pages_;
  mutable std::set<int> wanted_;
  LatestJob sorting_;
  LatestJob paging_;
};

}  // namespace assay::gui

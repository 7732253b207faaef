#pragma once
// All samples of a database as a table that holds a page of rows at a time.

#include <QAbstractTableModel>
#include <QCache>
#include <set>

#include "gui/models/latest_job.h"
#include "results/browse/sample_index.h"

namespace assay::gui {

/// Eight bytes a sample, and at most 64 pages of 256 rows: memory doesn't grow with what is scrolled through. Keys are
/// sorted and filtered by results::SampleIndex on another thread; a page that isn't there yet shows "…" and is asked
/// for. Pages of a question before are dropped.
class SamplesIndex : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { item, sample, verdict, answer, rule, n_output_tokens, ttft_ms, itl_ms_mean, e2e_ms, run, suite };
  enum Role { RunIdRole = Qt::UserRole };
  static constexpr int kPageRows = 256;
  static constexpr int kMostPages = 64;

  explicit SamplesIndex(QObject* parent = nullptr);
  ~SamplesIndex() override;

  /// Shows other samples; the ones before stay until these are there.
  void ask(const QString& database, const results::SampleQuery& query);
  bool is_busy() const { return sorting_.is_running() || paging_.is_running(); }
  const QString& failure() const { return failure_; }
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
  void want_page(int page) const;
  void read_pages();

  QString database_;
  results::SampleQuery query_;
  bool has_asked_ = false;
  QString failure_;
  std::vector<std::int64_t> keys_;
  mutable QCache<int, Page> pages_;
  mutable std::set<int> wanted_;
  LatestJob sorting_;
  LatestJob paging_;
};

}  // namespace assay::gui

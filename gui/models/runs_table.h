#pragma once
// The runs of the open databases as a table: filtered, sorted, with their figures and how they differ from a baseline.

#include <QAbstractTableModel>
#include <QTimer>

#include "gui/models/difference_reader.h"
#include "gui/models/equal_columns.h"
#include "gui/models/figures_reader.h"
#include "gui/models/run_columns.h"
#include "gui/models/view_state.h"

namespace assay::gui {

/// Rows are the runs that the ViewState's search and facets let through, in the order of its sort_column; columns are
/// those of RunColumn. What isn't known yet is read in the background, what is looked at first. All text is as it is
/// stored: whoever draws it makes it safe (views/plain_text.h).
class RunsTable : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Role {
    SortRole = Qt::UserRole,  ///< number or text; invalid where nothing is known
    RunIdRole,
    DifferenceRole,  ///< text; empty where there is none
    FindingRole,     ///< results::Finding of the difference, as int
    BaselineRole,    ///< true in the baseline's row
    ProgressRole,    ///< share of the planned samples that are stored, of a run that is being written; else invalid
    HollowRole,      ///< true where the run was not measured: emulated, projected, published
  };

  explicit RunsTable(QObject* parent = nullptr);

  /// Rows of the same runs are moved, not made anew, so that selections stay.
  void show(std::shared_ptr<const Runs> runs, const ViewState& state);
  /// The rows that are seen now, whose figures are read first.
  void set_visible_rows(int first, int last);

  const LocatedRun& run_at(int row) const { return (*runs_)[rows_[static_cast<std::size_t>(row)]]; }
  QString run_id(int row) const;
  int row_of(const QString& run_id) const;  ///< -1 if it isn't shown
  /// Whether equal_columns() are to be found.
  void find_equal_columns(bool finds);
  /// The columns that say the same of all rows, as EqualColumns; of the rows of before while it is busy.
  const std::vector<RunColumn>& equal_columns() const { return equal_.columns(); }
  /// False once all that is seen is known.
  bool is_busy() const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 signals:
  void reading_changed();  ///< is_busy() or equal_columns() may have changed

 private:
  /// Also says whether is_order_final_.
  std::vector<std::size_t> wanted_rows(const ViewState& state);
  void set_rows(std::vector<std::size_t> rows);
  RunRow row_at(int row) const;
  void update_rows(const QStringList& run_ids);
  void sort_again();

  std::shared_ptr<const Runs> runs_;
  ViewState state_;
  std::vector<std::size_t> rows_;  ///< indices into runs_
  std::vector<std::size_t> visible_;
  EqualColumns equal_;
  bool finds_equal_ = false;
  FiguresReader figures_;
  DifferenceReader differences_;
  bool is_order_final_ = true;  ///< what it is sorted by is known of all rows
  QTimer sorting_;              ///< figures arrive in handfuls: rows don't jump with each
};

}  // namespace assay::gui

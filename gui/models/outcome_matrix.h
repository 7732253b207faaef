#pragma once
// Items × runs: which outcome each run had on each item.

#include <QAbstractTableModel>
#include <QStringList>
#include <array>
#include <stop_token>
#include <vector>

#include "gui/models/chosen_runs.h"
#include "results/comparable_run.h"

namespace assay::gui {

/// A run's samples of an item. `item` is its id in that run: items are paired by content, and may be named otherwise.
struct OutcomeCell {
  QString item;
  std::array<int, 5> n_samples{};  ///< by outcome, in the order of results::Verdict
  int n() const;
  results::Verdict most_frequent() const;
  double share_correct() const;
};

struct OutcomeRow {
  QString item;  ///< in the first run that has it
  QString tag;
  std::vector<OutcomeCell> cells;  ///< one a run
  bool differs = false;            ///< the share of correct samples isn't the same in all runs, or one has none
};

struct OutcomeMatrix {
  QString suite;
  QStringList suites;  ///< of all the runs
  std::vector<ChosenRun> runs;
  std::vector<OutcomeRow> rows;
  QStringList failures;                   ///< why a run is not here
  int row_of(const QString& item) const;  ///< by the item's name in any run; -1
};

/// `runs` and their facts go together. An empty or unknown suite is the first run's first one.
OutcomeMatrix outcome_matrix(std::vector<ChosenRun> runs, const std::vector<results::ComparableRun>& facts,
                             const QString& suite);
/// Reads the runs and makes the matrix.
OutcomeMatrix read_outcome_matrix(const std::vector<ChosenRun>& runs, const QString& suite, std::stop_token stop);

/// Column 0 is the item, the others are runs.
class OutcomeModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Role { CellRole = Qt::UserRole };  ///< of a run's cell: five counts, as QVariantList; invalid without samples

  using QAbstractTableModel::QAbstractTableModel;

  void set_matrix(OutcomeMatrix matrix);
  void set_only_differing(bool only);
  const OutcomeMatrix& matrix() const { return matrix_; }
  const OutcomeRow& row_at(int row) const { return matrix_.rows[shown_[static_cast<std::size_t>(row)]]; }
  int row_of(const QString& item) const;  ///< -1 if it isn't shown

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  void choose_rows();
  OutcomeMatrix matrix_;
  std::vector<std::size_t> shown_;
  bool only_differing_ = false;
};

}  // namespace assay::gui

#include "gui/models/runs_table.h"

#include <QCollator>
#include <algorithm>

#include "gui/models/run_filter.h"

namespace assay::gui {

namespace {

constexpr int kSortAgainMs = 250;

QString id_of(const LocatedRun& located) { return QString::fromStdString(located.run.run_id.value); }

/// What a row is sorted by. Texts are made keys once: comparing them anew each time holds the window's thread.
struct SortValue {
  bool is_known = false;
  double number = 0;  ///< 0 of a text
  std::optional<QCollatorSortKey> text;
};

SortValue sort_value(const QVariant& value, const QCollator& collator) {
  if (!value.isValid()) return {};
  if (value.userType() == QMetaType::QString) return {true, 0, collator.sortKey(value.toString())};
  return {true, value.toDouble(), {}};
}

/// -1, 0, 1 of two known values.
int compare(const SortValue& a, const SortValue& b) {
  if (a.text && b.text) return a.text->compare(*b.text);
  return a.number < b.number ? -1 : a.number > b.number ? 1 : 0;
}

}  // namespace

RunsTable::RunsTable(QObject* parent)
    : QAbstractTableModel(parent),
      runs_(std::make_shared<const Runs>()),
      equal_([this](int row, RunColumn column) { return run_cell(column, row_at(row), state_.suite); }, this) {
  connect(&equal_, &EqualColumns::changed, this, &RunsTable::reading_changed);
  connect(&figures_, &FiguresReader::figures_changed, this, &RunsTable::update_rows);
  connect(&differences_, &DifferenceReader::differences_changed, this, &RunsTable::update_rows);
  sorting_.setSingleShot(true);
  connect(&sorting_, &QTimer::timeout, this, &RunsTable::sort_again);
}

void RunsTable::show(std::shared_ptr<const Runs> runs, const ViewState& state) {
  const bool is_same = runs == runs_ && state == state_;
  if (is_same) return;
  const bool is_other_baseline = state.baseline != state_.baseline || state.suite != state_.suite;
  const QStringList visible = [this] {
    QStringList ids;
    for (const std::size_t index : visible_) {
      if (index < runs_->size()) ids << id_of((*runs_)[index]);
    }
    return ids;
  }();
  // Indices of before mean nothing in other runs: the rows' ids carry over what stays.
  if (runs != runs_) {
    QHash<QString, std::size_t> index_of;
    for (std::size_t i = 0; i < runs->size(); ++i) index_of.insert(id_of((*runs)[i]), i);
    std::vector<std::size_t> same_rows;
    bool has_all = true;
    for (const std::size_t index : rows_) {
      const auto at = index_of.find(id_of((*runs_)[index]));
      has_all = has_all && at != index_of.end();
      if (at != index_of.end()) same_rows.push_back(*at);
    }
    if (has_all) {
      runs_ = std::move(runs);
      rows_ = std::move(same_rows);
    } else {
      beginResetModel();
      runs_ = std::move(runs);
      rows_ = std::move(same_rows);
      endResetModel();
    }
    visible_.clear();
    for (const QString& id : visible) {
      if (const auto at = index_of.find(id); at != index_of.end()) visible_.push_back(*at);
    }
  }
  state_ = state;
  figures_.set_runs(runs_);
  differences_.set_baseline(runs_, state_.baseline, state_.suite);
  set_rows(wanted_rows(state_));
  if (finds_equal_) equal_.look(rowCount(), false);
  if (!rows_.empty()) {
    emit dataChanged(index(0, 0), index(rowCount() - 1, kRunColumns - 1));
    if (is_other_baseline) emit headerDataChanged(Qt::Horizontal, 0, kRunColumns - 1);
  }
  figures_.set_needs_all(!is_order_final_);
  figures_.set_first(visible_);
  differences_.set_wanted(visible_);
  emit reading_changed();
}

std::vector<std::size_t> RunsTable::wanted_rows(const ViewState& state) {
  is_order_final_ = true;
  std::vector<std::size_t> rows;
  const QStringList words = words_of(state.search);
  for (std::size_t i = 0; i < runs_->size(); ++i) {
    if (is_let_through((*runs_)[i], state.facets, words)) rows.push_back(i);
  }
  const std::optional<RunColumn> column = run_column(state.sort_column);
  if (!column) return rows;  // as they come: the one started last first
  QCollator collator;
  collator.setNumericMode(true);
  collator.setCaseSensitivity(Qt::CaseInsensitive);
  std::vector<SortValue> values(runs_->size());
  for (const std::size_t i : rows) {
    const RunRow row{&(*runs_)[i], figures_.find(id_of((*runs_)[i]))};
    const RunCell cell = run_cell(*column, row, state.suite);
    values[i] = sort_value(cell.value, collator);
    is_order_final_ = is_order_final_ && !cell.is_coming;
  }
  std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
    if (values[a].is_known != values[b].is_known) return values[a].is_known;
    if (!values[a].is_known) return false;
    const int order = compare(values[a], values[b]);
    return state.sort_descending ? order > 0 : order < 0;
  });
  return rows;
}

void RunsTable::set_rows(std::vector<std::size_t> rows) {
  if (rows == rows_) return;
  if (!std::is_permutation(rows.begin(), rows.end(), rows_.begin(), rows_.end())) {
    beginResetModel();
    rows_ = std::move(rows);
    endResetModel();
    return;
  }
  emit layoutAboutToBeChanged({}, VerticalSortHint);
  std::vector<int> row_of_run(runs_->size(), -1);
  for (std::size_t i = 0; i < rows.size(); ++i) row_of_run[rows[i]] = static_cast<int>(i);
  const QModelIndexList before = persistentIndexList();
  QModelIndexList after;
  for (const QModelIndex& each : before) {
    after << index(row_of_run[rows_[static_cast<std::size_t>(each.row())]], each.column());
  }
  rows_ = std::move(rows);
  changePersistentIndexList(before, after);
  emit layoutChanged({}, VerticalSortHint);
}

void RunsTable::set_visible_rows(int first, int last) {
  std::vector<std::size_t> visible;
  for (int row = std::max(first, 0); row <= last && row < rowCount(); ++row) {
    visible.push_back(rows_[static_cast<std::size_t>(row)]);
  }
  if (visible == visible_) return;
  visible_ = std::move(visible);
  figures_.set_first(visible_);
  differences_.set_wanted(visible_);
  emit reading_changed();
}

QString RunsTable::run_id(int row) const { return id_of(run_at(row)); }

int RunsTable::row_of(const QString& run_id) const {
  const std::string id = run_id.toStdString();
  for (int row = 0; row < rowCount(); ++row) {
    if (run_at(row).run.run_id.value == id) return row;
  }
  return -1;
}

void RunsTable::find_equal_columns(bool finds) {
  if (finds && !finds_equal_) equal_.look(rowCount(), false);
  finds_equal_ = finds;
}

bool RunsTable::is_busy() const {
  return figures_.is_busy() || differences_.is_busy() || equal_.is_busy() || !is_order_final_;
}

int RunsTable::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}

int RunsTable::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kRunColumns; }

RunRow RunsTable::row_at(int row) const {
  const LocatedRun& located = run_at(row);
  return {&located, figures_.find(id_of(located))};
}

QVariant RunsTable::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rowCount()) return {};
  const auto column = static_cast<RunColumn>(index.column());
  const LocatedRun& located = run_at(index.row());
  const auto difference = [&]() -> const CellDifference* {
    const RunDifferences* known = differences_.find(id_of(located));
    if (known == nullptr) return nullptr;
    const auto at = known->cells.find(column);
    return at == known->cells.end() || at->second.text.isEmpty() ? nullptr : &at->second;
  };
  switch (role) {
    case Qt::DisplayRole:
      return run_cell(column, row_at(index.row()), state_.suite).text;
    case Qt::ToolTipRole: {
      QString tooltip = run_cell(column, row_at(index.row()), state_.suite).tooltip;
      if (!facts_of(column).needs_figures) return tooltip;
      if (const CellDifference* cell = difference()) {
        tooltip += "\n\nAgainst the baseline: " + cell->text + "\n" + cell->tooltip;
      } else if (const RunDifferences* known = differences_.find(id_of(located)); known && !known->obstacle.isEmpty()) {
        tooltip += "\n\nNot compared with the baseline: " + known->obstacle;
      }
      return tooltip;
    }
    case Qt::AccessibleTextRole: {
      const CellDifference* cell = difference();
      const QString text = run_cell(column, row_at(index.row()), state_.suite).text;
      return QString("%1: %2%3").arg(facts_of(column).title, text, cell != nullptr ? ", " + cell->text : QString());
    }
    case Qt::TextAlignmentRole:
      return static_cast<int>((facts_of(column).is_number ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    case SortRole:
      return run_cell(column, row_at(index.row()), state_.suite).value;
    case RunIdRole:
      return id_of(located);
    case DifferenceRole: {
      if (const CellDifference* cell = difference()) return cell->text;
      const RunDifferences* known = differences_.find(id_of(located));
      const bool is_refused = known != nullptr && !known->obstacle.isEmpty();
      return is_refused && column == RunColumn::accuracy ? tr("not comparable") : QString();
    }
    case FindingRole:
      return static_cast<int>(difference() != nullptr ? difference()->finding : results::Finding::no_difference_shown);
    case BaselineRole:
      return id_of(located) == state_.baseline;
    case ProgressRole: {
      const std::int64_t planned = n_planned(located.run);
      if (column != RunColumn::state || !located.run.is_active || planned == 0) return {};
      return static_cast<double>(n_stored(located.run)) / static_cast<double>(planned);
    }
    case HollowRole:
      return located.run.facts.provenance != "measured";
    default:
      return {};
  }
}

QVariant RunsTable::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= kRunColumns) return {};
  const RunColumnFacts& facts = facts_of(static_cast<RunColumn>(section));
  if (role == Qt::DisplayRole) return QString(facts.title);
  if (role == Qt::ToolTipRole) return QString(facts.what);
  if (role == Qt::TextAlignmentRole) {
    return static_cast<int>((facts.is_number ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
  }
  return {};
}

void RunsTable::update_rows(const QStringList& run_ids) {
  if (finds_equal_) equal_.look(rowCount(), true);
  constexpr int kMostAlone = 32;  // more are told at once: each would be looked for
  if (run_ids.size() > kMostAlone && !rows_.empty()) {
    emit dataChanged(index(0, 0), index(rowCount() - 1, kRunColumns - 1));
  } else {
    for (const QString& id : run_ids) {
      const int row = row_of(id);
      if (row >= 0) emit dataChanged(index(row, 0), index(row, kRunColumns - 1));
    }
  }
  const std::optional<RunColumn> column = run_column(state_.sort_column);
  if (column && facts_of(*column).needs_figures) {
    const bool is_due = !is_order_final_ && figures_.knows_all();
    if (is_due || !sorting_.isActive()) sorting_.start(is_due ? 0 : kSortAgainMs);
  }
  emit reading_changed();
}

void RunsTable::sort_again() {
  set_rows(wanted_rows(state_));
  if (equal_.is_busy()) equal_.look(rowCount(), false);  // it goes by the rows' places
  emit reading_changed();
}

}  // namespace assay::gui

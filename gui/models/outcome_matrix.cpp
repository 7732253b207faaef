#include "gui/models/outcome_matrix.h"

#include <QHash>
#include <algorithm>
#include <numeric>

#include "results/pairing.h"

namespace assay::gui {

namespace {

OutcomeCell cell_of(const results::ComparableItem& item) {
  OutcomeCell cell;
  cell.item = QString::fromStdString(item.item);
  for (const results::ComparableSample& sample : item.samples) {
    ++cell.n_samples[static_cast<std::size_t>(sample.verdict)];
  }
  return cell;
}

const results::ComparableSuite* find_suite(const results::ComparableRun& run, const std::string& suite) {
  for (const results::ComparableSuite& each : run.suites) {
    if (each.suite == suite) return &each;
  }
  return nullptr;
}

bool is_differing(const OutcomeRow& row) {
  for (const OutcomeCell& cell : row.cells) {
    if (cell.n() == 0 || cell.share_correct() != row.cells.front().share_correct()) return row.cells.size() > 1;
  }
  return false;
}

}  // namespace

int OutcomeCell::n() const { return std::accumulate(n_samples.begin(), n_samples.end(), 0); }

results::Verdict OutcomeCell::most_frequent() const {
  return static_cast<results::Verdict>(std::max_element(n_samples.begin(), n_samples.end()) - n_samples.begin());
}

double OutcomeCell::share_correct() const { return n() == 0 ? 0 : static_cast<double>(n_samples[0]) / n(); }

int OutcomeMatrix::row_of(const QString& item) const {
  if (item.isEmpty()) return -1;  // as cells without samples are named
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& cells = rows[i].cells;
    if (rows[i].item == item ||
        std::any_of(cells.begin(), cells.end(), [&](const OutcomeCell& cell) { return cell.item == item; })) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

OutcomeMatrix outcome_matrix(std::vector<ChosenRun> runs, const std::vector<results::ComparableRun>& facts,
                             const QString& suite) {
  OutcomeMatrix matrix;
  matrix.runs = std::move(runs);
  for (const results::ComparableRun& run : facts) {
    for (const results::ComparableSuite& each : run.suites) {
      const QString name = QString::fromStdString(each.suite);
      if (!matrix.suites.contains(name)) matrix.suites << name;
    }
  }
  if (matrix.suites.isEmpty()) return matrix;
  matrix.suite = matrix.suites.contains(suite) ? suite : matrix.suites.first();
  const std::string name = matrix.suite.toStdString();

  // Rows of the first run that has the suite; what later runs have more comes after them.
  const results::ComparableSuite* first = nullptr;
  QHash<const void*, std::size_t> row_of_item;
  QHash<QByteArray, std::size_t> row_of_content;
  for (std::size_t r = 0; r < facts.size(); ++r) {
    const results::ComparableSuite* asked = find_suite(facts[r], name);
    if (asked == nullptr) continue;
    QHash<const void*, std::size_t> paired;
    if (first == nullptr) {
      first = asked;
    } else {
      for (const results::ItemPair& pair : pair_items(*first, *asked)) {
        paired.insert(pair.candidate, row_of_item.value(pair.baseline));
      }
    }
    for (const results::ComparableItem& item : asked->items) {
      const auto content = QByteArray::fromStdString(item.content_sha256 + item.item);
      std::size_t row = matrix.rows.size();
      if (const auto at = paired.find(&item); at != paired.end()) {
        row = *at;
      } else if (const auto known = row_of_content.find(content); known != row_of_content.end()) {
        row = *known;
      } else {
        matrix.rows.push_back({QString::fromStdString(item.item), QString::fromStdString(item.tag),
                               std::vector<OutcomeCell>(facts.size()), false});
        row_of_content.insert(content, row);
      }
      if (asked == first) row_of_item.insert(&item, row);
      matrix.rows[row].cells[r] = cell_of(item);
    }
  }
  for (OutcomeRow& row : matrix.rows) row.differs = is_differing(row);
  return matrix;
}

OutcomeMatrix read_outcome_matrix(const std::vector<ChosenRun>& runs, const QString& suite, std::stop_token stop) {
  std::vector<ChosenRun> read;
  std::vector<results::ComparableRun> facts;
  QStringList failures;
  for (const ChosenRun& run : runs) {
    if (stop.stop_requested()) break;
    const auto store = results::Store::open_read_only(run.database.toStdString());
    if (!store) {
      failures << run.title + ": " + QString::fromStdString(store.error().message);
      continue;
    }
    const std::stop_callback interrupt(stop, [&] { store->interrupt(); });
    auto known = read_comparable_run(*store, RunId(run.run_id.toStdString()));
    if (!known) {
      failures << run.title + ": " + QString::fromStdString(known.error().message);
      continue;
    }
    read.push_back(run);
    facts.push_back(std::move(*known));
  }
  OutcomeMatrix matrix = outcome_matrix(std::move(read), facts, suite);
  matrix.failures = failures;
  return matrix;
}

void OutcomeModel::set_matrix(OutcomeMatrix matrix) {
  beginResetModel();
  matrix_ = std::move(matrix);
  choose_rows();
  endResetModel();
}

void OutcomeModel::set_only_differing(bool only) {
  if (only == only_differing_) return;
  beginResetModel();
  only_differing_ = only;
  choose_rows();
  endResetModel();
}

void OutcomeModel::choose_rows() {
  shown_.clear();
  for (std::size_t i = 0; i < matrix_.rows.size(); ++i) {
    if (!only_differing_ || matrix_.rows[i].differs) shown_.push_back(i);
  }
}

int OutcomeModel::row_of(const QString& item) const {
  const int row = matrix_.row_of(item);
  if (row < 0) return -1;
  const auto at = std::lower_bound(shown_.begin(), shown_.end(), static_cast<std::size_t>(row));
  return at != shown_.end() && *at == static_cast<std::size_t>(row) ? static_cast<int>(at - shown_.begin()) : -1;
}

int OutcomeModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(shown_.size());
}

int OutcomeModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(matrix_.runs.size()) + 1;
}

QVariant OutcomeModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rowCount()) return {};
  const OutcomeRow& row = row_at(index.row());
  if (index.column() == 0) {
    if (role == Qt::DisplayRole) return row.item;
    if (role == Qt::ToolTipRole) return row.tag.isEmpty() ? row.item : row.item + "\nTag " + row.tag;
    return {};
  }
  const OutcomeCell& cell = row.cells[static_cast<std::size_t>(index.column()) - 1];
  const QString verdict = QString::fromStdString(to_string(cell.most_frequent()));
  switch (role) {
    case Qt::DisplayRole: {
      if (cell.n() == 0) return QString(QChar(0x2014));
      const QString letter = verdict.left(1).toUpper();
      return cell.n() == 1 ? letter : QString("%1 %2/%3").arg(letter).arg(cell.n_samples[0]).arg(cell.n());
    }
    case Qt::ToolTipRole:
    case Qt::AccessibleTextRole: {
      QStringList parts = {row.item, matrix_.runs[static_cast<std::size_t>(index.column()) - 1].title};
      if (cell.n() == 0) parts << tr("No sample: this run did not ask the item, or has not yet");
      for (std::size_t v = 0; v < cell.n_samples.size(); ++v) {
        if (cell.n_samples[v] == 0) continue;
        parts << QString("%1 %2 of %3")
                     .arg(QString::fromStdString(to_string(static_cast<results::Verdict>(v))))
                     .arg(cell.n_samples[v])
                     .arg(cell.n());
      }
      return parts.join(role == Qt::ToolTipRole ? "\n" : ", ");
    }
    case CellRole: {
      if (cell.n() == 0) return {};
      QVariantList counts;
      for (const int n : cell.n_samples) counts << n;
      return counts;
    }
    case Qt::TextAlignmentRole:
      return static_cast<int>(Qt::AlignCenter);
    default:
      return {};
  }
}

QVariant OutcomeModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= columnCount()) return {};
  if (role == Qt::TextAlignmentRole) return static_cast<int>(Qt::AlignLeft | Qt::AlignVCenter);
  if (role != Qt::DisplayRole && role != Qt::ToolTipRole) return {};
  return section == 0 ? tr("Item") : matrix_.runs[static_cast<std::size_t>(section) - 1].title;
}

}  // namespace assay::gui

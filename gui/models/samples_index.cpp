#include "gui/models/samples_index.h"

#include "gui/models/figure_text.h"
#include "gui/models/run_figures.h"

namespace assay::gui {

namespace {

using results::SampleOrder;

constexpr std::size_t kMostPagesAtOnce = 4;

struct Sorted {
  std::vector<std::int64_t> keys;
  QString failure;
};

struct ReadPages {
  std::vector<std::pair<int, std::vector<results::SampleRow>>> pages;
  QString failure;
};

Result<results::SampleIndex> open(const QString& database) {
  return results::SampleIndex::open(database.toStdString(), cache_file(database, "search.db").toStdString());
}

QString figure(const std::optional<double>& value) { return figure_or_dash(value, number_text); }

bool is_same(const results::SampleQuery& a, const results::SampleQuery& b) {
  return a.runs == b.runs && a.suite == b.suite && a.verdicts == b.verdicts && a.words == b.words &&
         a.order == b.order && a.descending == b.descending;
}

}  // namespace

SamplesIndex::SamplesIndex(QObject* parent) : QAbstractTableModel(parent), pages_(kMostPages) {}

SamplesIndex::~SamplesIndex() {
  sorting_.cancel();
  paging_.cancel();
}

void SamplesIndex::ask(const QString& database, const results::SampleQuery& query) {
  if (has_asked_ && database == database_ && is_same(query, query_)) return;
  has_asked_ = true;
  database_ = database;
  query_ = query;
  paging_.cancel();
  sorting_.start(
      [database, query](std::stop_token stop) {
        const auto index = open(database);
        if (!index) return Sorted{{}, QString::fromStdString(index.error().message)};
        const std::stop_callback interrupt(stop, [&] { index->interrupt(); });
        auto keys = index->sample_keys(query);
        return keys ? Sorted{std::move(*keys), {}} : Sorted{{}, QString::fromStdString(keys.error().message)};
      },
      [this](Sorted sorted) {
        beginResetModel();
        keys_ = std::move(sorted.keys);
        failure_ = sorted.failure;
        pages_.clear();
        wanted_.clear();
        endResetModel();
        emit changed();
      });
  emit changed();
}

const results::SampleRow* SamplesIndex::row_at(int row) const {
  const Page* page = pages_.object(row / kPageRows);
  const auto at = static_cast<std::size_t>(row % kPageRows);
  if (page != nullptr && at < page->size()) return &(*page)[at];
  want_page(row / kPageRows);
  return nullptr;
}

void SamplesIndex::want_page(int page) const {
  if (!wanted_.insert(page).second) return;
  // What is painted asks; reading begins when all of it has.
  auto* self = const_cast<SamplesIndex*>(this);
  QMetaObject::invokeMethod(self, &SamplesIndex::read_pages, Qt::QueuedConnection);
}

void SamplesIndex::read_pages() {
  if (paging_.is_running() || sorting_.is_running() || wanted_.empty()) return;
  std::vector<std::pair<int, std::vector<std::int64_t>>> asked;
  while (!wanted_.empty() && asked.size() < kMostPagesAtOnce) {
    const int page = *wanted_.rbegin();
    wanted_.erase(page);
    const std::size_t begin = static_cast<std::size_t>(page) * kPageRows;
    if (begin >= keys_.size()) continue;
    const std::size_t end = std::min(begin + kPageRows, keys_.size());
    asked.emplace_back(page, std::vector<std::int64_t>(keys_.begin() + static_cast<std::ptrdiff_t>(begin),
                                                       keys_.begin() + static_cast<std::ptrdiff_t>(end)));
  }
  wanted_.clear();  // pages that were scrolled past; those in sight ask again
  paging_.start(
      [database = database_, asked](std::stop_token stop) {
        ReadPages read;
        const auto index = open(database);
        if (!index) {
          read.failure = QString::fromStdString(index.error().message);
          return read;
        }
        const std::stop_callback interrupt(stop, [&] { index->interrupt(); });
        for (const auto& [page, keys] : asked) {
          auto rows = index->rows(keys);
          if (rows) {
            read.pages.emplace_back(page, std::move(*rows));
          } else {
            read.failure = QString::fromStdString(rows.error().message);
          }
        }
        return read;
      },
      [this](ReadPages read) {
        failure_ = read.failure;
        for (auto& [page, rows] : read.pages) {
          const int first = page * kPageRows;
          const int last = first + static_cast<int>(rows.size()) - 1;
          pages_.insert(page, new Page(std::move(rows)));
          emit dataChanged(index(first, 0), index(last, suite));
        }
        emit changed();
        if (!wanted_.empty()) QMetaObject::invokeMethod(this, &SamplesIndex::read_pages, Qt::QueuedConnection);
      });
}

SampleOrder SamplesIndex::order_of(int column) {
  switch (column) {
    case item:
      return SampleOrder::item;
    case verdict:
      return SampleOrder::verdict;
    case n_output_tokens:
      return SampleOrder::n_output_tokens;
    case ttft_ms:
      return SampleOrder::ttft_ms;
    case itl_ms_mean:
      return SampleOrder::itl_ms_mean;
    case e2e_ms:
      return SampleOrder::e2e_ms;
    default:
      return SampleOrder::stored;
  }
}

int SamplesIndex::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(keys_.size());
}

int SamplesIndex::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : suite + 1; }

QVariant SamplesIndex::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rowCount()) return {};
  const bool is_figure = index.column() >= n_output_tokens && index.column() <= e2e_ms;
  if (role == Qt::TextAlignmentRole) {
    return static_cast<int>((is_figure ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
  }
  if (role != Qt::DisplayRole && role != Qt::ToolTipRole && role != RunIdRole) return {};
  const results::SampleRow* row = row_at(index.row());
  if (row == nullptr) return role == Qt::DisplayRole ? QVariant(QString(QChar(0x2026))) : QVariant();
  if (role == RunIdRole) return QString::fromStdString(row->run.value);
  switch (index.column()) {
    case item:
      return QString::fromStdString(row->key.item.value);
    case sample:
      return QString::number(row->key.sample);
    case verdict:
      return QString::fromStdString(to_string(row->verdict));
    case answer:
      return row->answer ? QString::fromStdString(*row->answer).left(1000) : unknown_text();
    case rule:
      return QString::fromStdString(row->rule);
    case n_output_tokens:
      return row->n_output_tokens ? QString::number(*row->n_output_tokens) : unknown_text();
    case ttft_ms:
      return figure(row->ttft_ms);
    case itl_ms_mean:
      return figure(row->itl_ms_mean);
    case e2e_ms:
      return figure(row->e2e_ms);
    case run:
      return QString::fromStdString(row->run.value).left(role == Qt::DisplayRole ? 8 : -1);
    default:
      return QString::fromStdString(row->key.suite);
  }
}

QVariant SamplesIndex::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || role != Qt::DisplayRole || section < 0 || section > suite) return {};
  const QStringList titles = {tr("Item"),     tr("Sample"),  tr("Verdict"), tr("Answer"), tr("Rule"), tr("Tokens"),
                              tr("TTFT, ms"), tr("ITL, ms"), tr("E2E, ms"), tr("Run"),    tr("Suite")};
  return titles[section];
}

}  // namespace assay::gui

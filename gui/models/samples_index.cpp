#include "gui/models/samples_index.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <thread>

#include "gui/models/figure_text.h"
#include "gui/models/run_columns.h"
#include "gui/models/run_figures.h"

namespace assay::gui {

namespace {

using results::SampleOrder;

constexpr std::size_t kMostPagesAtOnce = 4;
constexpr std::size_t kMostReaders = 2;  // of databases, at a time: each holds an order of its own

struct Sorted {
  std::vector<results::SampleRef> samples;
  std::int64_t n_left_out = 0;
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
  return a.suite == b.suite && a.verdicts == b.verdicts && a.words == b.words && a.order == b.order &&
         a.descending == b.descending;
}

Result<results::SampleOrdering> order_source(const SampleSource& source, results::SampleQuery query,
                                             const std::stop_token& stop) {
  ASSAY_ASSIGN(const results::SampleIndex index, open(source.database));
  const std::stop_callback interrupt(stop, [&] { index.interrupt(); });
  query.runs = source.runs;
  return index.order_samples(query);
}

/// Several databases are read at a time. One that can't be read is named, the others' samples are there.
Sorted sort_samples(const std::vector<SampleSource>& sources, results::SampleQuery query, const std::stop_token& stop) {
  if (query.most_unindexed != std::numeric_limits<std::int64_t>::max() && !sources.empty()) {
    query.most_unindexed /= static_cast<std::int64_t>(sources.size());
  }
  std::vector<Result<results::SampleOrdering>> read(sources.size(), results::SampleOrdering());
  std::atomic<std::size_t> next = 0;
  {
    std::vector<std::jthread> readers;
    for (std::size_t i = 0; i < std::min(sources.size(), kMostReaders); ++i) {
      readers.emplace_back([&] {
        for (std::size_t source = next++; source < sources.size(); source = next++) {
          read[source] = order_source(sources[source], query, stop);
        }
      });
    }
  }
  Sorted sorted;
  std::vector<results::SampleOrdering> files;
  for (Result<results::SampleOrdering>& ordering : read) {
    files.push_back(ordering ? std::move(*ordering) : results::SampleOrdering());
    sorted.n_left_out += files.back().n_left_out;
    if (!ordering) sorted.failure = QString::fromStdString(ordering.error().message);
  }
  sorted.samples = results::merge_orderings(files, query.descending);
  return sorted;
}

/// Samples of one file, and the place of each in the page.
struct FileOfPage {
  std::vector<std::int64_t> keys;
  std::vector<std::size_t> places;
};

std::map<std::size_t, FileOfPage> files_of_page(const std::vector<results::SampleRef>& samples) {
  std::map<std::size_t, FileOfPage> files;
  for (std::size_t place = 0; place < samples.size(); ++place) {
    FileOfPage& file = files[samples[place].file];
    file.keys.push_back(static_cast<std::int64_t>(samples[place].key));
    file.places.push_back(place);
  }
  return files;
}

}  // namespace

std::vector<SampleSource> sample_sources(const Workspace& workspace, const QStringList& run_ids) {
  std::vector<SampleSource> sources;
  for (const QString& database : workspace.databases()) {
    SampleSource source{database, {}};
    for (const LocatedRun& located : *workspace.runs()) {
      const bool is_meant = run_ids.isEmpty() || run_ids.contains(QString::fromStdString(located.run.run_id.value));
      if (located.database == database && is_meant) source.runs.push_back(located.run.run_id);
    }
    if (source.runs.empty()) continue;
    // All of a database is asked faster than each of its runs.
    if (run_ids.isEmpty() && workspace.shows_all_runs_of(database)) source.runs.clear();
    sources.push_back(std::move(source));
  }
  return sources;
}

SamplesIndex::SamplesIndex(const Workspace& workspace, QObject* parent, int rows_at_once)
    : QAbstractTableModel(parent), workspace_(workspace), rows_at_once_(rows_at_once), pages_(kMostPages) {
  growing_.setSingleShot(true);
  connect(&growing_, &QTimer::timeout, this, &SamplesIndex::show_more);
}

SamplesIndex::~SamplesIndex() {
  sorting_.cancel();
  paging_.cancel();
}

std::int64_t SamplesIndex::n_samples_of(const std::vector<SampleSource>& sources) const {
  std::int64_t n = 0;
  for (const SampleSource& source : sources) {
    for (const LocatedRun& located : *workspace_.runs()) {
      const auto& runs = source.runs;
      const bool is_meant = runs.empty() || std::find(runs.begin(), runs.end(), located.run.run_id) != runs.end();
      if (located.database == source.database && is_meant) n += ::assay::gui::n_stored(located.run);
    }
  }
  return n;
}

void SamplesIndex::ask(std::vector<SampleSource> sources, const results::SampleQuery& query) {
  const std::int64_t n_stored = n_samples_of(sources);
  if (n_stored == n_stored_ && sources == sources_ && is_same(query, query_)) return;
  n_stored_ = n_stored;
  sources_ = std::move(sources);
  query_ = query;
  // Where much isn't indexed yet, first what can be had at once, then all.
  sort_at_most(query_.most_unindexed);
}

void SamplesIndex::sort_at_most(std::int64_t most_unindexed) {
  paging_.cancel();
  results::SampleQuery query = query_;
  query.most_unindexed = most_unindexed;
  sorting_.start(
      [sources = sources_, query](std::stop_token stop) { return sort_samples(sources, query, std::move(stop)); },
      [this](Sorted sorted) {
        beginResetModel();
        samples_ = std::move(sorted.samples);
        n_rows_ = std::min(static_cast<int>(samples_.size()), rows_at_once_);
        n_left_out_ = sorted.n_left_out;
        sort_failure_ = sorted.failure;
        page_failure_.clear();
        pages_.clear();
        wanted_.clear();
        endResetModel();
        tell_of_more();
        if (n_left_out_ > 0) return sort_at_most(std::numeric_limits<std::int64_t>::max());
        emit changed();
      });
  emit changed();
}

void SamplesIndex::tell_of_more() {
  if (n_rows_ == static_cast<int>(samples_.size())) return growing_.stop();
  growing_.start(0);
}

void SamplesIndex::show_more() {
  const int n_more = std::min(static_cast<int>(samples_.size()) - n_rows_, rows_at_once_);
  beginInsertRows({}, n_rows_, n_rows_ + n_more - 1);
  n_rows_ += n_more;
  endInsertRows();
  tell_of_more();
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
  const bool is_replaced_soon = sorting_.is_running() && n_left_out_ == 0;
  if (paging_.is_running() || is_replaced_soon || wanted_.empty()) return;
  std::vector<std::pair<int, std::vector<results::SampleRef>>> asked;
  while (!wanted_.empty() && asked.size() < kMostPagesAtOnce) {
    const int page = *wanted_.rbegin();
    wanted_.erase(page);
    const std::size_t begin = static_cast<std::size_t>(page) * kPageRows;
    if (begin >= samples_.size()) continue;
    const auto first = samples_.begin() + static_cast<std::ptrdiff_t>(begin);
    asked.emplace_back(page,
                       std::vector<results::SampleRef>(first, first + static_cast<std::ptrdiff_t>(std::min<std::size_t>(
                                                                          kPageRows, samples_.size() - begin))));
  }
  wanted_.clear();  // pages that were scrolled past; those in sight ask again
  paging_.start(
      [sources = sources_, asked](std::stop_token stop) {
        ReadPages read;
        std::map<std::size_t, results::SampleIndex> open_files;
        for (const auto& [page, samples] : asked) {
          std::vector<results::SampleRow> rows(samples.size());
          for (const auto& [file, wanted] : files_of_page(samples)) {
            if (open_files.find(file) == open_files.end()) {
              auto opened = open(sources[file].database);
              if (!opened) {
                read.failure = QString::fromStdString(opened.error().message);
                continue;
              }
              open_files.emplace(file, std::move(*opened));
            }
            const results::SampleIndex& index = open_files.at(file);
            const std::stop_callback interrupt(stop, [&] { index.interrupt(); });
            auto of_file = index.rows(wanted.keys);
            if (!of_file) {
              read.failure = QString::fromStdString(of_file.error().message);
              continue;
            }
            for (std::size_t i = 0; i < wanted.places.size(); ++i) rows[wanted.places[i]] = std::move((*of_file)[i]);
          }
          read.pages.emplace_back(page, std::move(rows));
        }
        return read;
      },
      [this](ReadPages read) {
        page_failure_ = read.failure;
        for (auto& [page, rows] : read.pages) {
          const int first = page * kPageRows;
          const int last = std::min(first + static_cast<int>(rows.size()), n_rows_) - 1;  // others are told of later
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

int SamplesIndex::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : n_rows_; }

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
    case run: {
      const QString id = QString::fromStdString(row->run.value);
      const LocatedRun* located = workspace_.find(id);
      if (located == nullptr) return id;
      return role == Qt::DisplayRole ? located->title
                                     : QString("%1\nRun %2\n%3").arg(located->title, id, located->database);
    }
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

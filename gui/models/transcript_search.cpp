#include "gui/models/transcript_search.h"

#include <QElapsedTimer>

#include "gui/models/run_figures.h"

namespace assay::gui {

namespace {

constexpr std::size_t kMostHits = 500;
constexpr qint64 kFillMs = 400;
constexpr int kLookAgainMs = 5000;

Result<results::SampleIndex> open_index(const QString& database) {
  return results::SampleIndex::open(database.toStdString(), cache_file(database, "search.db").toStdString());
}

struct Filled {
  results::IndexProgress progress;
  bool is_all = true;
  QString failure;
};

Filled fill(const QString& database, const std::stop_token& stop) {
  Filled filled;
  const auto fail = [&](const std::string& message) {
    filled.failure = QString::fromStdString(message);
    return filled;
  };
  auto index = open_index(database);
  if (!index) return fail(index.error().message);
  if (!index->index_error().empty()) return fail(index->index_error());
  QElapsedTimer timer;
  timer.start();
  bool has_more = true;
  while (has_more && !stop.stop_requested() && timer.elapsed() < kFillMs) {
    const auto added = index->add_next(stop);
    if (!added) return fail(added.error().message);
    has_more = *added;
  }
  filled.is_all = !has_more;
  const auto progress = index->progress();
  if (!progress) return fail(progress.error().message);
  filled.progress = *progress;
  return filled;
}

struct Found {
  std::vector<results::TranscriptHit> hits;
  bool has_more = false;
  QString failure;
};

/// Every database has its share of the hits, and what others leave of theirs.
Found find(const std::vector<SampleSource>& sources, const std::string& words, const std::stop_token& stop) {
  Found found;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (stop.stop_requested()) break;
    const auto index = open_index(sources[i].database);
    if (!index) {
      found.failure = QString::fromStdString(index.error().message);
      continue;
    }
    const std::stop_callback interrupt(stop, [&] { index->interrupt(); });
    const std::size_t share = (kMostHits - found.hits.size()) / (sources.size() - i);
    const auto matches = index->search(words, sources[i].runs, share);
    if (!matches) {
      found.failure = QString::fromStdString(matches.error().message);
      continue;
    }
    found.has_more = found.has_more || matches->has_more;
    auto hits = index->hits(matches->sample_keys, words);
    if (!hits) {
      found.failure = QString::fromStdString(hits.error().message);
      continue;
    }
    std::move(hits->begin(), hits->end(), std::back_inserter(found.hits));
  }
  return found;
}

}  // namespace

TranscriptSearch::TranscriptSearch(const Workspace& workspace, QObject* parent)
    : QAbstractTableModel(parent), workspace_(workspace) {
  look_again_.setSingleShot(true);
  connect(&look_again_, &QTimer::timeout, this, [this] {
    filled_.clear();
    index_next();
  });
}

TranscriptSearch::~TranscriptSearch() {
  searching_.cancel();
  indexing_.cancel();
}

void TranscriptSearch::set_databases(const QStringList& databases) {
  if (databases == databases_) return;
  databases_ = databases;
  index_next();
}

void TranscriptSearch::index_next() {
  if (indexing_.is_running()) return;
  for (const QString& database : databases_) {
    if (filled_.contains(database)) continue;
    indexing_.start([database](std::stop_token stop) { return fill(database, stop); },
                    [this, database](Filled filled) {
                      const std::int64_t n_before = progress_.value(database).n_indexed;
                      if (filled.failure.isEmpty()) progress_[database] = filled.progress;
                      // What came when all was in may be a hit; while much is coming in, the list stays as it is.
                      if (filled.is_all && filled.progress.n_indexed > n_before) search_again();
                      failure_ = filled.failure;
                      if (filled.is_all || !filled.failure.isEmpty()) filled_ << database;
                      emit status_changed();
                      QMetaObject::invokeMethod(this, &TranscriptSearch::index_next, Qt::QueuedConnection);
                    });
    return;
  }
  if (!databases_.isEmpty()) look_again_.start(kLookAgainMs);
}

void TranscriptSearch::search(const QString& words, const QStringList& runs) {
  std::vector<SampleSource> sources = sample_sources(workspace_, runs);
  if (words == words_ && sources == sources_) return;
  words_ = words;
  sources_ = std::move(sources);
  search_again();
}

void TranscriptSearch::search_again() {
  searching_.start(
      [sources = sources_, words = words_.toStdString()](std::stop_token stop) {
        return results::match_expression(words).empty() ? Found() : find(sources, words, stop);
      },
      [this](Found found) {
        beginResetModel();
        hits_ = std::move(found.hits);
        has_more_ = found.has_more;
        failure_ = found.failure;
        endResetModel();
        emit status_changed();
      });
  emit status_changed();
}

QString TranscriptSearch::status() const {
  std::int64_t n_indexed = 0, n_stored = 0;
  for (const QString& database : databases_) {
    n_indexed += progress_.value(database).n_indexed;
    n_stored += progress_.value(database).n_stored;
  }
  QStringList parts;
  if (is_searching()) {
    parts << tr("Searching…");
  } else if (!results::match_expression(words_.toStdString()).empty()) {
    parts << (has_more_           ? tr("%1 of more hits, the newest of each database").arg(hits_.size())
              : hits_.size() == 1 ? tr("1 hit")
                                  : tr("%1 hits").arg(hits_.size()));
  }
  if (!failure_.isEmpty()) {
    parts << failure_;
  } else if (n_indexed < n_stored) {
    parts << tr("%1 of %2 replies indexed so far").arg(n_indexed).arg(n_stored);
  } else if (n_stored > 0) {
    parts << tr("all %1 replies indexed").arg(n_stored);
  }
  return parts.join(", ");
}

int TranscriptSearch::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(hits_.size());
}

int TranscriptSearch::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : excerpt + 1; }

QVariant TranscriptSearch::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rowCount()) return {};
  const results::TranscriptHit& hit = hits_[static_cast<std::size_t>(index.row())];
  if (role == RunIdRole) return QString::fromStdString(hit.run.value);
  if (role != Qt::DisplayRole && role != Qt::ToolTipRole) return {};
  switch (index.column()) {
    case run:
      if (const LocatedRun* located = workspace_.find(QString::fromStdString(hit.run.value))) return located->title;
      return QString::fromStdString(hit.run.value);
    case suite:
      return QString::fromStdString(hit.key.suite);
    case item:
      return QString::fromStdString(hit.key.item.value);
    case sample:
      return QString::number(hit.key.sample);
    default:
      return QString::fromStdString(hit.excerpt);
  }
}

QVariant TranscriptSearch::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
  switch (section) {
    case run:
      return tr("Run");
    case suite:
      return tr("Suite");
    case item:
      return tr("Item");
    case sample:
      return tr("Sample");
    case excerpt:
      return tr("Found");
    default:
      return {};
  }
}

}  // namespace assay::gui

#include "gui/models/figures_reader.h"

#include <algorithm>

#include "results/browse/run_overviews.h"

namespace assay::gui {

namespace {

constexpr std::size_t kBatch = 16;
// What comes into sight waits for so long at most.
constexpr qint64 kBatchMs = 100;
// Fewer runs of a database are read one by one as soon as all its samples are passed over.
constexpr int kFewRuns = 16;
constexpr qint64 kSaveEveryMs = 5000;
// After a look at other runs for so long only what is looked at is read: more may come into sight.
constexpr int kSettleMs = 150;
// A run that is being written changes with every sample; its figures needn't.
constexpr qint64 kGrowingEveryMs = 5000;

struct Read {
  QString run_id;
  RememberedFigures remembered;
};

RunFigures failed_figures(const Error& error) {
  RunFigures figures;
  figures.failure = QString::fromStdString(error.message);
  return figures;
}

template <class Wanted>
std::vector<Read> read_batch(const std::vector<Wanted>& wanted, const std::stop_token& stop) {
  std::vector<Read> batch;
  QElapsedTimer timer;
  timer.start();
  Result<results::Store> store = results::Store::open_read_only(wanted.front().database.toStdString());
  if (!store) {
    for (const Wanted& run : wanted) batch.push_back({run.run_id, {run.key, failed_figures(store.error())}});
    return batch;
  }
  const std::stop_callback interrupt(stop, [&] { store->interrupt(); });
  for (const Wanted& run : wanted) {
    if (stop.stop_requested() || (!batch.empty() && timer.elapsed() > kBatchMs)) break;
    const auto summary = summarise(*store, RunId(run.run_id.toStdString()), {}, results::SummaryParts::headline);
    batch.push_back({run.run_id, {run.key, summary ? figures_of(*summary) : failed_figures(summary.error())}});
  }
  return batch;
}

}  // namespace

FiguresReader::FiguresReader(QObject* parent) : QObject(parent), runs_(std::make_shared<const Runs>()) {
  clock_.start();
  retry_.setSingleShot(true);
  connect(&retry_, &QTimer::timeout, this, &FiguresReader::read_next);
  settling_.setSingleShot(true);
  connect(&settling_, &QTimer::timeout, this, &FiguresReader::read_next);
}

FiguresReader::~FiguresReader() {
  reading_.cancel();
  overviewing_.cancel();
  saving_.cancel();
}

void FiguresReader::set_runs(std::shared_ptr<const Runs> runs) {
  if (runs == runs_) return;
  if (runs->size() != runs_->size()) overviewed_.clear();
  runs_ = std::move(runs);
  first_.clear();
  keys_.clear();
  databases_.clear();
  for (const LocatedRun& located : *runs_) {
    keys_.push_back(figures_key(located.run));
    databases_.insert(located.database);
  }
  settling_.start(kSettleMs);
  read_next();
}

void FiguresReader::set_first(std::vector<std::size_t> first) {
  first_ = std::move(first);
  settling_.start(kSettleMs);
  read_next();
}

const RunFigures* FiguresReader::find(const QString& run_id) const {
  const auto at = known_.find(run_id);
  return at == known_.end() ? nullptr : &at->figures;
}

bool FiguresReader::is_loaded() const { return loaded_.contains(databases_); }

bool FiguresReader::is_wanted(std::size_t index) const {
  if (index >= runs_->size()) return false;
  const LocatedRun& located = (*runs_)[index];
  const QString id = QString::fromStdString(located.run.run_id.value);
  const auto at = known_.find(id);
  if (at == known_.end()) return true;
  if (at->key == keys_[index] && at->figures.is_whole) return false;
  return !located.run.is_active || clock_.elapsed() - read_at_ms_.value(id, -kGrowingEveryMs) >= kGrowingEveryMs;
}

bool FiguresReader::is_busy() const {
  if (!is_loaded()) return true;
  return std::any_of(first_.begin(), first_.end(), [this](std::size_t index) {
    if (index >= runs_->size()) return false;
    const RunFigures* figures = find(QString::fromStdString((*runs_)[index].run.run_id.value));
    return figures == nullptr || !figures->is_whole;
  });
}

bool FiguresReader::knows_all() const {
  return std::all_of(runs_->begin(), runs_->end(), [this](const LocatedRun& located) {
    return find(QString::fromStdString(located.run.run_id.value)) != nullptr;
  });
}

void FiguresReader::load_next() {
  for (const QString& database : databases_) {
    if (loaded_.contains(database)) continue;
    reading_.start([file = cache_file(database, "figures.json")](std::stop_token) { return load_figures(file); },
                   [this, database](FiguresById figures) {
                     loaded_.insert(database);
                     for (auto it = figures.begin(); it != figures.end(); ++it) {
                       if (!known_.contains(it.key())) known_.insert(it.key(), *it);
                     }
                     emit figures_changed(figures.keys());
                     QMetaObject::invokeMethod(this, &FiguresReader::read_next, Qt::QueuedConnection);
                   });
    return;
  }
}

void FiguresReader::read_next() {
  if (reading_.is_running()) return;
  if (!is_loaded()) return load_next();
  if (needs_all_) read_overviews();
  std::vector<Wanted> wanted;
  const auto add = [&](std::size_t index) {
    if (wanted.size() == kBatch || !is_wanted(index)) return;
    const LocatedRun& located = (*runs_)[index];
    if (!wanted.empty() && wanted.front().database != located.database) return;
    wanted.push_back({located.database, QString::fromStdString(located.run.run_id.value), keys_[index]});
    if (located.run.is_active) read_at_ms_[wanted.back().run_id] = clock_.elapsed();
  };
  for (const std::size_t index : first_) add(index);
  if (wanted.empty()) {
    if (settling_.isActive()) return;
    read_overviews();
    if (overviewing_.is_running()) return;
    for (std::size_t i = 0; i < runs_->size(); ++i) add(i);
  }
  if (wanted.empty()) {
    save();
    const bool is_growing =
        std::any_of(runs_->begin(), runs_->end(), [](const LocatedRun& located) { return located.run.is_active; });
    if (is_growing && !retry_.isActive()) retry_.start(kGrowingEveryMs);
    return;
  }
  const QString database = wanted.front().database;
  reading_.start([wanted](std::stop_token stop) { return read_batch(wanted, stop); },
                 [this, database](std::vector<Read> batch) {
                   QStringList ids;
                   for (Read& read : batch) {
                     ids << read.run_id;
                     known_.insert(read.run_id, std::move(read.remembered));
                   }
                   to_save_.insert(database);
                   if (clock_.elapsed() - saved_at_ms_ > kSaveEveryMs) save();
                   emit figures_changed(ids);
                   QMetaObject::invokeMethod(this, &FiguresReader::read_next, Qt::QueuedConnection);
                 });
}

void FiguresReader::read_overviews() {
  if (overviewing_.is_running()) return;
  QHash<QString, int> n_unknown;
  for (const LocatedRun& located : *runs_) {
    const bool is_unknown = find(QString::fromStdString(located.run.run_id.value)) == nullptr;
    if (is_unknown && !located.run.is_active && !overviewed_.contains(located.database)) ++n_unknown[located.database];
  }
  const auto most = std::max_element(n_unknown.begin(), n_unknown.end());
  if (most == n_unknown.end() || *most <= kFewRuns) return;
  const QString database = most.key();
  overviewed_.insert(database);
  overviewing_.start(
      [database](const std::stop_token& stop) {
        FiguresById figures;
        // A database that can't be read says so for each of its runs.
        const auto overviews = results::read_overviews(database.toStdString(), stop);
        if (!overviews) return figures;
        for (const results::RunSummary& overview : overviews->runs) {
          figures.insert(QString::fromStdString(overview.run.run_id.value),
                         {figures_key(overview.run), overview_figures(overview, overviews->has_energy)});
        }
        return figures;
      },
      [this](FiguresById figures) {
        for (auto it = figures.begin(); it != figures.end(); ++it) {
          if (!known_.contains(it.key())) known_.insert(it.key(), *it);
        }
        emit figures_changed(figures.keys());
        QMetaObject::invokeMethod(this, &FiguresReader::read_next, Qt::QueuedConnection);
      });
}

void FiguresReader::save() {
  if (to_save_.isEmpty() || saving_.is_running()) return;
  saved_at_ms_ = clock_.elapsed();
  const QString database = *to_save_.begin();
  to_save_.remove(database);
  FiguresById figures;
  for (const LocatedRun& located : *runs_) {
    if (located.database != database) continue;
    const QString id = QString::fromStdString(located.run.run_id.value);
    if (const auto at = known_.find(id); at != known_.end()) figures.insert(id, *at);
  }
  saving_.start(
      [file = cache_file(database, "figures.json"), figures](std::stop_token) { return save_figures(file, figures); },
      [this](bool) {
        if (!to_save_.isEmpty() && !reading_.is_running()) save();
      });
}

}  // namespace assay::gui

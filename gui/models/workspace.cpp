#include "gui/models/workspace.h"

#include <QDateTime>
#include <QFileInfo>
#include <algorithm>
#include <map>
#include <set>

#include "gui/models/plain_text.h"
#include "harness/base/result.h"

namespace assay::gui {

namespace {

constexpr int kLookEveryMs = 1000;
constexpr std::size_t kShownIdCharacters = 8;

Result<std::vector<results::RunRecord>> runs_of(const QString& path) {
  ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(path.toStdString()));
  return store.list_runs();
}

/// Changes whenever the database's files do. No connection is kept to ask for PRAGMA data_version: this process opens
/// the file elsewhere too, and each closing drops all its locks on it (POSIX). A writer that ends then takes the log
/// away from under the connection, and as long as that one is open all others of this process see what it sees.
std::size_t mark_of(const QString& path) {
  std::size_t mark = 0;
  for (const char* suffix : {"", "-wal"}) {
    const QFileInfo file(path + suffix);
    mark = qHashMulti(mark, file.size(), file.lastModified().toMSecsSinceEpoch());
  }
  return mark;
}

void set_titles(Runs& runs) {
  constexpr qsizetype kMostCharacters = 40;
  std::map<std::string, int> n_of_name;
  for (const LocatedRun& located : runs) ++n_of_name[located.run.facts.name];
  for (LocatedRun& located : runs) {
    const std::string& name = located.run.facts.name;
    located.title = visible_text(name.empty() ? located.run.facts.model.name : name, kMostCharacters);
    if (!name.empty() && n_of_name[name] == 1) continue;
    located.title += " (" + visible_text(located.run.run_id.value.substr(0, kShownIdCharacters)) + ")";
  }
}

}  // namespace

RunsReading read_runs(const QStringList& paths, std::stop_token stop) {
  RunsReading reading;
  std::set<std::string> known;
  for (const QString& path : paths) {
    if (stop.stop_requested()) break;
    Result<std::vector<results::RunRecord>> runs = runs_of(path);
    if (!runs) {
      reading.failures.emplace_back(path, runs.error());
      continue;
    }
    for (results::RunRecord& run : *runs) {
      if (known.insert(run.run_id.value).second) {
        reading.runs.push_back({path, std::move(run), {}});
      } else if (!reading.partial.contains(path)) {
        reading.partial << path;
      }
    }
  }
  std::stable_sort(reading.runs.begin(), reading.runs.end(),
                   [](const LocatedRun& a, const LocatedRun& b) { return a.run.started_at_ms > b.run.started_at_ms; });
  set_titles(reading.runs);
  return reading;
}

Result<QString> find_run_id(const Runs& runs, const QString& words) {
  const std::string text = words.toStdString();
  const auto id_of = [](const LocatedRun& located) { return QString::fromStdString(located.run.run_id.value); };
  for (const LocatedRun& located : runs) {
    if (located.run.run_id.value == text) return words;
  }
  if (text == "latest" && !runs.empty()) return id_of(runs.front());
  for (const LocatedRun& located : runs) {
    if (!text.empty() && located.run.facts.name == text) return id_of(located);
  }
  std::vector<QString> matches;
  for (const LocatedRun& located : runs) {
    if (!text.empty() && located.run.run_id.value.starts_with(text)) matches.push_back(id_of(located));
  }
  if (matches.size() == 1) return matches.front();
  if (matches.size() > 1) return bad_input("run \"", text, "\" is ambiguous: ", matches.size(), " ids begin so");
  return bad_input("no run \"", text, "\" in the open databases, which hold ", runs.size(), " runs");
}

Workspace::Workspace(QObject* parent) : QObject(parent), runs_(std::make_shared<const Runs>()) {
  connect(&reading_, &LatestJob::running_changed, this, &Workspace::reading_changed);
  connect(&timer_, &QTimer::timeout, this, &Workspace::look_for_changes);
  timer_.start(kLookEveryMs);
}

Workspace::~Workspace() = default;

void Workspace::set_databases(const QStringList& paths) {
  if (paths == paths_) return;
  paths_ = paths;
  watched_.clear();
  read();
}

void Workspace::read() {
  must_read_again_ = false;
  reading_.start([paths = paths_](std::stop_token stop) { return read_runs(paths, std::move(stop)); },
                 [this](RunsReading reading) {
                   for (const auto& [path, error] : reading.failures) {
                     paths_.removeAll(path);
                     emit failed(path, QString::fromStdString(error.message));
                   }
                   for (const QString& path : paths_) {
                     const bool is_watched = std::any_of(watched_.begin(), watched_.end(),
                                                         [&](const Watched& watched) { return watched.path == path; });
                     if (is_watched) continue;
                     // Rows may have come between the reading and this: the first look reads once more.
                     watched_.push_back({path, 0});
                   }
                   partial_ = reading.partial;
                   runs_ = std::make_shared<const Runs>(std::move(reading.runs));
                   emit runs_changed();
                 });
}

void Workspace::look_for_changes() {
  for (Watched& watched : watched_) {
    const std::size_t mark = mark_of(watched.path);
    if (mark != std::exchange(watched.mark, mark)) must_read_again_ = true;
  }
  // A killed run's state changes without a write: its lock is gone.
  const bool has_active =
      std::any_of(runs_->begin(), runs_->end(), [](const LocatedRun& located) { return located.run.is_active; });
  if ((must_read_again_ || has_active) && !reading_.is_running()) read();
}

const LocatedRun* Workspace::find(const QString& run_id) const {
  const std::string id = run_id.toStdString();
  const auto found = std::find_if(runs_->begin(), runs_->end(),
                                  [&](const LocatedRun& located) { return located.run.run_id.value == id; });
  return found == runs_->end() ? nullptr : &*found;
}

}  // namespace assay::gui

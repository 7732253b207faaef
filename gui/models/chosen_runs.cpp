#include "gui/models/chosen_runs.h"

namespace assay::gui {

namespace {

std::int64_t n_samples_of(const results::RunRecord& run) {
  std::int64_t n = 0;
  for (const results::RunSuiteRecord& suite : run.suites) n += suite.n_samples;
  return n;
}

QString version_of(const results::RunRecord& run) {
  QString version = QString::number(n_samples_of(run)) + " " + QString::fromStdString(to_string(current_state(run)));
  for (const results::RunSuiteRecord& suite : run.suites) {
    version += " " + QString::fromStdString(suite.current_profile) + " " +
               QString::fromStdString(suite.current_grader_version) + " " + QString::number(suite.n_correct);
  }
  return version;
}

}  // namespace

QString ChosenRuns::fingerprint() const {
  QStringList parts;
  for (const ChosenRun& run : runs) parts << run.database << run.run_id << run.title << run.version;
  return (parts + not_found).join('\n');
}

ChosenRuns chosen_runs(const Workspace& workspace, const ViewState& state) {
  QStringList ids = state.runs;
  const QString baseline = baseline_of(state);
  if (!baseline.isEmpty()) {
    ids.removeAll(baseline);
    ids.prepend(baseline);
  }
  ids.removeDuplicates();
  ChosenRuns chosen;
  for (const QString& id : ids) {
    const LocatedRun* located = workspace.find(id);
    if (located == nullptr) {
      chosen.not_found.append(id);
      continue;
    }
    chosen.runs.push_back({located->database, id, located->title, version_of(located->run)});
  }
  return chosen;
}

QStringList newest_runs(const Workspace& workspace, int n) {
  QStringList ids;
  for (const LocatedRun& located : *workspace.runs()) {
    if (ids.size() == n) break;
    if (n_samples_of(located.run) > 0) ids.append(QString::fromStdString(located.run.run_id.value));
  }
  return ids;
}

}  // namespace assay::gui

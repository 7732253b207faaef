#include "gui/models/difference_reader.h"

#include <QElapsedTimer>
#include <algorithm>

namespace assay::gui {

namespace {

using results::Finding;

constexpr std::size_t kMostAtOnce = 8;
// What comes into sight waits for so long at most.
constexpr qint64 kMostAtOnceMs = 100;

const QString kMinus = QString(QChar(0x2212));

QString signed_number(double value, int digits) {
  QString text = QString::number(std::abs(value), 'f', digits);
  return (value < 0 ? kMinus : value > 0 ? QString("+") : QString()) + text;
}

QString signed_interval(const results::Interval& interval, double scale, int digits) {
  return QString("[%1, %2]")
      .arg(signed_number(scale * interval[0], digits), signed_number(scale * interval[1], digits));
}

CellDifference paired_cell(const results::PairedFigure& figure, const results::DifferenceTest& test, double scale,
                           const QString& what) {
  CellDifference cell;
  if (!figure.difference) return cell;
  cell.text = signed_number(scale * *figure.difference, 1);
  if (figure.interval) cell.text += " " + signed_interval(*figure.interval, scale, 1);
  cell.finding = test.finding;
  QStringList lines = {what, QString("n = %1 items in both runs").arg(shown_count(figure.n_items))};
  if (figure.interval) {
    lines << QString("95 % interval %1 (%2)")
                 .arg(signed_interval(*figure.interval, scale, 1), QString::fromStdString(figure.interval_method));
  } else {
    lines << "No interval: too few items";
  }
  if (test.p_value) {
    lines << QString("%1: p = %2, %3 corrected for all tests")
                 .arg(QString::fromStdString(test.method))
                 .arg(*test.p_value, 0, 'g', 3)
                 .arg(test.p_holm.value_or(*test.p_value), 0, 'g', 3);
  }
  lines << QString::fromStdString(to_string(test.finding));
  cell.tooltip = lines.join('\n');
  return cell;
}

CellDifference ratio_cell(const std::optional<double>& ratio, const std::optional<results::Interval>& interval,
                          const QString& what) {
  CellDifference cell;
  if (!ratio) return cell;
  cell.text = QString(QChar(0x00D7)) + QString::number(*ratio, 'f', 2);
  cell.tooltip = what;
  if (interval) {
    const QString shown = QString("[%1, %2]").arg((*interval)[0], 0, 'f', 2).arg((*interval)[1], 0, 'f', 2);
    cell.text += " " + shown;
    cell.tooltip += "\n95 % interval " + shown + ", by resampling items";
  } else {
    cell.tooltip += "\nNo interval: a run has one such figure, and no spread";
  }
  return cell;
}

struct Compared {
  QString run_id;
  QString key;
  RunDifferences differences;
};

struct Batch {
  std::shared_ptr<const results::ComparableRun> baseline;
  std::vector<Compared> runs;
};

Result<results::ComparableRun> read(const QString& database, const QString& run_id, const std::stop_token& stop) {
  ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(database.toStdString()));
  const std::stop_callback interrupt(stop, [&] { store.interrupt(); });
  return read_comparable_run(store, RunId(run_id.toStdString()));
}

RunDifferences compare(const results::ComparableRun& baseline, const Result<results::ComparableRun>& run,
                       const QString& suite) {
  RunDifferences differences;
  const auto fail = [&](const Error& error) {
    differences.obstacle = QString::fromStdString(error.message);
    return differences;
  };
  if (!run) return fail(run.error());
  const auto comparison = compare_runs(baseline, {*run});
  if (!comparison) return fail(comparison.error());
  return differences_of(comparison->runs.front(), suite);
}

}  // namespace

RunDifferences differences_of(const results::RunComparison& comparison, const QString& suite) {
  RunDifferences differences;
  if (!comparison.suites.empty()) {
    const auto named =
        std::find_if(comparison.suites.begin(), comparison.suites.end(),
                     [&](const results::SuiteComparison& each) { return QString::fromStdString(each.suite) == suite; });
    const results::SuiteComparison& shown = named == comparison.suites.end() ? comparison.suites.front() : *named;
    const QString name = QString::fromStdString(shown.suite);
    differences.cells[RunColumn::accuracy] =
        paired_cell(shown.accuracy, shown.accuracy_test, 100,
                    QString("Accuracy on %1, percentage points more than the baseline").arg(name));
    differences.cells[RunColumn::output_tokens] =
        paired_cell(shown.output_tokens, shown.output_tokens_test, 1,
                    QString("Output tokens a sample on %1, more than the baseline").arg(name));
  }
  const std::pair<const char*, RunColumn> kLatencies[] = {
      {"ttft_ms", RunColumn::ttft_ms}, {"itl_ms", RunColumn::itl_ms}, {"e2e_ms", RunColumn::e2e_ms}};
  for (const results::LatencyComparison& latency : comparison.latency) {
    for (const auto& [metric, column] : kLatencies) {
      if (latency.metric != metric) continue;
      differences.cells[column] =
          ratio_cell(latency.p50_ratio, latency.p50_ratio_interval, "Ratio of the medians to the baseline's");
    }
  }
  const std::pair<const char*, RunColumn> kFigures[] = {{"output_tokens_per_s", RunColumn::output_tokens_per_s},
                                                        {"usd_total", RunColumn::usd_total},
                                                        {"usd_per_correct", RunColumn::usd_per_correct},
                                                        {"joules_total", RunColumn::joules_total}};
  for (const results::RunFigure& figure : comparison.figures) {
    for (const auto& [metric, column] : kFigures) {
      if (figure.metric != metric) continue;
      differences.cells[column] = ratio_cell(figure.ratio, figure.ratio_interval, "Ratio to the baseline's");
    }
  }
  QString environments;
  for (const std::string& difference : comparison.environment_differences) {
    environments += "\nDiffers: " + QString::fromStdString(difference);
  }
  for (auto& [column, cell] : differences.cells) {
    if (column != RunColumn::accuracy && column != RunColumn::output_tokens && !cell.tooltip.isEmpty()) {
      cell.tooltip += environments;
    }
  }
  return differences;
}

DifferenceReader::~DifferenceReader() { reading_.cancel(); }

void DifferenceReader::set_baseline(std::shared_ptr<const Runs> runs, const QString& baseline_id,
                                    const QString& suite) {
  QString key;
  for (const LocatedRun& located : *runs) {
    if (QString::fromStdString(located.run.run_id.value) == baseline_id) key = figures_key(located.run);
  }
  if (runs != runs_) wanted_.clear();
  runs_ = std::move(runs);
  if (baseline_id == baseline_id_ && suite == suite_ && key == baseline_key_) return;
  baseline_id_ = key.isEmpty() ? QString() : baseline_id;
  baseline_key_ = key;
  suite_ = suite;
  baseline_.reset();
  known_.clear();
  reading_.cancel();
}

void DifferenceReader::set_wanted(std::vector<std::size_t> wanted) {
  wanted_ = std::move(wanted);
  read_next();
}

const RunDifferences* DifferenceReader::find(const QString& run_id) const {
  const auto at = known_.find(run_id);
  return at == known_.end() ? nullptr : &at->differences;
}

std::vector<DifferenceReader::Wanted> DifferenceReader::still_wanted() const {
  std::vector<Wanted> wanted;
  if (baseline_id_.isEmpty() || runs_ == nullptr) return wanted;
  for (const std::size_t index : wanted_) {
    if (index >= runs_->size()) continue;
    const LocatedRun& located = (*runs_)[index];
    const QString id = QString::fromStdString(located.run.run_id.value);
    const QString key = figures_key(located.run);
    const auto at = known_.find(id);
    // A run that is being written is compared once a look, not once a sample.
    if (id == baseline_id_ || n_stored(located.run) == 0) continue;
    if (at != known_.end() && (at->key == key || located.run.is_active)) continue;
    wanted.push_back({located.database, id, key});
  }
  return wanted;
}

bool DifferenceReader::is_busy() const { return reading_.is_running() || !still_wanted().empty(); }

void DifferenceReader::read_next() {
  if (reading_.is_running()) return;
  std::vector<Wanted> wanted = still_wanted();
  if (wanted.empty()) return;
  wanted.resize(std::min(wanted.size(), kMostAtOnce));
  QString baseline_database;
  for (const LocatedRun& located : *runs_) {
    if (QString::fromStdString(located.run.run_id.value) == baseline_id_) baseline_database = located.database;
  }
  reading_.start(
      [baseline = baseline_, baseline_database, baseline_id = baseline_id_, suite = suite_,
       wanted](std::stop_token stop) {
        Batch batch;
        batch.baseline = baseline;
        QElapsedTimer timer;
        timer.start();
        QString failure;
        if (batch.baseline == nullptr) {
          auto known = read(baseline_database, baseline_id, stop);
          if (known) {
            batch.baseline = std::make_shared<const results::ComparableRun>(std::move(*known));
          } else {
            failure = QString::fromStdString(known.error().message);
          }
        }
        for (const Wanted& run : wanted) {
          if (stop.stop_requested() || (!batch.runs.empty() && timer.elapsed() > kMostAtOnceMs)) break;
          RunDifferences differences;
          differences.obstacle = failure;
          if (failure.isEmpty()) {
            differences = compare(*batch.baseline, read(run.database, run.run_id, stop), suite);
          }
          batch.runs.push_back({run.run_id, run.key, std::move(differences)});
        }
        return batch;
      },
      [this](Batch batch) {
        baseline_ = batch.baseline;
        QStringList ids;
        for (Compared& run : batch.runs) {
          ids << run.run_id;
          known_.insert(run.run_id, {run.key, std::move(run.differences)});
        }
        emit differences_changed(ids);
        QMetaObject::invokeMethod(this, &DifferenceReader::read_next, Qt::QueuedConnection);
      });
}

}  // namespace assay::gui

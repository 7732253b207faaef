#include "gui/models/run_columns.h"

#include <QDateTime>
#include <QFileInfo>
#include <QLocale>
#include <algorithm>
#include <array>
#include <cmath>

#include "gui/models/figure_text.h"

namespace assay::gui {

namespace {

constexpr std::array<RunColumnFacts, kRunColumns> kColumns = {{
    {"started", "Started", "When the run began, local time", 14, false, false, true},
    {"name", "Name", "The run's --name, else its model's; with the beginning of its id where another is called so, too",
     17, false, false, true},
    {"state", "State", "Finished, running or interrupted; stored of planned samples", 21, false, false, true},
    {"model", "Model", "The model's short name", 12, false, false, true},
    {"suites", "Suites", "The suites that were asked, or the benchmark", 14, false, false, true},
    {"accuracy", "Accuracy", "Mean over items of the mean over samples, with its 95 % interval", 20, true, true, true},
    {"hardware", "Hardware", "The devices that worked on the run", 18, false, false, true},
    {"items", "Items", "Planned items, over all suites", 7, true, false, true},
    {"samples", "Samples", "Stored samples, over all suites", 9, true, false, true},
    {"correct", "Correct", "Share of the stored samples, in the grading that counts", 9, true, false, false},
    {"incorrect", "Incorrect", "Share of the stored samples, in the grading that counts", 9, true, false, false},
    {"no_answer", "No answer", "Share of the stored samples from which no answer could be extracted", 10, true, false,
     true},
    {"truncated", "Truncated", "Share of the stored samples that were cut before an answer", 10, true, false, true},
    {"errors", "Errors", "Share of the stored samples whose generation or grading failed", 8, true, false, true},
    {"output_tokens", "Output tokens", "Generated tokens of all samples that did not fail", 14, true, true, true},
    {"output_tokens_per_s", "Tokens/s", "Output tokens over the run's wall time", 11, true, true, true},
    {"ttft_ms", "TTFT p50, ms", "Median time to the first token, milliseconds", 13, true, true, true},
    {"itl_ms", "ITL p50, ms", "Median over samples of the mean time between tokens, milliseconds", 12, true, true,
     true},
    {"e2e_ms", "E2E p50, ms", "Median time of a whole reply, milliseconds", 12, true, true, true},
    {"usd_total", "Cost, $", "The hourly price stored with the run times its hours", 11, true, true, true},
    {"usd_per_correct", "$/correct", "Cost over samples that are correct", 11, true, true, true},
    {"joules_total", "Energy, J", "Of the devices, idle draw included", 11, true, true, true},
    {"seed", "Seed", "The run's seed", 8, true, false, true},
    {"build", "Build", "Version and commit of the program that made the run", 18, false, false, true},
    {"tags", "Tags", "The run's tags", 22, false, false, true},
    {"provenance", "Provenance", "Measured, emulated, projected or published", 12, false, false, true},
    {"database", "Database", "The file that holds the run", 18, false, false, false},
}};

QString qt(const std::string& text) { return QString::fromStdString(text); }

RunCell missing(const QString& reason) { return {unknown_text(), {}, reason}; }

RunCell still_read() { return {QString(QChar(0x2026)), {}, "Being read…", true}; }

RunCell words_cell(const QString& text, const QString& reason_if_empty) {
  if (text.isEmpty()) return missing(reason_if_empty);
  return {text, text, text};
}

std::int64_t n_items(const results::RunRecord& run) {
  std::int64_t n = 0;
  for (const results::RunSuiteRecord& suite : run.suites) n += suite.n_items;
  return n;
}

RunCell state_cell(const results::RunRecord& run) {
  const std::int64_t stored = n_stored(run);
  const std::int64_t planned = n_planned(run);
  const QString state = qt(to_string(current_state(run)));
  QString words = state;
  QString tooltip = state + "\n" +
                    (planned > 0 ? QString("%1 of %2 samples stored").arg(shown_count(stored), shown_count(planned))
                                 : QString("Holds figures alone, no samples"));
  const QString progress = QString("%1/%2").arg(shown_count(stored), shown_count(planned));
  if (stored < planned) words += " " + progress;
  QString text = words;
  if (const auto left_s = seconds_left(run)) {
    text = progress + ", " + shown_duration(*left_s) + " left";  // what it is at is seen by its bar
    tooltip += QString("\nAbout %1 left at its rate so far (%2 samples in %3)")
                   .arg(shown_duration(*left_s), shown_count(stored), shown_duration(run.wall_s));
  }
  // What was not measured here is said where every run is seen.
  if (const std::string& provenance = run.facts.provenance; provenance != "measured") {
    text += ", " + qt(provenance);
    words = text;
    tooltip += "\nprovenance: " + qt(provenance);
  }
  return {text, words, tooltip};
}

/// A share of the stored samples, of all suites together.
RunCell rate_cell(const results::RunRecord& run, std::int64_t results::RunSuiteRecord::*count) {
  std::int64_t n = 0;
  for (const results::RunSuiteRecord& suite : run.suites) n += suite.*count;
  const std::int64_t stored = n_stored(run);
  if (stored == 0) return missing("No sample is stored yet");
  const double share = static_cast<double>(n) / static_cast<double>(stored);
  return {shown_percent(share), share, QString("%1 of %2 samples").arg(shown_count(n), shown_count(stored))};
}

QString provenance_line(const RunRow& row) { return "Provenance: " + qt(row.located->run.facts.provenance); }

/// The figures of the suite looked at, else of the first.
const SuiteFigures* suite_figures(const RunFigures& figures, const QString& suite) {
  for (const SuiteFigures& each : figures.suites) {
    if (each.suite == suite) return &each;
  }
  return figures.suites.empty() ? nullptr : &figures.suites.front();
}

QString shown_interval(const SuiteFigures& suite) {
  return QString("[%1, %2]").arg(100 * (*suite.ci95)[0], 0, 'f', 1).arg(100 * (*suite.ci95)[1], 0, 'f', 1);
}

RunCell accuracy_cell(const RunRow& row, const QString& suite) {
  const SuiteFigures* shown = suite_figures(*row.figures, suite);
  if (shown != nullptr && !shown->accuracy && !row.figures->is_whole) return still_read();
  if (shown == nullptr || !shown->accuracy) return missing("No sample is stored yet");
  QString text = shown_percent(*shown->accuracy);
  if (shown->ci95) text += " " + shown_interval(*shown);
  if (row.figures->suites.size() > 1) text += QString(" +%1").arg(row.figures->suites.size() - 1);
  QStringList lines;
  for (const SuiteFigures& each : row.figures->suites) {
    QString line = each.suite + ": ";
    const QString unknown = row.figures->is_whole ? "no samples" : "being read";
    line += each.accuracy ? shown_percent(*each.accuracy) : unknown;
    if (each.ci95) line += QString(", 95 % interval %1 (%2)").arg(shown_interval(each), each.ci95_method);
    line += QString(", n = %1 items").arg(shown_count(each.n_items_sampled));
    lines << line;
  }
  lines << "Mean over items of the mean over samples" << provenance_line(row);
  return {text, *shown->accuracy, lines.join('\n')};
}

/// Before any sample is read: with every planned sample stored, each item has as many as any other, and the mean over
/// items is that over samples.
RunCell counted_accuracy_cell(const RunRow& row, const QString& suite) {
  const auto& suites = row.located->run.suites;
  auto shown =
      std::find_if(suites.begin(), suites.end(), [&](const auto& each) { return qt(each.facts.suite) == suite; });
  if (shown == suites.end()) shown = suites.begin();
  if (shown == suites.end() || shown->n_samples == 0 || shown->n_samples != shown->n_items * shown->facts.samples) {
    return still_read();
  }
  const double accuracy = static_cast<double>(shown->n_correct) / static_cast<double>(shown->n_samples);
  return {shown_percent(accuracy), accuracy, "Its interval is being read…"};
}

RunCell number_cell(const RunRow& row, RunColumn column, const std::optional<double>& value, const QString& text,
                    const QString& reason) {
  if (!value) return missing(reason);
  return {text, *value, QString("%1\n%2").arg(facts_of(column).what, provenance_line(row))};
}

RunCell median_cell(const RunRow& row, RunColumn column, const Median& median) {
  RunCell cell = number_cell(row, column, median.p50, median.p50 ? shown_number(*median.p50) : QString(),
                             "No sample of the run tells this time");
  if (median.p50) cell.tooltip += QString("\nn = %1 samples").arg(shown_count(median.n));
  return cell;
}

RunCell figures_cell(RunColumn column, const RunRow& row, const QString& suite) {
  if (row.figures == nullptr) return column == RunColumn::accuracy ? counted_accuracy_cell(row, suite) : still_read();
  const RunFigures& figures = *row.figures;
  if (!figures.failure.isEmpty()) return missing(figures.failure);
  const bool is_timed = was_timed(row.located->run);
  const QString untimed = is_timed ? QString("Not known: a sample does not tell its tokens, or nothing was generated")
                                   : QString("These outputs were recorded or imported: their making was not timed");
  switch (column) {
    case RunColumn::accuracy:
      return accuracy_cell(row, suite);
    case RunColumn::output_tokens: {
      const auto& n = figures.n_output_tokens;
      return number_cell(row, column, n ? std::optional(static_cast<double>(*n)) : std::nullopt,
                         n ? shown_count(*n) : QString(), "A sample does not tell how many tokens it has");
    }
    case RunColumn::output_tokens_per_s:
      return number_cell(row, column, figures.output_tokens_per_s,
                         shown_number(figures.output_tokens_per_s.value_or(0)), untimed);
    case RunColumn::ttft_ms:
      return median_cell(row, column, figures.ttft_ms);
    case RunColumn::itl_ms:
      return median_cell(row, column, figures.itl_ms);
    case RunColumn::e2e_ms:
      return median_cell(row, column, figures.e2e_ms);
    case RunColumn::usd_total:
      return number_cell(row, column, figures.usd_total, shown_usd(figures.usd_total.value_or(0)),
                         is_timed ? "No price is stored with the run (--price-usd-per-gpu-hour)" : untimed);
    case RunColumn::usd_per_correct:
      return number_cell(row, column, figures.usd_per_correct, shown_usd(figures.usd_per_correct.value_or(0)),
                         figures.usd_total ? "No sample is correct" : "No cost is known");
    default:
      if (!figures.has_energy) return still_read();
      return number_cell(row, column, figures.joules_total, shown_number(figures.joules_total.value_or(0)),
                         figures.joules_reason);
  }
}

}  // namespace

const RunColumnFacts& facts_of(RunColumn column) { return kColumns[static_cast<std::size_t>(column)]; }

std::optional<RunColumn> run_column(const QString& key) {
  for (int i = 0; i < kRunColumns; ++i) {
    if (key == kColumns[static_cast<std::size_t>(i)].key) return static_cast<RunColumn>(i);
  }
  return std::nullopt;
}

RunCell run_cell(RunColumn column, const RunRow& row, const QString& suite) {
  const results::RunRecord& run = row.located->run;
  if (facts_of(column).needs_figures) return figures_cell(column, row, suite);
  switch (column) {
    case RunColumn::started:
      return {shown_time(run.started_at_ms), QVariant::fromValue(qlonglong{run.started_at_ms}),
              run.finished_at_ms
                  ? QString("Started %1, finished %2, %3 of work")
                        .arg(shown_time(run.started_at_ms), shown_time(*run.finished_at_ms), shown_duration(run.wall_s))
                  : QString("Started %1").arg(shown_time(run.started_at_ms))};
    case RunColumn::name:
      return {row.located->title, row.located->title,
              QString("%1\nRun %2")
                  .arg(run.facts.name.empty() ? row.located->title : qt(run.facts.name), qt(run.run_id.value))};
    case RunColumn::model: {
      RunCell cell = words_cell(qt(run.facts.model.name), "The model has no name");
      cell.tooltip = qt(run.facts.model.name) + "\n" + qt(run.facts.model.reference);
      cell.tooltip += run.facts.model.weights_sha256.empty() ? QString("\nWeights not known")
                                                             : "\nWeights " + qt(run.facts.model.weights_sha256);
      return cell;
    }
    case RunColumn::suites: {
      QStringList names;
      QStringList lines;
      for (const results::RunSuiteRecord& asked : run.suites) {
        names << qt(asked.facts.suite);
        lines << QString("%1 version %2: %3 items, %4 samples each; grader %5")
                     .arg(qt(asked.facts.suite), qt(asked.facts.version), shown_count(asked.n_items),
                          shown_count(asked.facts.samples), qt(asked.current_profile));
      }
      if (names.isEmpty() && run.facts.command_line.starts_with("bench ")) {
        const QString command = qt(run.facts.command_line);
        return {command.section(' ', 0, 1), command, command};
      }
      RunCell cell = words_cell(names.join(", "), "The run has measurements alone, no suite");
      if (!lines.isEmpty()) cell.tooltip = lines.join('\n');
      return cell;
    }
    case RunColumn::hardware:
      return words_cell(devices_of_run(run), "No device is known");
    case RunColumn::state:
      return state_cell(run);
    case RunColumn::items:
      return {shown_count(n_items(run)), QVariant::fromValue(qlonglong{n_items(run)}), "Items, over all suites"};
    case RunColumn::samples:
      return {shown_count(n_stored(run)), QVariant::fromValue(qlonglong{n_stored(run)}),
              QString("%1 stored, %2 planned").arg(shown_count(n_stored(run)), shown_count(n_planned(run)))};
    case RunColumn::correct:
      return rate_cell(run, &results::RunSuiteRecord::n_correct);
    case RunColumn::incorrect:
      return rate_cell(run, &results::RunSuiteRecord::n_incorrect);
    case RunColumn::no_answer:
      return rate_cell(run, &results::RunSuiteRecord::n_no_answer);
    case RunColumn::truncated:
      return rate_cell(run, &results::RunSuiteRecord::n_truncated);
    case RunColumn::errors:
      return rate_cell(run, &results::RunSuiteRecord::n_errors);
    case RunColumn::seed:
      return {QString::number(run.facts.seed), QVariant::fromValue(qlonglong{run.facts.seed}), "The run's seed"};
    case RunColumn::build: {
      if (run.segments.empty()) return missing("No build is known");
      const results::EnvironmentFacts& made_by = run.segments.front().environment;
      RunCell cell = words_cell((qt(made_by.build_version) + " " + qt(made_by.build_git_commit).left(8)).trimmed(),
                                "No build is known");
      cell.tooltip +=
          "\n" + qt(made_by.build_git_commit) + "\n" + qt(made_by.compiler) + " " + qt(made_by.compiler_flags);
      return cell;
    }
    case RunColumn::tags: {
      QStringList tags;
      for (const auto& [tag, value] : run.facts.tags) tags << qt(tag) + "=" + qt(value);
      return words_cell(tags.join(", "), "The run has no tags (--tag K=V)");
    }
    case RunColumn::provenance:
      return words_cell(qt(run.facts.provenance), "Not known");
    default:
      return {QFileInfo(row.located->database).fileName(), row.located->database, row.located->database};
  }
}

std::int64_t n_stored(const results::RunRecord& run) {
  std::int64_t n = 0;
  for (const results::RunSuiteRecord& suite : run.suites) n += suite.n_samples;
  return n;
}

std::int64_t n_planned(const results::RunRecord& run) {
  std::int64_t n = 0;
  for (const results::RunSuiteRecord& suite : run.suites) n += suite.n_items * suite.facts.samples;
  return n;
}

std::optional<double> seconds_left(const results::RunRecord& run) {
  const std::int64_t stored = n_stored(run);
  if (!run.is_active || stored == 0 || !(run.wall_s > 0)) return std::nullopt;
  return static_cast<double>(n_planned(run) - stored) * run.wall_s / static_cast<double>(stored);
}

QString shown_count(std::int64_t n) { return number_text(static_cast<double>(n)); }

QString shown_percent(double ratio) { return QString::number(100 * ratio, 'f', 1) + " %"; }

QString shown_number(double value, int n_digits) {
  if (!std::isfinite(value)) return unknown_text();
  if (value == 0) return "0";
  const int n_before = static_cast<int>(std::floor(std::log10(std::abs(value)))) + 1;
  if (n_before > 15 || n_before < -5) return QString::number(value, 'e', n_digits - 1);
  return QLocale(QLocale::English).toString(value, 'f', std::max(0, n_digits - std::max(n_before, 0)));
}

QString shown_usd(double usd) {
  int n_digits = 2;
  for (double scale = 1; usd > 0 && usd < scale && n_digits < 10; scale /= 10) ++n_digits;
  return "$" + QLocale(QLocale::English).toString(usd, 'f', n_digits);
}

QString shown_duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e12) return unknown_text();
  const auto whole = static_cast<qint64>(std::llround(seconds));
  if (seconds < 10) return QString::number(seconds, 'f', 1) + " s";
  if (whole < 60) return QString("%1 s").arg(whole);
  if (whole < 3600) return QString("%1 min %2 s").arg(whole / 60).arg(whole % 60, 2, 10, QChar('0'));
  if (whole < 48 * 3600) return QString("%1 h %2 min").arg(whole / 3600).arg(whole / 60 % 60, 2, 10, QChar('0'));
  return QString("%1 days").arg(static_cast<double>(whole) / 86400, 0, 'f', 1);
}

QString shown_time(std::int64_t unix_ms) {
  const QDateTime time = QDateTime::fromMSecsSinceEpoch(unix_ms);
  return time.isValid() ? time.toString("yyyy-MM-dd HH:mm") : unknown_text();
}

QString devices_of_run(const results::RunRecord& run) {
  QStringList devices;
  for (const results::SegmentRecord& segment : run.segments) {
    const results::EnvironmentFacts& machine = segment.environment;
    QString device = qt(machine.gpu_name.value_or(machine.device_name));
    if (machine.gpu_name && machine.n_gpus.value_or(1) > 1)
      device = QString("%1 × %2").arg(*machine.n_gpus).arg(device);
    if (device.isEmpty()) device = qt(machine.device_kind);
    if (!devices.contains(device)) devices << device;
  }
  return devices.join(", ");
}

}  // namespace assay::gui

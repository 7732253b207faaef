#include "gui/views/compare/compare_charts.h"

#include <algorithm>

#include "gui/models/figure_text.h"
#include "gui/models/plain_text.h"

namespace assay::gui {

namespace {

constexpr double kPoints = 100;
constexpr double kSpread = 0.5;  // of a category's height, over which its candidates are spread

const results::SuiteSummary* find_suite(const results::RunSummary& summary, const std::string& suite) {
  const auto at = std::find_if(summary.suites.begin(), summary.suites.end(),
                               [&](const results::SuiteSummary& of) { return of.suite.facts.suite == suite; });
  return at == summary.suites.end() ? nullptr : &*at;
}

ChartPoint accuracy_point(const results::RunSummary& summary, const results::SuiteSummary& suite, const QString& title,
                          std::size_t row) {
  ChartPoint point;
  point.x = *suite.accuracy;
  point.y = static_cast<double>(row);
  point.x_interval = suite.ci95;
  point.key = QString::fromStdString(summary.run.run_id.value);
  point.is_hollow = summary.run.facts.provenance != "measured";
  QStringList lines = {title, "accuracy " + share_text(*suite.accuracy)};
  lines << "95 % interval " + interval_text(suite.ci95, share_text) +
               (suite.ci95 ? " (" + visible_text(suite.ci95_method) + ", over items)" : QString());
  lines << "n: " + counted(suite.n_items_sampled, "item") + ", " + counted(suite.suite.n_samples, "sample");
  lines << "provenance: " + visible_text(summary.run.facts.provenance) + "; grader " +
               visible_text(suite.suite.current_profile) + " " + visible_text(suite.suite.current_grader_version);
  point.tooltip = lines.join('\n');
  return point;
}

ChartPoint difference_point(const results::RunComparison& run, const results::SuiteComparison& suite, double row) {
  ChartPoint point;
  point.x = kPoints * *suite.accuracy.difference;
  point.y = row;
  if (const auto& interval = suite.accuracy.interval) {
    point.x_interval = results::Interval{kPoints * (*interval)[0], kPoints * (*interval)[1]};
  }
  point.key = QString::fromStdString(suite.suite);
  point.is_hollow = run.provenance_baseline != "measured" || run.provenance_candidate != "measured";
  QStringList lines = {visible_text(suite.suite) + ": " + visible_text(to_string(suite.accuracy_test.finding)),
                       "difference " + points_text(*suite.accuracy.difference) + " points, interval " +
                           interval_text(suite.accuracy.interval, points_text)};
  lines << "n: " + counted(suite.accuracy.n_items, "item") + ", paired";
  lines << "p " + figure_or_dash(suite.accuracy_test.p_value, p_text) + ", Holm " +
               figure_or_dash(suite.accuracy_test.p_holm, p_text) + " (" + visible_text(suite.accuracy_test.method) +
               ")";
  lines << "provenance: baseline " + visible_text(run.provenance_baseline) + ", candidate " +
               visible_text(run.provenance_candidate);
  point.tooltip = lines.join('\n');
  return point;
}

}  // namespace

std::vector<std::string> suites_of(const ComparisonAnswer& answer) {
  std::vector<std::string> suites;
  for (const results::RunSummary& summary : answer.summaries) {
    for (const results::SuiteSummary& suite : summary.suites) {
      const std::string& name = suite.suite.facts.suite;
      if (std::find(suites.begin(), suites.end(), name) == suites.end()) suites.push_back(name);
    }
  }
  return suites;
}

Chart accuracy_chart(const ComparisonAnswer& answer, const std::string& suite) {
  Chart chart;
  chart.title = visible_text(suite, 60);
  chart.x.title = "Accuracy";
  chart.x.is_share = true;
  chart.y.title = "Run";
  chart.empty_text = "No run has a graded sample of this suite.";
  for (std::size_t i = 0; i < answer.summaries.size(); ++i) {
    const QString& title = answer.titles[i];
    chart.y.categories.append(title);
    const results::SuiteSummary* of = find_suite(answer.summaries[i], suite);
    if (of == nullptr) {
      chart.missing.append(title + ": has not this suite");
      continue;
    }
    if (!of->accuracy) {
      chart.missing.append(title + ": no sample of it is stored");
      continue;
    }
    ChartSeries& series = chart.series.emplace_back();
    series.name = title;
    series.style = static_cast<int>(i);
    series.points.push_back(accuracy_point(answer.summaries[i], *of, title, i));
  }
  return chart;
}

Chart difference_chart(const ComparisonAnswer& answer) {
  Chart chart;
  chart.title = "Difference from " + (answer.titles.empty() ? QString("the baseline") : answer.titles.front());
  chart.x.title = "Accuracy, candidate - baseline";
  chart.x.unit = "points";
  chart.y.title = "Suite";
  chart.empty_text = "No suite has paired items.";
  if (!answer.comparison) return chart;
  chart.markers.push_back({.is_vertical = true, .from = 0, .to = {}, .label = "no difference"});
  chart.note = number_text(100 * answer.comparison->level) +
               " % intervals for questions like these, paired by item; left of the line is worse.";
  std::vector<std::string> suites;
  const auto& runs = answer.comparison->runs;
  for (const results::RunComparison& run : runs) {
    for (const results::SuiteComparison& suite : run.suites) {
      if (std::find(suites.begin(), suites.end(), suite.suite) == suites.end()) suites.push_back(suite.suite);
    }
  }
  for (const std::string& suite : suites) chart.y.categories.append(visible_text(suite, 40));
  for (std::size_t i = 0; i < runs.size(); ++i) {
    ChartSeries& series = chart.series.emplace_back();
    series.name = answer.titles[i + 1];
    series.style = static_cast<int>(i + 1);
    const double shift =
        runs.size() < 2 ? 0 : kSpread * (static_cast<double>(i) / static_cast<double>(runs.size() - 1) - 0.5);
    for (const results::SuiteComparison& suite : runs[i].suites) {
      const auto row = std::find(suites.begin(), suites.end(), suite.suite) - suites.begin();
      if (!suite.accuracy.difference) {
        chart.missing.append(series.name + ", " + visible_text(suite.suite) + ": no item in common");
        continue;
      }
      series.points.push_back(difference_point(runs[i], suite, static_cast<double>(row) + shift));
    }
  }
  return chart;
}

}  // namespace assay::gui

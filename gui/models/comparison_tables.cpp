// A comparison as tables.
#include "gui/models/comparison.h"
#include "gui/models/plain_text.h"
#include "harness/base/text.h"
#include "results/gate/wording.h"

namespace assay::gui {

namespace {

using results::RunComparison;
using results::SuiteComparison;

CellTone tone_of(results::Finding finding) {
  switch (finding) {
    case results::Finding::better:
      return CellTone::better;
    case results::Finding::worse:
      return CellTone::worse;
    default:
      return CellTone::muted;
  }
}

QString level_text(const results::Comparison& comparison) {
  return number_text(100 * comparison.level) + " % interval";
}

/// Method, n, and whose figures these are: below every paired figure.
QString proof_of(const RunComparison& run, const results::PairedFigure& figure, const QString& test = {}) {
  QStringList lines = {"n: " + counted(figure.n_items, "item") + ", paired by content"};
  if (figure.interval) lines << "interval by " + visible_text(figure.interval_method) + ", over items";
  if (!test.isEmpty()) lines << "test: " + test;
  lines << "provenance: baseline " + visible_text(run.provenance_baseline) + ", candidate " +
               visible_text(run.provenance_candidate);
  if (!run.obstacles.empty()) lines << "FORCED: the runs differ in " + visible_text(join(run.obstacles, ", "));
  return lines.join('\n');
}

TableCell p_cell(const std::optional<double>& p, const results::DifferenceTest& test) {
  return figure_cell(p, p_text, "two-sided, " + visible_text(test.method), "there is nothing to test: no item differs");
}

std::vector<TableCell> votes_row(const RunComparison& run, const QString& name, const results::PairedFigure& figure) {
  const QString proof = proof_of(run, figure);
  return {text_cell({}),
          text_cell("  " + name, {}, CellTone::muted),
          figure_cell(static_cast<double>(figure.n_items), number_text, proof),
          figure_cell(figure.baseline, share_text, proof),
          figure_cell(figure.candidate, share_text, proof),
          figure_cell(figure.difference, points_text, proof),
          interval_cell(figure.interval, points_text, proof, "two items are needed for an interval")};
}

const QString& candidate_of(const ComparisonAnswer& answer, std::size_t i) { return answer.titles[i + 1]; }

}  // namespace

Table accuracy_table(const ComparisonAnswer& answer) {
  Table table;
  table.name = "Accuracy, paired by item";
  if (!answer.comparison) return table;
  const results::Comparison& comparison = *answer.comparison;
  table.columns = {
      {"candidate", "", false},
      {"suite", "", false},
      {"items", "that both runs have", true},
      {"baseline", "mean over items of the mean over samples", true},
      {"candidate", "mean over items of the mean over samples", true},
      {"difference", "candidate - baseline, in points of 100", true},
      {level_text(comparison), "of the difference, for questions like these", true},
      {"p", "two-sided, of no difference", true},
      {"p Holm", "corrected for all " + number_text(static_cast<double>(comparison.n_tests)) + " tests here", true},
      {"detectable", "the smallest difference, in points, that so many items show in 4 of 5 cases", true},
      {"finding", "what may be said at this level after the correction", false}};
  for (std::size_t i = 0; i < comparison.runs.size(); ++i) {
    const RunComparison& run = comparison.runs[i];
    for (const SuiteComparison& suite : run.suites) {
      const QString proof = proof_of(run, suite.accuracy, visible_text(suite.accuracy_test.method));
      table.rows.push_back(
          {text_cell(candidate_of(answer, i), visible_text(run.candidate_title), CellTone::strong),
           text_cell(visible_text(suite.suite)),
           figure_cell(static_cast<double>(suite.n_items_paired), number_text,
                       "baseline has " + number_text(static_cast<double>(suite.n_items_baseline)) + ", candidate " +
                           number_text(static_cast<double>(suite.n_items_candidate)) + " with samples"),
           figure_cell(suite.accuracy.baseline, share_text, proof, "no paired item"),
           figure_cell(suite.accuracy.candidate, share_text, proof, "no paired item"),
           figure_cell(suite.accuracy.difference, points_text, proof, "no paired item"),
           interval_cell(suite.accuracy.interval, points_text, proof, "two items are needed for an interval"),
           p_cell(suite.accuracy_test.p_value, suite.accuracy_test),
           p_cell(suite.accuracy_test.p_holm, suite.accuracy_test),
           figure_cell(
               suite.detectable_difference ? std::optional(*suite.detectable_difference) : std::nullopt,
               [](double d) { return points_text(d).mid(1); }, "with 80 % power",
               "items do not differ, so nothing says how much they vary"),
           text_cell(visible_text(to_string(suite.accuracy_test.finding)), proof,
                     tone_of(suite.accuracy_test.finding))});
      table.row_keys.push_back(visible_text(suite.suite));
      if (suite.votes_k < 2) continue;
      const QString k = "@" + number_text(static_cast<double>(suite.votes_k));
      for (const auto& [name, figure] : {std::pair("pass", &suite.pass_at_k), std::pair("maj", &suite.maj_at_k)}) {
        if (!figure->baseline) continue;
        table.rows.push_back(votes_row(run, name + k, *figure));
        table.row_keys.push_back(visible_text(suite.suite));
      }
    }
  }
  return table;
}

Table lengths_table(const ComparisonAnswer& answer) {
  Table table;
  table.name = "Output tokens of a sample";
  if (!answer.comparison) return table;
  table.columns = {{"candidate", "", false},
                   {"suite", "", false},
                   {"baseline", "mean, tokens", true},
                   {"candidate", "mean, tokens", true},
                   {"difference", "", true},
                   {level_text(*answer.comparison), "", true},
                   {"p", "", true},
                   {"p Holm", "", true},
                   {"finding", "", false}};
  for (std::size_t i = 0; i < answer.comparison->runs.size(); ++i) {
    const RunComparison& run = answer.comparison->runs[i];
    for (const SuiteComparison& suite : run.suites) {
      const results::PairedFigure& tokens = suite.output_tokens;
      const QString proof = proof_of(run, tokens, visible_text(suite.output_tokens_test.method));
      const QString reason = "token counts are not known of both runs";
      QString finding = tokens.difference ? visible_text(to_string(suite.output_tokens_test.finding)) : unknown_text();
      if (finding == "better") finding = "shorter";
      if (finding == "worse") finding = "longer";
      table.rows.push_back(
          {text_cell(candidate_of(answer, i), {}, CellTone::strong), text_cell(visible_text(suite.suite)),
           figure_cell(tokens.baseline, number_text, proof, reason),
           figure_cell(tokens.candidate, number_text, proof, reason),
           figure_cell(tokens.difference, signed_text, proof, reason),
           interval_cell(tokens.interval, signed_text, proof, reason),
           p_cell(suite.output_tokens_test.p_value, suite.output_tokens_test),
           p_cell(suite.output_tokens_test.p_holm, suite.output_tokens_test), text_cell(finding, proof)});
    }
  }
  return table;
}

Table latency_table(const ComparisonAnswer& answer) {
  Table table;
  table.name = "Latency";
  if (!answer.comparison) return table;
  table.columns = {{"candidate", "", false},
                   {"metric", "milliseconds", false},
                   {"p50 baseline", "", true},
                   {"p50 candidate", "", true},
                   {"p90 baseline", "", true},
                   {"p90 candidate", "", true},
                   {"p99 baseline", "", true},
                   {"p99 candidate", "", true},
                   {"p50 ratio", "candidate / baseline", true},
                   {level_text(*answer.comparison), "of the ratio, over items", true}};
  const auto cell = [](const std::optional<double>& value, std::int64_t n, const char* least) {
    return figure_cell(value, number_text, "n: " + counted(n, "sample"),
                       n == 0 ? QString("not timed") : counted(n, "sample") + "; this percentile needs " + least);
  };
  for (std::size_t i = 0; i < answer.comparison->runs.size(); ++i) {
    for (const results::LatencyComparison& latency : answer.comparison->runs[i].latency) {
      const results::Percentiles &a = latency.baseline, &b = latency.candidate;
      if (a.n == 0 && b.n == 0) continue;
      table.rows.push_back(
          {text_cell(candidate_of(answer, i), {}, CellTone::strong), text_cell(visible_text(latency.metric)),
           cell(a.p50, a.n, "1"), cell(b.p50, b.n, "1"), cell(a.p90, a.n, "10"), cell(b.p90, b.n, "10"),
           cell(a.p99, a.n, "100"), cell(b.p99, b.n, "100"),
           figure_cell(latency.p50_ratio, ratio_text, "ratio of medians", "not timed in both runs"),
           interval_cell(latency.p50_ratio_interval, ratio_text, "paired by item", "not timed in both runs")});
    }
  }
  return table;
}

Table run_figures_table(const ComparisonAnswer& answer) {
  Table table;
  table.name = "Figures of whole runs";
  if (!answer.comparison) return table;
  table.columns = {{"candidate", "", false},
                   {"figure", "", false},
                   {"baseline", "", true},
                   {"candidate", "", true},
                   {"ratio", "candidate / baseline", true}};
  for (std::size_t i = 0; i < answer.comparison->runs.size(); ++i) {
    const RunComparison& run = answer.comparison->runs[i];
    for (const results::RunFigure& figure : run.figures) {
      if (!figure.baseline && !figure.candidate) continue;
      table.rows.push_back(
          {text_cell(candidate_of(answer, i), {}, CellTone::strong), text_cell(visible_text(figure.metric)),
           figure_cell(figure.baseline, number_text, "provenance: " + visible_text(run.provenance_baseline),
                       "not known of this run"),
           figure_cell(figure.candidate, number_text, "provenance: " + visible_text(run.provenance_candidate),
                       "not known of this run"),
           figure_cell(figure.ratio, ratio_text, "one run gives one figure and no spread", "not known of both runs")});
    }
  }
  return table;
}

Table gate_table(const GateAnswer& gate) {
  Table table;
  table.name = "Gate: " + gate.candidate;
  if (!gate.check) return table;
  const results::CheckResult& check = *gate.check;
  table.columns = {{"metric", "", false},
                   {"gated", "whether the verdict of the gate depends on it; the others are shown only", false},
                   {"baseline", "", true},
                   {"candidate", "", true},
                   {"worse by", "the change for the worse", true},
                   {"margin", "the change that is too much", false},
                   {"verdict", "", false},
                   {"why", "", false}};
  for (const results::MetricVerdict& metric : check.metrics) {
    CellTone tone = CellTone::muted;
    if (metric.verdict == results::GateVerdict::improved) tone = CellTone::better;
    if (metric.verdict == results::GateVerdict::regressed) tone = CellTone::worse;
    const std::string waiver = results::waiver_text(check, metric);
    const std::string& reason = metric.reason;
    table.rows.push_back(
        {text_cell(visible_text(results::metric_title(metric)), {}, CellTone::strong),
         text_cell(metric.gated ? "yes" : "no", {}, CellTone::muted),
         figure_cell(metric.evidence.baseline, number_text, {}, "not known"),
         figure_cell(metric.evidence.candidate, number_text, {}, "not known"),
         text_cell(metric.evidence.worse_by ? visible_text(results::change_text(metric, *metric.evidence.worse_by))
                                            : unknown_text(),
                   visible_text(metric.evidence.missing)),
         text_cell(visible_text(results::margin_text(metric))),
         text_cell(visible_text(to_string(metric.verdict)) + (waiver.empty() ? QString() : " (waived)"),
                   visible_text(waiver), tone),
         text_cell(visible_text(reason, 400), visible_text(reason, 4000))});
    for (const std::size_t column : {2U, 3U}) {
      TableCell& cell = table.rows.back()[column];
      const auto& value = column == 2 ? metric.evidence.baseline : metric.evidence.candidate;
      if (value) cell.text = visible_text(results::value_text(metric, value));
    }
    table.rows.back()[4].is_figure = true;
  }
  for (const results::FloorVerdict& floor : check.floors) {
    table.rows.push_back(
        {text_cell("floor of " + visible_text(floor.suite), {}, CellTone::strong),
         text_cell("yes"),
         {},
         figure_cell(floor.accuracy, share_text, {}, "no samples"),
         {},
         {},
         text_cell(floor.missed ? "missed" : "reached", {}, floor.missed ? CellTone::worse : CellTone::muted),
         text_cell(visible_text(results::floor_text(floor)))});
  }
  return table;
}

Table environment_table(const ComparisonAnswer& answer) {
  Table table;
  table.name = "Environments that differ from the baseline's";
  table.columns = {{"candidate", "", false}, {"differs in (baseline, candidate)", "", false}};
  for (std::size_t i = 0; i < answer.environment_differences.size(); ++i) {
    for (const std::string& difference : answer.environment_differences[i]) {
      table.rows.push_back({text_cell(candidate_of(answer, i), {}, CellTone::strong),
                            text_cell(visible_text(difference, 300), visible_text(difference, 4000))});
    }
  }
  return table;
}

}  // namespace assay::gui

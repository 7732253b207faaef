// A comparison as tables for people.
#include <cmath>

#include "harness/base/text.h"
#include "results/compare.h"
#include "results/text_table.h"

namespace assay::results {

namespace {

using Table = std::vector<std::vector<std::string>>;

std::string points(double ratio) { return (ratio > 0 ? "+" : "") + to_fixed(100 * ratio, 1); }

std::string share_or_dash(const std::optional<double>& ratio) { return ratio ? to_fixed(100 * *ratio, 1) + " %" : "-"; }

std::string points_or_dash(const std::optional<double>& ratio) { return ratio ? points(*ratio) : "-"; }

std::string points_range(const std::optional<Interval>& interval) {
  return interval ? points((*interval)[0]) + " to " + points((*interval)[1]) : "-";
}

/// Never "0": the last figure shown is a bound.
std::string p_or_dash(const std::optional<double>& p) {
  if (!p) return "-";
  return *p < 0.0001 ? "<0.0001" : to_fixed(*p, 4);
}

std::string fixed_if_known(const std::optional<double>& value, int digits) {
  return value ? to_fixed(*value, digits) : "-";
}

/// Three significant places, however small.
std::string figure_or_dash(const std::optional<double>& value) {
  if (!value) return "-";
  int digits = *value >= 100 ? 1 : 2;
  for (double scale = 1; *value > 0 && *value < scale && digits < 10; scale /= 10) ++digits;
  return to_fixed(*value, digits);
}

std::string times_or_dash(const std::optional<double>& ratio) { return ratio ? to_fixed(*ratio, 3) + "x" : "-"; }

std::string times_range(const std::optional<Interval>& interval) {
  if (!interval) return "-";
  const auto end = [](double value) { return std::isfinite(value) ? to_fixed(value, 3) : std::string("unbounded"); };
  return end((*interval)[0]) + " to " + end((*interval)[1]);
}

std::string level_text(double level) { return to_text(100 * level) + " %"; }

std::string heading_of(const RunComparison& run) {
  std::string text = text_table({{"Baseline", run.baseline_title, run.provenance_baseline},
                                 {"Candidate", run.candidate_title, run.provenance_candidate}},
                                {1, 2});
  const auto add = [&](const std::string& what, const std::vector<std::string>& lines) {
    for (const std::string& line : lines) text += what + line + "\n";
  };
  add("FORCED: the runs differ in ", run.obstacles);
  add("note: ", run.notes);
  return text;
}

std::string accuracy_table(const RunComparison& run, double level) {
  Table rows = {{"accuracy", "items", "baseline", "candidate", "difference", level_text(level) + " interval",
                 "these items", "p", "p Holm", "detectable", "finding"}};
  for (const SuiteComparison& suite : run.suites) {
    rows.push_back({shown(suite.suite), to_text(suite.n_items_paired), share_or_dash(suite.accuracy.baseline),
                    share_or_dash(suite.accuracy.candidate), points_or_dash(suite.accuracy.difference),
                    points_range(suite.accuracy.interval), points_range(suite.interval_fixed_items),
                    p_or_dash(suite.accuracy_test.p_value), p_or_dash(suite.accuracy_test.p_holm),
                    suite.detectable_difference ? to_fixed(100 * *suite.detectable_difference, 1) : "-",
                    to_string(suite.accuracy_test.finding)});
    if (suite.votes_k < 2) continue;
    const auto add_votes = [&](const std::string& name, const PairedFigure& figure) {
      if (!figure.baseline) return;
      rows.push_back({"  " + name + "@" + to_text(suite.votes_k), to_text(figure.n_items),
                      share_or_dash(figure.baseline), share_or_dash(figure.candidate),
                      points_or_dash(figure.difference), points_range(figure.interval)});
    };
    add_votes("pass", suite.pass_at_k);
    add_votes("maj", suite.maj_at_k);
  }
  return text_table(rows, {10});
}

std::string outcomes_table(const RunComparison& run) {
  Table rows = {{"outcomes", "", "samples", "correct", "incorrect", "no answer", "truncated", "errors"}};
  const auto add = [&](const std::string& suite, const std::string& side, const Outcomes& outcomes, std::int64_t n) {
    std::vector<std::string> row = {suite, side, to_text(n)};
    for (const std::int64_t count : outcomes) {
      row.push_back(
          share_or_dash(n > 0 ? std::optional(static_cast<double>(count) / static_cast<double>(n)) : std::nullopt));
    }
    rows.push_back(std::move(row));
  };
  for (const SuiteComparison& suite : run.suites) {
    add(shown(suite.suite), "baseline", suite.outcomes_baseline, suite.n_samples_baseline);
    add("", "candidate", suite.outcomes_candidate, suite.n_samples_candidate);
  }
  return text_table(rows, {1});
}

std::string lengths_table(const RunComparison& run, double level) {
  Table rows = {{"output tokens", "baseline", "candidate", "difference", level_text(level) + " interval", "p", "p Holm",
                 "finding"}};
  for (const SuiteComparison& suite : run.suites) {
    const PairedFigure& tokens = suite.output_tokens;
    const auto signed_fixed = [](double value) { return (value > 0 ? "+" : "") + to_fixed(value, 1); };
    std::string finding = tokens.difference ? to_string(suite.output_tokens_test.finding) : "-";
    if (finding == "better") finding = "shorter";
    if (finding == "worse") finding = "longer";
    rows.push_back(
        {shown(suite.suite), fixed_if_known(tokens.baseline, 1), fixed_if_known(tokens.candidate, 1),
         tokens.difference ? signed_fixed(*tokens.difference) : "-",
         tokens.interval ? signed_fixed((*tokens.interval)[0]) + " to " + signed_fixed((*tokens.interval)[1]) : "-",
         p_or_dash(suite.output_tokens_test.p_value), p_or_dash(suite.output_tokens_test.p_holm), finding});
  }
  return text_table(rows, {7});
}

std::string latency_table(const RunComparison& run, double level) {
  Table rows = {{"latency", "p50 baseline", "candidate", "p90 baseline", "candidate", "p99 baseline", "candidate",
                 "p50 ratio", level_text(level) + " interval"}};
  for (const LatencyComparison& latency : run.latency) {
    if (latency.baseline.n == 0) continue;
    rows.push_back({latency.metric, fixed_if_known(latency.baseline.p50, 1), fixed_if_known(latency.candidate.p50, 1),
                    fixed_if_known(latency.baseline.p90, 1), fixed_if_known(latency.candidate.p90, 1),
                    fixed_if_known(latency.baseline.p99, 1), fixed_if_known(latency.candidate.p99, 1),
                    times_or_dash(latency.p50_ratio), times_range(latency.p50_ratio_interval)});
  }
  return rows.size() > 1 ? text_table(rows) : "latency: not known of both runs\n";
}

std::string figures_table(const RunComparison& run) {
  Table rows = {{"whole run", "baseline", "candidate", "ratio"}};
  for (const RunFigure& figure : run.figures) {
    if (!figure.baseline && !figure.candidate) continue;
    rows.push_back({figure.metric, figure_or_dash(figure.baseline), figure_or_dash(figure.candidate),
                    times_or_dash(figure.ratio)});
  }
  std::string text = rows.size() > 1 ? text_table(rows) : "throughput, cost, energy: not known of either run\n";
  if (run.environment_differences.empty()) return text;
  text += "Speed and cost are those of different environments:\n";
  for (const std::string& difference : run.environment_differences) text += "  " + difference + "\n";
  return text;
}

std::string flips_table(const SuiteComparison& suite, std::int64_t n_flips) {
  std::string text =
      shown(suite.suite) + ": " + to_text(suite.n_lost) + " items lost, " + to_text(suite.n_gained) + " gained\n";
  Table rows;
  for (const Flip& flip : suite.flips) {
    if (static_cast<std::int64_t>(rows.size()) == n_flips) break;
    rows.push_back({"  " + shown(flip.item), to_string(flip.baseline) + " -> " + to_string(flip.candidate),
                    to_text(flip.n_correct_baseline) + "/" + to_text(flip.n_baseline) + " -> " +
                        to_text(flip.n_correct_candidate) + "/" + to_text(flip.n_candidate) + " correct",
                    shown(flip.tag)});
  }
  text += text_table(rows, {1, 2, 3});
  const std::size_t n_left = suite.flips.size() - rows.size();
  if (n_left > 0) text += "  (" + std::to_string(n_left) + " more: --flips N)\n";
  return text;
}

}  // namespace

std::string comparison_text(const Comparison& comparison, std::int64_t n_flips) {
  std::string text;
  for (const RunComparison& run : comparison.runs) {
    if (!text.empty()) text += "\n";
    text += heading_of(run) + "\n" + accuracy_table(run, comparison.level) + "\n" + outcomes_table(run) + "\n" +
            lengths_table(run, comparison.level) + "\n" + latency_table(run, comparison.level) + "\n" +
            figures_table(run) + "\n";
    for (const SuiteComparison& suite : run.suites) text += flips_table(suite, n_flips);
  }
  text +=
      "\nDifferences are candidate - baseline, in points (of 100) for shares. Intervals are for questions like these, "
      "paired by\n"
      "item; \"these items\" knows the noise of sampling alone. p Holm is corrected for all " +
      to_text(comparison.n_tests) +
      " tests here; \"detectable\" is the\nsmallest difference that so many items show in 4 of 5 cases.\n";
  return text;
}

}  // namespace assay::results

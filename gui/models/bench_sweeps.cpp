#include "gui/models/bench_sweeps.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "gui/models/plain_text.h"

namespace assay::gui {

namespace {

using results::PointSummary;
using results::RepeatedFigure;

/// The setting's name without its first word, which says how many there are at a time.
std::string other_words(const std::string& name) {
  const std::size_t space = name.find(' ');
  return space == std::string::npos ? std::string() : name.substr(space + 1);
}

std::optional<double> size_of(const PointSummary& point) {
  for (const char* key : {"concurrency", "batch"}) {
    const auto at = point.settings.find(key);
    if (at != point.settings.end() && at->is_number() && at->get<double>() > 0) return at->get<double>();
  }
  return point.median("in_flight_requests");
}

QString reasons_text(const PointSummary& point) {
  QStringList reasons;
  for (const auto& [reason, n] : point.n_invalid) {
    reasons << QString("%1 in %2 of %3 repeats").arg(visible_text(reason, 60)).arg(n).arg(point.n_points);
  }
  return reasons.join(", ");
}

bool is_sweep_kind(const std::string& kind) { return kind == "serve" || kind == "decode" || kind == "prefill"; }

}  // namespace

std::vector<BenchSweep> bench_sweeps(const SpeedAnswer& answer) {
  std::vector<BenchSweep> sweeps;
  for (std::size_t r = 0; r < answer.runs.size(); ++r) {
    const SpeedRun& run = answer.runs[r];
    std::map<std::tuple<std::string, std::string, std::string>, std::size_t> known;
    for (const PointSummary& point : results::summarise_points(run.summary.points)) {
      if (!is_sweep_kind(point.kind)) continue;
      const std::string words = other_words(point.name);
      const auto [at, is_new] = known.try_emplace({point.kind, point.arm, words}, sweeps.size());
      if (is_new) {
        BenchSweep& sweep = sweeps.emplace_back();
        sweep.run = r;
        sweep.kind = point.kind;
        sweep.provenance = run.summary.run.facts.provenance;
        sweep.title = run.title + ", " + visible_text(point.kind + " " + words, 60) +
                      (point.arm.empty() ? QString() : " (" + visible_text(point.arm, 10) + ")");
      }
      BenchSweep& sweep = sweeps[at->second];
      if (!point.n_invalid.empty()) sweep.not_believed << visible_text(point.name, 60) + ": " + reasons_text(point);
      const std::optional<double> size = size_of(point);
      if (point.n_valid > 0 && size) sweep.steps.push_back({*size, point});
    }
  }
  for (BenchSweep& sweep : sweeps) {
    std::stable_sort(sweep.steps.begin(), sweep.steps.end(),
                     [](const SweepStep& a, const SweepStep& b) { return a.n_at_a_time < b.n_at_a_time; });
  }
  return sweeps;
}

const RepeatedFigure* figure_of(const SweepStep& step, const std::string& metric) {
  const auto at = step.point.figures.find(metric);
  return at == step.point.figures.end() ? nullptr : &at->second;
}

std::string throughput_metric(const BenchSweep& sweep) {
  return sweep.kind == "prefill" ? "prompt_tokens_per_s" : "output_tokens_per_s";
}

std::string price_metric(const BenchSweep& sweep) {
  return sweep.kind == "prefill" ? "usd_per_mtok_input" : "usd_per_mtok_output";
}

QString step_tooltip(const BenchSweep& sweep, const SweepStep& step, const std::string& metric) {
  QString text = sweep.title + "\n" + visible_text(step.point.name, 80);
  if (const RepeatedFigure* figure = figure_of(step, metric)) {
    text += "\n" + visible_text(metric) + ": " + number_text(figure->median) + " (median of " +
            counted(figure->n, "repeat") + ", " + number_text(figure->min) + " to " + number_text(figure->max) + ")";
  }
  if (!step.point.n_invalid.empty()) text += "\nnot believed: " + reasons_text(step.point);
  return text + "\nprovenance: " + visible_text(sweep.provenance);
}

Table bench_steps_table(const std::vector<BenchSweep>& sweeps) {
  Table table;
  table.name = "Settings of benchmarks";
  table.columns = {{"benchmark", "", false},
                   {"at a time", "users of a closed loop, sequences of a batch; of an open loop what was in flight", true},
                   {"tokens/s", "output tokens; of a prefill prompt tokens. Median over repeats", true},
                   {"a user", "output tokens/s of a user", true},
                   {"TTFT p50 ms", "", true},
                   {"TPOT p50 ms", "", true},
                   {"$/Mtok", "dollars per million of these tokens", true},
                   {"repeats", "valid ones", true},
                   {"provenance", "", false}};
  for (const BenchSweep& sweep : sweeps) {
    for (const SweepStep& step : sweep.steps) {
      const auto cell = [&](const std::string& metric, FigureText text, const QString& reason) {
        const RepeatedFigure* figure = figure_of(step, metric);
        return figure_cell(figure != nullptr ? std::optional(figure->median) : std::nullopt, text,
                           step_tooltip(sweep, step, metric), reason);
      };
      const QString alone = "passes of a model have no users and no first token";
      table.rows.push_back({text_cell(sweep.title, visible_text(step.point.name), CellTone::strong),
                            figure_cell(step.n_at_a_time, number_text, visible_text(step.point.name)),
                            cell(throughput_metric(sweep), number_text, "not measured"),
                            cell(results::kTokensPerUser, number_text, alone), cell("p50_ttft_ms", number_text, alone),
                            cell("p50_tpot_ms", number_text, alone),
                            cell(price_metric(sweep), usd_text, "no price was given (--price-usd-per-gpu-hour)"),
                            figure_cell(static_cast<double>(step.point.n_valid), number_text),
                            text_cell(visible_text(sweep.provenance))});
    }
  }
  return table;
}

}  // namespace assay::gui

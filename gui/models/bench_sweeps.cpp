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

std::optional<PointProjection> projection_of(const results::BenchPoint& point) {
  const auto at = point.details.find("projection");
  if (at == point.details.end() || !at->is_object()) return std::nullopt;
  const auto text = [&](const char* key) {
    const auto found = at->find(key);
    return found != at->end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  PointProjection projection{text("from_run"), std::nullopt, text("error_from")};
  const auto error = at->find("error_ratio");
  if (error != at->end() && error->is_number()) projection.error_ratio = error->get<double>();
  return projection;
}

std::optional<PointProjection> projection_of(const PointSummary& summary,
                                             const std::vector<results::BenchPoint>& points) {
  for (const results::BenchPoint& point : points) {
    if (point.key.name == summary.name && point.key.arm == summary.arm && point.is_valid()) return projection_of(point);
  }
  return std::nullopt;
}

/// A rate falls where a time grows.
bool is_rate(const std::string& metric) { return metric.find("_per_s") != std::string::npos; }

bool is_sweep_kind(const std::string& kind) { return kind == "serve" || kind == "decode" || kind == "prefill"; }

TableCell error_cell(const SweepStep& step) {
  if (!step.projection) return text_cell("", "not a projection");
  return figure_cell(step.projection->error_ratio, share_text, visible_text(step.projection->error_from),
                     "nothing was held out that would tell it");
}

}  // namespace

QString invalid_text(const PointSummary& point) {
  QStringList reasons;
  for (const auto& [reason, n] : point.n_invalid) {
    reasons << QString("%1 in %2 of %3 repeats").arg(visible_text(reason, 60)).arg(n).arg(point.n_points);
  }
  return reasons.join(", ");
}

std::vector<BenchSweep> bench_sweeps(const std::vector<BenchedRun>& runs) {
  std::vector<BenchSweep> sweeps;
  int last_style = -1;
  for (const BenchedRun& run : runs) last_style = std::max(last_style, run.style.value_or(-1));
  for (const BenchedRun& run : runs) {
    const results::RunSummary& summary = *run.summary;
    std::map<std::tuple<std::string, std::string, std::string>, std::size_t> known;
    for (const PointSummary& point : results::summarise_points(summary.points)) {
      if (!is_sweep_kind(point.kind)) continue;
      const std::string words = other_words(point.name);
      const auto [at, is_new] = known.try_emplace({point.kind, point.arm, words}, sweeps.size());
      if (is_new) {
        BenchSweep& sweep = sweeps.emplace_back();
        sweep.run_id = QString::fromStdString(summary.run.run_id.value);
        sweep.kind = point.kind;
        sweep.provenance = summary.run.facts.provenance;
        sweep.run_title = run.title;
        sweep.setting = visible_text(point.kind + " " + words, 60) +
                        (point.arm.empty() ? QString() : " (" + visible_text(point.arm, 10) + ")");
        sweep.style = known.size() == 1 && run.style ? *run.style : ++last_style;
      }
      BenchSweep& sweep = sweeps[at->second];
      if (!point.n_invalid.empty()) {
        sweep.not_believed << run.title + ", " + visible_text(point.name, 60) + ": " + invalid_text(point);
      }
      const std::optional<double> size = size_of(point);
      if (point.n_valid > 0 && size) sweep.steps.push_back({*size, point, projection_of(point, summary.points)});
    }
  }
  for (BenchSweep& sweep : sweeps) {
    std::stable_sort(sweep.steps.begin(), sweep.steps.end(),
                     [](const SweepStep& a, const SweepStep& b) { return a.n_at_a_time < b.n_at_a_time; });
  }
  return sweeps;
}

QString common_setting(const std::vector<BenchSweep>& sweeps) {
  for (const BenchSweep& sweep : sweeps) {
    if (sweep.setting != sweeps.front().setting) return {};
  }
  return sweeps.empty() ? QString() : sweeps.front().setting;
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

std::optional<results::Interval> spread_of(const SweepStep& step, const std::string& metric) {
  const RepeatedFigure* figure = figure_of(step, metric);
  if (figure == nullptr) return std::nullopt;
  if (step.projection) {
    const double error = step.projection->error_ratio.value_or(0);
    if (!(error > 0 && error < 1)) return std::nullopt;
    if (is_rate(metric)) return results::Interval{figure->median / (1 + error), figure->median / (1 - error)};
    return results::Interval{figure->median * (1 - error), figure->median * (1 + error)};
  }
  return figure->n > 1 ? std::optional(results::Interval{figure->min, figure->max}) : std::nullopt;
}

QString step_tooltip(const BenchSweep& sweep, const SweepStep& step, const std::string& metric) {
  QString text = sweep.title() + "\n" + visible_text(step.point.name, 80);
  if (const RepeatedFigure* figure = figure_of(step, metric)) {
    text += "\n" + visible_text(metric) + ": " + number_text(figure->median) + " (median of " +
            counted(figure->n, "repeat") + ", " + number_text(figure->min) + " to " + number_text(figure->max) + ")";
  }
  if (!step.point.n_invalid.empty()) text += "\nnot believed: " + invalid_text(step.point);
  text += "\nprovenance: " + visible_text(sweep.provenance);
  if (step.projection) {
    text += ", from run " + visible_text(step.projection->from_run, 40);
    text += step.projection->error_ratio ? "\nits times are off by " + share_text(*step.projection->error_ratio) +
                                               ": " + visible_text(step.projection->error_from)
                                         : QString("\nhow far its times are off is not known");
  }
  return text;
}

Table bench_steps_table(const std::vector<BenchSweep>& sweeps) {
  Table table;
  table.name = "Settings of benchmarks";
  table.columns = {
      {"benchmark", "", false},
      {"at a time", "users of a closed loop, sequences of a batch; of an open loop what was in flight", true},
      {"tokens/s", "output tokens; of a prefill prompt tokens. Median over repeats", true},
      {"a user", "output tokens/s of a user", true},
      {"TTFT p50 ms", "", true},
      {"TPOT p50 ms", "", true},
      {"$/Mtok", "dollars per million of these tokens", true},
      {"repeats", "valid ones", true},
      {"error", "of a projection's times, on points that it had not seen", true},
      {"provenance", "", false}};
  for (const BenchSweep& sweep : sweeps) {
    for (const SweepStep& step : sweep.steps) {
      const auto cell = [&](const std::string& metric, FigureText text, const QString& reason) {
        const RepeatedFigure* figure = figure_of(step, metric);
        return figure_cell(figure != nullptr ? std::optional(figure->median) : std::nullopt, text,
                           step_tooltip(sweep, step, metric), reason);
      };
      const QString alone = "passes of a model have no users and no first token";
      table.rows.push_back({text_cell(sweep.title(), visible_text(step.point.name), CellTone::strong),
                            figure_cell(step.n_at_a_time, number_text, visible_text(step.point.name)),
                            cell(throughput_metric(sweep), number_text, "not measured"),
                            cell(results::kTokensPerUser, number_text, alone), cell("p50_ttft_ms", number_text, alone),
                            cell("p50_tpot_ms", number_text, alone),
                            cell(price_metric(sweep), usd_text, "no price was given (--price-usd-per-gpu-hour)"),
                            figure_cell(static_cast<double>(step.point.n_valid), number_text), error_cell(step),
                            text_cell(visible_text(sweep.provenance))});
    }
  }
  return table;
}

}  // namespace assay::gui

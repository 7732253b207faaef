// Latency, throughput and trade-offs of several runs.
#include "gui/views/speed/speed_charts.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "gui/models/bench_sweeps.h"
#include "gui/models/figure_text.h"
#include "gui/models/plain_text.h"
#include "gui/views/frontier.h"

namespace assay::gui {

namespace {

constexpr std::size_t kMaxSteps = 400;  // of a distribution's line
constexpr auto kPerGpu = "output_tokens_per_s_per_gpu";
constexpr auto kPerUser = "output_tokens_per_s_per_user";

QString provenance_of(const SpeedRun& run) { return visible_text(run.summary.run.facts.provenance); }

bool is_measured(const SpeedRun& run) { return run.summary.run.facts.provenance == "measured"; }

ChartAxis latency_axis(LatencyMetric metric) {
  ChartAxis axis;
  axis.unit = "ms";
  axis.scale = AxisScale::log;
  if (metric == LatencyMetric::ttft_ms) axis.title = "Time to first token";
  if (metric == LatencyMetric::itl_ms) axis.title = "Mean time between tokens of a sample";
  if (metric == LatencyMetric::e2e_ms) axis.title = "Time of a sample";
  return axis;
}

/// What is drawn in a trade-off, with where it comes from.
struct SpeedPoint {
  double per_user = 0, per_gpu = 0;
  QString name, tooltip, key, label;
  bool is_hollow = false;
  int style = 0;
};

/// The setting that all benchmarks of the runs have in common; empty where they differ.
QString common_setting_of(const SpeedAnswer& answer) {
  std::vector<BenchedRun> runs;
  for (const SpeedRun& run : answer.runs) runs.push_back({run.title, &run.summary});
  return common_setting(bench_sweeps(runs));
}

/// Sweeps are named by their run alone where `names_setting` is false.
std::vector<SpeedPoint> points_of(const SpeedRun& run, int style, bool names_setting, QStringList& missing) {
  std::vector<SpeedPoint> points;
  const results::RunSummary& summary = run.summary;
  const auto& itl = summary.itl_ms.p50;
  if (summary.output_tokens_per_s && itl && *itl > 0) {
    constexpr double kMsPerSecond = 1000;
    SpeedPoint point;
    point.per_user = kMsPerSecond / *itl;
    point.per_gpu = *summary.output_tokens_per_s / run.n_devices();
    point.name = run.title;
    point.tooltip = run.title + "\n" + number_text(point.per_user) +
                    " tokens/s of a user (1 / median time between tokens)\n" + number_text(point.per_gpu) +
                    " tokens/s of a device, " + counted(run.n_devices(), "device") +
                    ", whole run\nn: " + counted(summary.itl_ms.n, "sample") + "\nprovenance: " + provenance_of(run);
    point.key = QString::fromStdString(summary.run.run_id.value);
    point.is_hollow = !is_measured(run);
    point.style = style;
    points.push_back(std::move(point));
  } else if (!summary.suites.empty()) {
    missing.append(run.title + ": not timed");
  }
  std::map<std::string, std::pair<std::optional<double>, std::optional<double>>> stored;
  for (const results::Measurement& figure : summary.run.facts.measurements) {
    if (figure.metric == kPerUser) stored[figure.name].first = figure.value;
    if (figure.metric == kPerGpu) stored[figure.name].second = figure.value;
  }
  for (const auto& [name, rates] : stored) {
    const QString title = run.title + ", " + visible_text(name, 60);
    if (!rates.first || !rates.second) {
      missing.append(title + ": only one of both rates is known");
      continue;
    }
    points.push_back({*rates.first,
                      *rates.second,
                      title,
                      title + "\n" + number_text(*rates.first) + " tokens/s of a user\n" + number_text(*rates.second) +
                          " tokens/s of a GPU\nprovenance: " + provenance_of(run),
                      QString::fromStdString(summary.run.run_id.value),
                      {},
                      !is_measured(run),
                      style});
  }
  for (const BenchSweep& sweep : bench_sweeps({{run.title, &summary}})) {
    for (const SweepStep& step : sweep.steps) {
      const results::RepeatedFigure* user = figure_of(step, results::kTokensPerUser);
      const results::RepeatedFigure* gpu = figure_of(step, results::kTokensPerGpu);
      if (user == nullptr || gpu == nullptr) continue;
      points.push_back(
          {user->median, gpu->median, names_setting ? sweep.title() : sweep.run_title,
           step_tooltip(sweep, step, results::kTokensPerGpu) + "\n" + number_text(user->median) + " tokens/s of a user",
           sweep.run_id, number_text(step.n_at_a_time), !is_measured(run), style});
    }
  }
  return points;
}

}  // namespace

Chart latency_chart(const SpeedAnswer& answer, LatencyMetric metric) {
  Chart chart;
  chart.x = latency_axis(metric);
  chart.title = chart.x.title;
  chart.y.title = "Share of samples";
  chart.y.is_share = true;
  chart.y.low = 0;
  chart.y.high = 1;
  chart.empty_text = "No chosen run was timed: recorded and imported outputs have no latency.";
  for (std::size_t i = 0; i < answer.runs.size(); ++i) {
    const SpeedRun& run = answer.runs[i];
    std::vector<double> values = run.values(metric);
    std::erase_if(values, [](double value) { return !(value > 0); });  // not on a logarithmic axis
    if (values.empty()) {
      if (!run.summary.suites.empty()) chart.missing.append(run.title + ": not timed");
      continue;
    }
    ChartSeries& series = chart.series.emplace_back();
    series.name = run.title;
    series.form = SeriesForm::steps;
    series.style = static_cast<int>(i);
    series.is_dashed = !is_measured(run);
    const std::size_t n = values.size(), n_steps = std::min(n, kMaxSteps);
    for (std::size_t step = 1; step <= n_steps; ++step) {
      const std::size_t at = step * n / n_steps - 1;
      ChartPoint& point = series.points.emplace_back();
      point.x = values[at];
      point.y = static_cast<double>(at + 1) / static_cast<double>(n);
      point.is_hollow = !is_measured(run);
      point.tooltip = run.title + "\n" + share_text(point.y) + " of the samples within " + number_text(point.x) +
                      " ms\nn: " + counted(static_cast<qint64>(n), "sample") + "\nprovenance: " + provenance_of(run);
    }
  }
  chart.note = metric == LatencyMetric::ttft_ms
                   ? "Every sample whose prompt was computed, without smoothing, from when it was admitted. A prompt "
                     "from the cache has no time to the first token."
                   : "Every sample, without smoothing.";
  return chart;
}

Chart throughput_chart(const SpeedAnswer& answer) {
  Chart chart;
  chart.title = "Throughput";
  chart.x.title = "Tokens a second";
  chart.x.unit = "tokens/s";
  chart.x.begins_at_zero = true;
  chart.y.title = "Run";
  chart.empty_text = "No chosen run was timed, and none holds a rate of tokens.";
  const auto add = [&](const SpeedRun& run, int style, const QString& name, double rate, const QString& proof) {
    ChartSeries& series = chart.series.emplace_back();
    series.name = name;
    series.form = SeriesForm::bars;
    series.is_stacked = true;  // a bar a place: none beside it
    series.style = style;
    ChartPoint& point = series.points.emplace_back();
    point.x = rate;
    point.y = static_cast<double>(chart.y.categories.size());
    point.is_hollow = !is_measured(run);
    point.label = number_text(rate) + (point.is_hollow ? " " + provenance_of(run) : QString());
    point.key = QString::fromStdString(run.summary.run.run_id.value);
    point.tooltip = name + "\n" + number_text(rate) + " tokens/s\n" + proof + "\nprovenance: " + provenance_of(run);
    chart.y.categories.append(name);
  };
  for (std::size_t i = 0; i < answer.runs.size(); ++i) {
    const SpeedRun& run = answer.runs[i];
    const auto style = static_cast<int>(i);
    if (const auto& rate = run.summary.output_tokens_per_s) {
      add(run, style, run.title, *rate,
          "output tokens of the whole run over its wall time, " + counted(run.n_devices(), "device"));
    } else if (!run.summary.suites.empty()) {
      chart.missing.append(run.title + ": recorded or imported outputs were not timed");
    }
    for (const results::Measurement& figure : run.summary.run.facts.measurements) {
      if (!figure.metric.ends_with("tokens_per_s")) continue;
      add(run, style, run.title + ", " + visible_text(figure.name, 60), figure.value,
          visible_text(figure.metric) + "\n" + conditions_of(figure) +
              (figure.n ? "\nn: " + counted(*figure.n, "repetition") : QString()));
    }
  }
  return chart;
}

Chart trade_off_chart(const SpeedAnswer& answer) {
  Chart chart;
  chart.title = "Speed of a user against speed of a GPU";
  chart.x.title = "Output speed of a user";
  chart.x.unit = "tokens/s";
  chart.y.title = "Output speed of a GPU";
  chart.y.unit = "tokens/s";
  chart.x.scale = chart.y.scale = AxisScale::log;
  chart.empty_text = "No chosen run knows both rates.";
  std::vector<SpeedPoint> points;
  const QString setting = common_setting_of(answer);
  for (std::size_t i = 0; i < answer.runs.size(); ++i) {
    for (SpeedPoint& point : points_of(answer.runs[i], static_cast<int>(i), setting.isEmpty(), chart.missing)) {
      if (point.per_user > 0 && point.per_gpu > 0) points.push_back(std::move(point));
    }
  }
  std::vector<results::TradeOff> trade_offs;
  for (const SpeedPoint& from : points) {
    trade_offs.push_back({from.per_user, from.per_gpu});
    // Points of one name are those of a sweep: they stand in order.
    const bool is_same = !chart.series.empty() && chart.series.back().name == from.name;
    ChartSeries& series = is_same ? chart.series.back() : chart.series.emplace_back();
    series.name = from.name;
    series.style = from.style;
    ChartPoint& point = series.points.emplace_back();
    point.x = from.per_user;
    point.y = from.per_gpu;
    point.tooltip = from.tooltip;
    point.key = from.key;
    point.is_hollow = from.is_hollow;
    point.label = from.label;
  }
  add_frontier(trade_offs, results::Better::higher, chart);
  if (!points.empty())
    chart.note = "Points as stored; nothing is interpolated. The line joins what no other point beats." +
                 (setting.isEmpty() ? QString() : " Benchmarks: " + setting + ".");
  return chart;
}

}  // namespace assay::gui

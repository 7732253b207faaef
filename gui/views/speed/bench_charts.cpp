#include "gui/views/speed/bench_charts.h"

#include <algorithm>
#include <cmath>

#include "gui/models/plain_text.h"
#include "gui/views/frontier.h"

namespace assay::gui {

namespace {

ChartAxis size_axis() {
  ChartAxis axis;
  axis.title = "Requests or sequences at a time";
  axis.scale = AxisScale::log;
  axis.is_count = true;
  return axis;
}

/// The chart's title, with the setting where all sweeps have the same; their names need not say it then.
QString titled(const QString& title, const std::vector<BenchSweep>& sweeps) {
  const QString setting = common_setting(sweeps);
  return setting.isEmpty() ? title : title + ": " + setting;
}

QString name_of(const BenchSweep& sweep, const std::vector<BenchSweep>& sweeps) {
  return common_setting(sweeps).isEmpty() ? sweep.title() : sweep.run_title;
}

/// What spans more than a decade is seen at both its ends on a logarithmic axis alone.
AxisScale scale_of(const std::vector<ChartSeries>& series) {
  double least = INFINITY, most = 0;
  for (const ChartSeries& of : series) {
    for (const ChartPoint& point : of.points) {
      least = std::min(least, point.y);
      most = std::max(most, point.y);
    }
  }
  return least > 0 && most > 10 * least ? AxisScale::log : AxisScale::linear;
}

/// A line a sweep; the whiskers are the slowest and the fastest repeat.
void add_sweeps(const std::vector<BenchSweep>& sweeps, std::string (*metric_of)(const BenchSweep&),
                const QString& if_none, Chart& chart) {
  for (const BenchSweep& sweep : sweeps) {
    const std::string metric = metric_of(sweep);
    ChartSeries series;
    series.name = name_of(sweep, sweeps);
    series.form = SeriesForm::line;
    series.style = sweep.style;
    series.is_dashed = sweep.provenance != "measured";
    for (const SweepStep& step : sweep.steps) {
      const results::RepeatedFigure* figure = figure_of(step, metric);
      if (figure == nullptr) continue;
      ChartPoint& point = series.points.emplace_back();
      point.x = step.n_at_a_time;
      point.y = figure->median;
      point.y_interval = spread_of(step, metric);
      point.is_hollow = sweep.provenance != "measured";
      point.tooltip = step_tooltip(sweep, step, metric);
    }
    if (series.points.empty()) {
      chart.missing << sweep.title() + ": " + if_none;
    } else {
      chart.series.push_back(std::move(series));
    }
    for (const QString& why : sweep.not_believed) chart.missing << why;
  }
  chart.y.scale = scale_of(chart.series);
  chart.y.begins_at_zero = chart.y.scale == AxisScale::linear;
  if (!chart.series.empty())
    chart.note =
        "Medians over the repeats that are believed; whiskers from the least to the most, of a projection its error on "
        "points that were held out.";
}

}  // namespace

Chart sweep_chart(const std::vector<BenchSweep>& sweeps) {
  Chart chart;
  chart.title = titled("Throughput by load", sweeps);
  chart.x = size_axis();
  chart.y.title = "Speed";
  chart.y.unit = "tokens/s";
  chart.empty_text = "No chosen run is a benchmark. \"assay bench sweep\" measures throughput under rising load.";
  add_sweeps(sweeps, throughput_metric, "not measured", chart);
  return chart;
}

Chart cost_curve_chart(const std::vector<BenchSweep>& sweeps) {
  Chart chart;
  chart.title = titled("Cost by load", sweeps);
  chart.x = size_axis();
  chart.y.title = "Cost per million tokens";
  chart.y.unit = "$";
  chart.empty_text = "No benchmark of the chosen runs was given a price (--price-usd-per-gpu-hour).";
  add_sweeps(sweeps, price_metric, "no price was given (--price-usd-per-gpu-hour)", chart);
  if (!chart.series.empty()) {
    chart.note += " Of the hours that the tokens took; idle hours come on top.";
  }
  return chart;
}

Chart first_token_chart(const std::vector<BenchSweep>& sweeps) {
  Chart chart;
  chart.title = titled("Throughput against the time to the first token", sweeps);
  chart.x.title = "Time to first token, median";
  chart.x.unit = "ms";
  chart.y.title = "Output speed of a GPU";
  chart.y.unit = "tokens/s";
  chart.x.scale = chart.y.scale = AxisScale::log;
  chart.empty_text = "No chosen run is a benchmark of a load (\"assay bench serve\").";
  std::vector<results::TradeOff> trade_offs;
  for (const BenchSweep& sweep : sweeps) {
    if (sweep.kind != "serve") continue;
    ChartSeries series;
    series.name = name_of(sweep, sweeps);
    series.style = sweep.style;
    for (const SweepStep& step : sweep.steps) {
      const results::RepeatedFigure* ttft = figure_of(step, "p50_ttft_ms");
      if (ttft == nullptr) ttft = figure_of(step, "mean_ttft_ms");
      const results::RepeatedFigure* rate = figure_of(step, results::kTokensPerGpu);
      if (ttft == nullptr || rate == nullptr || !(ttft->median > 0) || !(rate->median > 0)) continue;
      ChartPoint& point = series.points.emplace_back();
      point.x = ttft->median;
      point.y = rate->median;
      point.y_interval = spread_of(step, results::kTokensPerGpu);
      point.label = number_text(step.n_at_a_time);
      point.is_hollow = sweep.provenance != "measured";
      point.key = sweep.run_id;
      point.tooltip =
          step_tooltip(sweep, step, results::kTokensPerGpu) + "\nTTFT: " + number_text(ttft->median) + " ms";
      trade_offs.push_back({point.x, point.y});
    }
    if (!series.points.empty()) chart.series.push_back(std::move(series));
  }
  add_frontier(trade_offs, results::Better::lower, chart);
  if (!chart.series.empty()) chart.note = "A mark is labelled with how many requests there were at a time.";
  return chart;
}

}  // namespace assay::gui

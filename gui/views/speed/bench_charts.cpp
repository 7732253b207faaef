#include "gui/views/speed/bench_charts.h"

#include <algorithm>

#include "gui/models/plain_text.h"
#include "gui/views/frontier.h"

namespace assay::gui {

namespace {

ChartAxis size_axis() {
  ChartAxis axis;
  axis.title = "Requests or sequences at a time";
  axis.scale = AxisScale::log;
  return axis;
}

/// A line a sweep; the whiskers are the slowest and the fastest repeat.
void add_sweeps(const std::vector<BenchSweep>& sweeps, std::string (*metric_of)(const BenchSweep&),
                const QString& if_none, Chart& chart) {
  for (std::size_t s = 0; s < sweeps.size(); ++s) {
    const BenchSweep& sweep = sweeps[s];
    const std::string metric = metric_of(sweep);
    ChartSeries series;
    series.name = sweep.title;
    series.form = SeriesForm::line;
    series.style = static_cast<int>(s);
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
      chart.missing << sweep.title + ": " + if_none;
    } else {
      chart.series.push_back(std::move(series));
    }
    for (const QString& why : sweep.not_believed) chart.missing << why;
  }
  if (!chart.series.empty())
    chart.note =
        "Medians over the repeats that are believed; whiskers from the least to the most, of a projection its error on "
        "points that were held out.";
}

}  // namespace

Chart sweep_chart(const std::vector<BenchSweep>& sweeps) {
  Chart chart;
  chart.title = "Throughput by load";
  chart.x = size_axis();
  chart.y.title = "Speed";
  chart.y.unit = "tokens/s";
  chart.y.begins_at_zero = true;
  chart.empty_text = "No chosen run is a benchmark. \"assay bench sweep\" measures throughput under rising load.";
  add_sweeps(sweeps, throughput_metric, "not measured", chart);
  return chart;
}

Chart cost_curve_chart(const std::vector<BenchSweep>& sweeps) {
  Chart chart;
  chart.title = "Cost by load";
  chart.x = size_axis();
  chart.y.title = "Cost per million tokens";
  chart.y.unit = "$";
  chart.y.begins_at_zero = true;
  chart.empty_text = "No benchmark of the chosen runs was given a price (--price-usd-per-gpu-hour).";
  add_sweeps(sweeps, price_metric, "no price was given (--price-usd-per-gpu-hour)", chart);
  if (!chart.series.empty()) {
    chart.note += " Of the hours that the tokens took; idle hours come on top.";
  }
  return chart;
}

Chart first_token_chart(const std::vector<BenchSweep>& sweeps) {
  Chart chart;
  chart.title = "Throughput against the time to the first token";
  chart.x.title = "Time to first token, median";
  chart.x.unit = "ms";
  chart.y.title = "Output speed of a GPU";
  chart.y.unit = "tokens/s";
  chart.x.scale = chart.y.scale = AxisScale::log;
  chart.empty_text = "No chosen run is a benchmark of a load (\"assay bench serve\").";
  std::vector<results::TradeOff> trade_offs;
  for (std::size_t s = 0; s < sweeps.size(); ++s) {
    const BenchSweep& sweep = sweeps[s];
    if (sweep.kind != "serve") continue;
    ChartSeries series;
    series.name = sweep.title;
    series.style = static_cast<int>(s);
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

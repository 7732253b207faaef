#include "gui/views/cost/cost_charts.h"

#include <algorithm>
#include <cmath>

#include "gui/models/figure_text.h"
#include "gui/models/plain_text.h"
#include "gui/views/frontier.h"

namespace assay::gui {

namespace {

const results::SuiteSummary* suite_to_plot(const results::RunSummary& summary, const std::string& suite) {
  const auto at = std::find_if(summary.suites.begin(), summary.suites.end(), [&](const results::SuiteSummary& of) {
    return suite.empty() || of.suite.facts.suite == suite;
  });
  return at == summary.suites.end() ? nullptr : &*at;
}

ChartPoint part_point(const results::RunCost& cost, const QString& title, const QString& part, double usd,
                      std::size_t row) {
  ChartPoint point;
  point.x = usd;
  point.y = static_cast<double>(row);
  point.key = QString::fromStdString(cost.run.run_id.value);
  point.is_hollow = usd_provenance(cost) != "measured";
  point.tooltip = title + "\n" + part + ": " + usd_text(usd) + " of " + usd_text(*cost.usd_total) +
                  "\nn: " + counted(cost.n_samples, "sample") +
                  "\nmethod: by device time, waiting spread in proportion\n" + "provenance: " + usd_provenance(cost);
  return point;
}

/// Finite ends alone: an interval without a bound is drawn as none, and said.
std::optional<results::Interval> drawable(const std::optional<results::Interval>& interval) {
  return interval && std::isfinite((*interval)[0]) && std::isfinite((*interval)[1]) ? interval : std::nullopt;
}

/// Stretches the axis of x to the lines, too: by itself it follows the marks.
void show_all(Chart& chart) {
  constexpr double kRoom = 1.3;
  double low = INFINITY, high = 0;
  const auto take = [&](double x) {
    if (!(x > 0)) return;
    low = std::min(low, x / kRoom);
    high = std::max(high, x * kRoom);
  };
  for (const ChartSeries& series : chart.series) {
    for (const ChartPoint& point : series.points) {
      take(point.x);
      if (!point.x_interval) continue;
      take((*point.x_interval)[0]);
      take((*point.x_interval)[1]);
    }
  }
  for (const ChartMarker& marker : chart.markers) take(marker.from);
  if (high <= 0) return;
  chart.x.low = low;
  chart.x.high = high;
}

}  // namespace

Chart parts_chart(const CostAnswer& answer) {
  Chart chart;
  chart.title = "What the runs cost, in parts";
  chart.x.title = "Cost of all samples";
  chart.x.unit = "USD";
  chart.x.begins_at_zero = true;
  chart.y.title = "Run";
  chart.empty_text = "No chosen run has both a price and device times. Give a price above.";
  ChartSeries input, cached, output;
  input.name = "Input";
  cached.name = "Cached input";
  output.name = "Output";
  cached.style = 1;
  output.style = 2;
  for (ChartSeries* series : {&input, &cached, &output}) {
    series->form = SeriesForm::bars;
    series->is_stacked = true;
  }
  bool has_cached = false;
  for (std::size_t i = 0; i < answer.costs.size(); ++i) {
    const results::RunCost& cost = answer.costs[i];
    const QString& title = answer.titles[i];
    chart.y.categories.append(title);
    if (!cost.usd_total || !cost.split) {
      chart.missing.append(
          title + ": " +
          (cost.usd_total ? QString("device times of the samples are not known") : visible_text(cost.usd_reason)));
      continue;
    }
    const results::CostSplit& split = *cost.split;
    input.points.push_back(part_point(cost, title, split.usd_cached_input ? "input, not cached" : "input, cached too",
                                      split.usd_cached_input ? *split.usd_uncached_input : split.usd_input, i));
    if (split.usd_cached_input) {
      has_cached = true;
      cached.points.push_back(part_point(cost, title, "cached input", *split.usd_cached_input, i));
    } else if (!split.cached_reason.empty()) {
      chart.missing.append(title + ", cached input: " + visible_text(split.cached_reason));
    }
    output.points.push_back(part_point(cost, title, "output", split.usd_output, i));
  }
  if (input.points.empty()) return chart;
  chart.series.push_back(std::move(input));
  if (has_cached) chart.series.push_back(std::move(cached));
  chart.series.push_back(std::move(output));
  chart.note = "Parts add up to the whole. Split by device time in prefill and decode.";
  return chart;
}

Chart frontier_chart(const CostAnswer& answer, const std::string& suite) {
  Chart chart;
  chart.x.title = "Cost per correct answer";
  chart.x.unit = "USD";
  chart.y.title = "Accuracy";
  chart.y.is_share = true;
  chart.empty_text = "No chosen run has both a price and correct answers.";
  std::vector<results::TradeOff> points;
  QString name;
  for (std::size_t i = 0; i < answer.costs.size(); ++i) {
    const results::RunCost& cost = answer.costs[i];
    const results::SuiteSummary* of = suite_to_plot(answer.summaries[i], suite);
    const QString& title = answer.titles[i];
    if (of != nullptr && name.isEmpty()) name = visible_text(of->suite.facts.suite, 60);
    if (of == nullptr || !of->accuracy || !cost.usd_per_correct) {
      chart.missing.append(title + ": " +
                           (of == nullptr || !of->accuracy ? QString("no graded sample of this suite")
                            : !cost.usd_total              ? visible_text(cost.usd_reason)
                                                           : QString("no sample is correct")));
      continue;
    }
    ChartSeries& series = chart.series.emplace_back();
    series.name = title;
    series.style = static_cast<int>(i);
    ChartPoint& point = series.points.emplace_back();
    point.x = *cost.usd_per_correct;
    point.y = *of->accuracy;
    point.x_interval = drawable(cost.usd_per_correct_ci95);
    point.y_interval = of->ci95;
    point.key = QString::fromStdString(cost.run.run_id.value);
    point.is_hollow = usd_provenance(cost) != "measured";
    point.tooltip = title + "\naccuracy " + share_text(*of->accuracy) + ", 95 % interval " +
                    interval_text(of->ci95, share_text) + "\n" + usd_text(*cost.usd_per_correct) +
                    " per correct answer, 95 % interval " + interval_text(cost.usd_per_correct_ci95, usd_text) +
                    "\nn: " + counted(of->n_items_sampled, "item") + "; cost over " +
                    counted(cost.n_samples, "sample") + " of all suites\nprovenance: " + usd_provenance(cost);
    points.push_back({point.x, point.y});
  }
  chart.title = name.isEmpty() ? QString("Accuracy against cost") : "Accuracy in " + name + " against cost";
  add_frontier(points, results::Better::lower, chart);
  if (!answer.costs.empty() && !chart.series.empty()) {
    for (const results::HostedCost& hosted : answer.costs.front().hosted) {
      if (!hosted.usd_per_correct) continue;
      chart.markers.push_back({.is_vertical = true,
                               .from = *hosted.usd_per_correct,
                               .to = {},
                               .label = endpoint_text(hosted.price) + ", " + validity_text(hosted.price)});
    }
    chart.x.scale = AxisScale::log;
    show_all(chart);
    chart.note = "Cost of the whole run over all its correct answers. Lines: the tokens of " + answer.titles.front() +
                 " at published prices of hosted endpoints, if its answers were as often right.";
  }
  return chart;
}

Chart break_even_chart(const results::HostedCost& hosted) {
  Chart chart;
  chart.title = "Own hardware against " + endpoint_text(hosted.price) + " (scenario)";
  chart.x.title = "Output tokens a month";
  chart.x.unit = "Mtok";
  chart.x.begins_at_zero = true;
  chart.y.title = "Cost of a month";
  chart.y.unit = "USD";
  chart.y.begins_at_zero = true;
  chart.empty_text = "State hardware of your own below to see from where on it is cheaper.";
  if (!hosted.even) return chart;
  const results::BreakEven& even = *hosted.even;
  const double capacity = even.capacity_mtok_per_month.high;
  ChartSeries own, api;
  own.name = "own hardware";
  own.form = SeriesForm::band;
  api.name = endpoint_text(hosted.price);
  api.form = SeriesForm::line;
  api.style = 1;
  for (const double mtok : {0.0, capacity}) {
    const double low = even.fixed_usd_per_month.low + mtok * even.marginal_usd_per_mtok.low;
    const double high = even.fixed_usd_per_month.high + mtok * even.marginal_usd_per_mtok.high;
    ChartPoint point;
    point.x = mtok;
    point.y = (low + high) / 2;
    point.y_interval = results::Interval{low, high};
    point.is_hollow = true;
    point.tooltip = "own hardware (scenario)\n" + number_text(mtok) +
                    " Mtok a month: " + range_text({low, high}, usd_text) + "\nfixed " +
                    range_text(even.fixed_usd_per_month, usd_text) + ", electricity " +
                    range_text(even.marginal_usd_per_mtok, usd_text) + " per Mtok";
    own.points.push_back(point);
    ChartPoint hosted_point;
    hosted_point.x = mtok;
    hosted_point.y = mtok * even.hosted_usd_per_mtok.high;
    hosted_point.is_hollow = true;
    hosted_point.tooltip = api.name + " (published, " + validity_text(hosted.price) + ")\n" + number_text(mtok) +
                           " Mtok a month: " + usd_text(hosted_point.y);
    api.points.push_back(hosted_point);
  }
  chart.series = {std::move(own), std::move(api)};
  if (even.low_mtok_per_month && *even.low_mtok_per_month <= capacity) {
    chart.markers.push_back({.is_vertical = true,
                             .from = *even.low_mtok_per_month,
                             .to = std::min(even.high_mtok_per_month.value_or(capacity), capacity),
                             .label = "break-even"});
  } else {
    chart.missing.append("break-even: these GPUs never make so much in a month");
  }
  chart.note = "To the right of the shaded stretch one's own hardware is cheaper. Quality and latency may differ.";
  return chart;
}

}  // namespace assay::gui

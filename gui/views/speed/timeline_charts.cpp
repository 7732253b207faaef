// What one run did over its time.
#include <algorithm>
#include <map>

#include "gui/models/figure_text.h"
#include "gui/models/plain_text.h"
#include "gui/views/speed/speed_charts.h"

namespace assay::gui {

namespace {

constexpr double kMsPerSecond = 1000;

/// Stretches between two GPU samples of which the first says that clocks were held down.
void add_throttled(const SpeedRun& run, Chart& chart) {
  for (std::size_t i = 0; i < run.gpu_samples.size(); ++i) {
    const results::GpuSample& sample = run.gpu_samples[i];
    const std::vector<std::string> reasons = throttle_reasons_of(sample);
    if (reasons.empty()) continue;
    const bool has_next = i + 1 < run.gpu_samples.size() && run.gpu_samples[i + 1].gpu == sample.gpu;
    const double from = sample.at_ms / kMsPerSecond;
    const double to = has_next ? run.gpu_samples[i + 1].at_ms / kMsPerSecond : from;
    const QString label = visible_text(reasons.front());
    // Neighbours of one reason are one stretch.
    if (!chart.markers.empty() && chart.markers.back().to == from && chart.markers.back().label == label) {
      chart.markers.back().to = to;
      continue;
    }
    chart.markers.push_back({true, from, to, label});
  }
}

ChartAxis time_axis() {
  ChartAxis axis;
  axis.title = "Time of the run";
  axis.unit = "s";
  axis.begins_at_zero = true;
  return axis;
}

}  // namespace

Chart rate_chart(const SpeedRun& run) {
  Chart chart;
  chart.title = "Output over the run's time: " + run.title;
  chart.x = time_axis();
  chart.y.title = "Output speed";
  chart.y.unit = "tokens/s";
  chart.y.begins_at_zero = true;
  chart.empty_text = "Not known: the run was not timed, or several processes worked on it.";
  if (run.output_tokens_per_s_parts.empty()) return chart;
  ChartSeries& series = chart.series.emplace_back();
  series.name = run.title;
  series.form = SeriesForm::line;
  const auto n_parts = static_cast<double>(run.output_tokens_per_s_parts.size());
  const double part_s = run.end_ms / kMsPerSecond / n_parts;
  for (std::size_t i = 0; i < run.output_tokens_per_s_parts.size(); ++i) {
    ChartPoint& point = series.points.emplace_back();
    point.x = (static_cast<double>(i) + 0.5) * part_s;
    point.y = run.output_tokens_per_s_parts[i];
    point.is_hollow = run.summary.run.facts.provenance != "measured";
    point.tooltip = number_text(point.y) + " output tokens/s from " + number_text(static_cast<double>(i) * part_s) +
                    " s to " + number_text(static_cast<double>(i + 1) * part_s) +
                    " s\neach sample's tokens spread evenly over its " +
                    "time\nprovenance: " + visible_text(run.summary.run.facts.provenance);
  }
  add_throttled(run, chart);
  chart.note = "In " + number_text(n_parts) + " equal parts up to the last token." +
               (chart.markers.empty() ? QString() : QString(" Shaded: the GPU's clocks were held down."));
  return chart;
}

Chart gpu_chart(const SpeedRun& run, GpuFigure figure) {
  Chart chart;
  chart.x = time_axis();
  std::optional<double> results::GpuSample::*value = &results::GpuSample::power_watts;
  chart.y.title = "Power";
  chart.y.unit = "W";
  if (figure == GpuFigure::sm_clock_mhz) {
    value = &results::GpuSample::sm_clock_mhz;
    chart.y.title = "Clock";
    chart.y.unit = "MHz";
  } else if (figure == GpuFigure::temperature_c) {
    value = &results::GpuSample::temperature_c;
    chart.y.title = "Temperature";
    chart.y.unit = "°C";
  }
  chart.title = chart.y.title + ": " + run.title;
  chart.empty_text = "Not known: no GPU of this run told it.";
  std::map<std::int64_t, ChartSeries> by_gpu;
  for (const results::GpuSample& sample : run.gpu_samples) {
    const std::optional<double>& of = sample.*value;
    if (!of) continue;
    ChartSeries& series = by_gpu[sample.gpu];
    ChartPoint& point = series.points.emplace_back();
    point.x = sample.at_ms / kMsPerSecond;
    point.y = *of;
    point.tooltip = number_text(*of) + " " + chart.y.unit + " at " + number_text(point.x) + " s";
    for (const std::string& reason : throttle_reasons_of(sample))
      point.tooltip += "\nheld down: " + visible_text(reason);
  }
  for (auto& [gpu, series] : by_gpu) {
    series.name = "GPU " + QString::number(gpu);
    series.form = SeriesForm::line;
    series.style = static_cast<int>(chart.series.size());
    chart.series.push_back(std::move(series));
  }
  add_throttled(run, chart);
  return chart;
}

Chart timeline_chart(const SpeedRun& run, int first) {
  Chart chart;
  chart.title = "Samples over time: " + run.title;
  chart.x = time_axis();
  chart.x.begins_at_zero = false;
  chart.y.title = "Sample, in order of start";
  chart.empty_text = "Not known: the run was not timed, or several processes worked on it.";
  const auto n = static_cast<int>(run.spans.size());
  if (n == 0) return chart;
  first = std::clamp(first, 0, n - 1);
  const int end = std::min(n, first + kMaxTimelineSamples);
  ChartSeries waits, prefill, decode;
  waits.name = "Waiting";
  prefill.name = "Prefill";
  decode.name = "Decode";
  waits.style = 2;
  prefill.style = 1;
  for (ChartSeries* series : {&waits, &prefill, &decode}) series->form = SeriesForm::spans;
  for (int i = first; i < end; ++i) {
    const SampleSpan& span = run.spans[static_cast<std::size_t>(i)];
    const double first_token_ms = span.first_token_ms.value_or(span.started_ms);
    const auto add = [&](ChartSeries& series, double from_ms, double to_ms) {
      ChartPoint& point = series.points.emplace_back();
      point.x = from_ms / kMsPerSecond;
      point.y = i + 1;
      point.x_interval = results::Interval{from_ms / kMsPerSecond, to_ms / kMsPerSecond};
      point.key = QString::fromStdString(span.suite) + "\n" + QString::fromStdString(span.item);
      point.tooltip =
          span.sample + "\n" + series.name + ": " + number_text(to_ms - from_ms) + " ms, from " +
          number_text(from_ms / kMsPerSecond) + " s\n" +
          (span.n_output_tokens ? counted(*span.n_output_tokens, "output token") : QString("tokens not known"));
    };
    if (span.queued_ms && *span.queued_ms < span.started_ms) add(waits, *span.queued_ms, span.started_ms);
    if (span.first_token_ms) add(prefill, span.started_ms, first_token_ms);
    add(decode, first_token_ms, span.finished_ms);
  }
  // Waiting reaches back to the beginning of the run for most samples: it would hide the rest.
  double earliest = run.spans[static_cast<std::size_t>(first)].started_ms, latest = 0;
  for (int i = first; i < end; ++i) latest = std::max(latest, run.spans[static_cast<std::size_t>(i)].finished_ms);
  chart.x.low = earliest / kMsPerSecond;
  chart.x.high = latest / kMsPerSecond;
  for (ChartPoint& point : waits.points) {
    point.x = std::max(point.x, *chart.x.low);
    (*point.x_interval)[0] = point.x;
  }
  std::erase_if(waits.points, [](const ChartPoint& point) { return (*point.x_interval)[1] <= point.x; });
  for (ChartSeries* series : {&waits, &prefill, &decode}) {
    if (!series->points.empty()) chart.series.push_back(std::move(*series));
  }
  chart.note = "Samples " + number_text(first + 1) + " to " + number_text(end) + " of " + number_text(n) + ".";
  return chart;
}

}  // namespace assay::gui

#include "gui/views/speed/pass_charts.h"

#include <algorithm>
#include <map>
#include <set>

#include "gui/models/plain_text.h"

namespace assay::gui {

namespace {

constexpr double kLongUs = 20'000;  // from here on an axis counts milliseconds
constexpr double kUsPerMs = 1000;
constexpr int kLimitStyle = 6;

const char* const kNoTimelines = "No chosen run watched the operations of this pass.";

/// An axis of time for values up to `most_us`; divide by `us_per_unit`.
struct TimeAxis {
  ChartAxis axis;
  double us_per_unit = 1;

  TimeAxis(const QString& title, double most_us) : us_per_unit(most_us >= kLongUs ? kUsPerMs : 1) {
    axis.title = title;
    axis.unit = us_per_unit == 1 ? "µs" : "ms";
    axis.begins_at_zero = true;
  }
};

QString place_text(const LayerOperation& operation) {
  QString text = operation.layer ? "layer " + QString::number(*operation.layer) : QString("outside of the layers");
  if (operation.pass > 0) text += ", part " + QString::number(operation.pass + 1) + " of the prompts";
  return text;
}

QString operation_tooltip(const PassTimeline& timeline, const LayerOperation& operation, double all_us) {
  QString text = timeline.title + "\n" + visible_text(operation.operation, 60) + ", " + place_text(operation) + "\n" +
                 microseconds_text(operation.time_us);
  if (operation.stddev_us) text += " ± " + microseconds_text(*operation.stddev_us) + " over the passes";
  text += ", from " + microseconds_text(operation.start_us) + " on";
  if (all_us > 0) text += "\n" + share_text(operation.time_us / all_us) + " of all operations";
  text += "\n" + limit_lines(timeline, operation.time_us, operation.limit_us, operation.bytes, operation.flop);
  if (operation.n_kernels) text += "\n" + counted(*operation.n_kernels, "kernel");
  return text + "\n" + timeline_provenance(timeline);
}

/// Boxes of one row: one behind the other, each as long as `length` says.
void add_strip(const PassTimeline& timeline, const PassStretch& stretch, bool is_limit, int row, double us_per_unit,
               std::vector<ChartSeries>& parts) {
  double all_us = 0;
  for (const LayerOperation& each : timeline.operations) all_us += each.time_us;
  double at_us = 0;
  for (const LayerOperation& each : timeline.operations) {
    const double length_us = is_limit ? each.limit_us.value_or(0) : each.time_us;
    if (!stretch.holds(each) || length_us <= 0) continue;
    const double from_us = stretch.kind == PassStretch::Kind::whole && !is_limit ? each.start_us : at_us;
    at_us = from_us + length_us;
    ChartPoint& point = parts[static_cast<std::size_t>(part_of(each.operation))].points.emplace_back();
    point.x = from_us / us_per_unit;
    point.y = row;
    point.x_interval = results::Interval{point.x, at_us / us_per_unit};
    point.is_hollow = is_limit || timeline.provenance != "measured";
    if (stretch.kind != PassStretch::Kind::whole && !is_limit) point.label = visible_text(each.operation, 40);
    point.tooltip = (is_limit ? QString("at its limit: ") : QString()) + operation_tooltip(timeline, each, all_us);
  }
}

double length_of_stretch(const PassTimeline& timeline, const PassStretch& stretch) {
  double length_us = 0;
  for (const LayerOperation& each : timeline.operations) length_us += stretch.holds(each) ? each.time_us : 0;
  return length_us;
}

std::map<int, double> times_of_layers(const PassTimeline& timeline) {
  std::map<int, double> times_us;
  for (const LayerOperation& each : timeline.operations) {
    if (each.layer) times_us[*each.layer] += each.time_us;
  }
  return times_us;
}

}  // namespace

bool PassStretch::holds(const LayerOperation& operation) const {
  switch (kind) {
    case Kind::whole:
      return true;
    case Kind::layer:
      return operation.layer == layer;
    case Kind::outside:
      break;
  }
  return !operation.layer.has_value();
}

QString stretch_text(const PassStretch& stretch) {
  if (stretch.kind == PassStretch::Kind::layer) return QString::number(stretch.layer);
  return stretch.kind == PassStretch::Kind::outside ? QString("outside") : QString();
}

PassStretch parse_stretch(const QString& text) {
  if (text == "outside") return {PassStretch::Kind::outside, 0};
  bool is_number = false;
  const int layer = text.toInt(&is_number);
  return is_number && layer >= 0 ? PassStretch{PassStretch::Kind::layer, layer} : PassStretch();
}

std::vector<int> layers_of(const std::vector<const PassTimeline*>& timelines) {
  std::set<int> layers;
  for (const PassTimeline* timeline : timelines) {
    for (const LayerOperation& each : timeline->operations) {
      if (each.layer) layers.insert(*each.layer);
    }
  }
  return {layers.begin(), layers.end()};
}

Chart pass_strip_chart(const std::vector<const PassTimeline*>& timelines, const PassStretch& stretch) {
  Chart chart;
  chart.title = stretch.kind == PassStretch::Kind::whole   ? QString("One pass, operation by operation")
                : stretch.kind == PassStretch::Kind::layer ? "Layer " + QString::number(stretch.layer) + " of a pass"
                                                           : QString("Before the first layer and behind the last one");
  chart.empty_text = kNoTimelines;
  double most_us = 0;
  for (const PassTimeline* timeline : timelines) most_us = std::max(most_us, length_of_stretch(*timeline, stretch));
  const TimeAxis time(stretch.kind == PassStretch::Kind::whole ? "Time in the pass" : "Time in these operations",
                      most_us);
  chart.x = time.axis;
  std::vector<ChartSeries> parts(kPassParts);
  for (int part = 0; part < kPassParts; ++part) {
    ChartSeries& series = parts[static_cast<std::size_t>(part)];
    series.name = pass_part_text(static_cast<PassPart>(part));
    series.form = SeriesForm::spans;
    series.style = part;
  }
  parts.back().color = QColor("#8b949e");  // there are eight styles
  for (const PassTimeline* timeline : timelines) {
    if (length_of_stretch(*timeline, stretch) <= 0) {
      chart.missing << timeline->title + ": has no such layer";
      continue;
    }
    add_strip(*timeline, stretch, false, static_cast<int>(chart.y.categories.size()), time.us_per_unit, parts);
    chart.y.categories << timeline->title;
    if (!limited_time(*timeline)) continue;
    add_strip(*timeline, stretch, true, static_cast<int>(chart.y.categories.size()), time.us_per_unit, parts);
    chart.y.categories << timeline->title + ", limits";
  }
  for (ChartSeries& part : parts) {
    if (!part.points.empty()) chart.series.push_back(std::move(part));
  }
  if (!chart.series.empty()) {
    chart.note =
        "The repeat in the middle. A time reaches from the end of all before to its own end, waiting with it. "
        "Limits: what must be moved and computed at the least, at the ceilings of the device; operations without "
        "one are left out there.";
  }
  return chart;
}

Chart operations_chart(const std::vector<const PassTimeline*>& timelines) {
  Chart chart;
  chart.title = "Operations over all layers";
  chart.empty_text = kNoTimelines;
  const std::vector<std::string> operations = operations_of(timelines);
  for (const std::string& operation : operations) chart.y.categories << visible_text(operation, 60);
  double most_us = 0;
  for (const PassTimeline* timeline : timelines) {
    for (const OperationSum& sum : operation_sums(*timeline)) most_us = std::max(most_us, sum.time_us.max);
  }
  const TimeAxis time("Time in a pass", most_us);
  chart.x = time.axis;
  std::vector<ChartSeries> limits;
  for (std::size_t t = 0; t < timelines.size(); ++t) {
    const PassTimeline& timeline = *timelines[t];
    ChartSeries& bars = chart.series.emplace_back();
    bars.name = timeline.title;
    bars.form = SeriesForm::bars;
    bars.style = static_cast<int>(t);
    ChartSeries limit;
    limit.name = timeline.title + ", limits";
    limit.style = kLimitStyle;
    for (const OperationSum& sum : operation_sums(timeline)) {
      const auto row = std::find(operations.begin(), operations.end(), sum.operation) - operations.begin();
      const QString tooltip = timeline.title + "\n" + visible_text(sum.operation, 60) + " in " +
                              counted(sum.n_layers, "layer") + "\n" + microseconds_text(sum.time_us.median) +
                              ", median of " + counted(sum.time_us.n, "repeat") + ", " +
                              microseconds_text(sum.time_us.min) + " to " + microseconds_text(sum.time_us.max) + "\n" +
                              limit_lines(timeline, sum.time_us.median, sum.limit_us, sum.bytes, sum.flop) + "\n" +
                              timeline_provenance(timeline);
      ChartPoint point{sum.time_us.median / time.us_per_unit, static_cast<double>(row)};
      point.tooltip = tooltip;
      point.is_hollow = timeline.provenance != "measured";
      if (sum.time_us.n > 1) {
        point.x_interval = results::Interval{sum.time_us.min / time.us_per_unit, sum.time_us.max / time.us_per_unit};
      }
      bars.points.push_back(point);
      if (!sum.limit_us) continue;
      ChartPoint mark{*sum.limit_us / time.us_per_unit, static_cast<double>(row)};
      mark.tooltip = tooltip;
      mark.is_hollow = true;
      limit.points.push_back(mark);
    }
    limits.push_back(std::move(limit));
  }
  // All of them, so that each stands on its run's bars.
  const bool has_limits =
      std::any_of(limits.begin(), limits.end(), [](const auto& each) { return !each.points.empty(); });
  if (has_limits) std::move(limits.begin(), limits.end(), std::back_inserter(chart.series));
  if (!operations.empty()) {
    chart.note =
        "Medians over the repeats; whiskers from the least to the most. A star is the limit of the bar it is on.";
  }
  return chart;
}

Chart layer_times_chart(const std::vector<const PassTimeline*>& timelines) {
  Chart chart;
  chart.title = "What each layer takes";
  chart.x.title = "Layer";
  chart.empty_text = kNoTimelines;
  double most_us = 0;
  for (const PassTimeline* timeline : timelines) {
    for (const auto& [layer, time_us] : times_of_layers(*timeline)) most_us = std::max(most_us, time_us);
  }
  const TimeAxis time("Time in a pass", most_us);
  chart.y = time.axis;
  for (std::size_t t = 0; t < timelines.size(); ++t) {
    ChartSeries series;
    series.name = timelines[t]->title;
    series.form = SeriesForm::line;
    series.style = static_cast<int>(t);
    series.is_dashed = timelines[t]->provenance != "measured";
    for (const auto& [layer, time_us] : times_of_layers(*timelines[t])) {
      ChartPoint& point = series.points.emplace_back();
      point.x = layer;
      point.y = time_us / time.us_per_unit;
      point.key = QString::number(layer);
      point.is_hollow = timelines[t]->provenance != "measured";
      point.tooltip = timelines[t]->title + "\nlayer " + QString::number(layer) + ": " + microseconds_text(time_us) +
                      "\nof the repeat in the middle\n" + timeline_provenance(*timelines[t]);
    }
    if (!series.points.empty()) chart.series.push_back(std::move(series));
  }
  if (!chart.series.empty()) chart.note = "The repeat in the middle. Enter or a double click shows the layer alone.";
  return chart;
}

}  // namespace assay::gui

// Bars and spans.

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "gui/views/charts/scene_parts.h"

namespace assay::gui {

namespace {

constexpr double kThickestBar = 44;
constexpr double kRowShare = 0.65;   // of a row, that its spans are high
constexpr double kLeastSpan = 0.25;  // pixels: what would reach less far beyond the span before is left out

}  // namespace

BarLayout::BarLayout(const SeriesFrame& frame) : frame_(frame), stacks_(bar_spans(frame.chart)) {
  find_groups();
  find_row_height();
}

// Bars at the same place stand side by side, unless they are stacked.
void BarLayout::find_groups() {
  const bool lies = has_lying_bars(frame_.chart);
  std::set<double> places;
  groups_.assign(frame_.chart.series.size(), 0);
  int n_series = 0;
  for (std::size_t s = 0; s < frame_.chart.series.size(); ++s) {
    const ChartSeries& series = frame_.chart.series[s];
    if (series.form != SeriesForm::bars) continue;
    if (!series.is_stacked || n_groups_ == 0) ++n_groups_;
    groups_[s] = n_groups_ - 1;
    ++n_series;
    for (const ChartPoint& point : series.points) {
      const double at = lies ? point.y : point.x;
      if (std::isfinite(at)) places.insert(at);
    }
  }
  frame_.scene.draws_bars = n_series > 0;
  frame_.scene.draws_glyphs = n_series > 1;
  const ChartAxis& axis = lies ? frame_.chart.y : frame_.chart.x;
  const AxisMap& map = lies ? frame_.scene.y.map : frame_.scene.x.map;
  const bool has_names = !axis.categories.isEmpty();
  double slot = has_names ? std::fabs(map.place(1) - map.place(0)) * 0.8 : std::fabs(map.to - map.from) * 0.2;
  for (auto it = places.begin(); !has_names && it != places.end() && std::next(it) != places.end(); ++it) {
    slot = std::min(slot, std::fabs(map.place(*std::next(it)) - map.place(*it)) - 1);
  }
  bar_width_ = std::max(1.0, slot / std::max(1, n_groups_));
  if (has_names) bar_width_ = std::min(bar_width_, kThickestBar);
}

void BarLayout::find_row_height() {
  std::set<double> rows;
  int n_series = 0;
  for (const ChartSeries& series : frame_.chart.series) {
    if (series.form != SeriesForm::spans) continue;
    ++n_series;
    for (const ChartPoint& point : series.points) {
      if (can_place(frame_.chart.y, point.y)) rows.insert(frame_.scene.y.map.place(point.y));
    }
  }
  if (n_series == 0) return;
  frame_.scene.draws_bars = true;
  frame_.scene.draws_glyphs |= n_series > 1;
  double slot = frame_.scene.plot.height();
  if (!frame_.chart.y.categories.isEmpty()) {
    slot = std::fabs(frame_.scene.y.map.place(1) - frame_.scene.y.map.place(0));
  } else {
    for (auto it = rows.begin(); it != rows.end() && std::next(it) != rows.end(); ++it) {
      slot = std::min(slot, *std::next(it) - *it);
    }
  }
  row_height_ = std::clamp(slot * kRowShare, 1.0, kThickestBar);
}

void BarLayout::add_bars(std::size_t s) {
  const bool lies = has_lying_bars(frame_.chart);
  const ChartSeries& series = frame_.chart.series[s];
  const AxisMap& values = lies ? frame_.scene.x.map : frame_.scene.y.map;
  const AxisMap& places = lies ? frame_.scene.y.map : frame_.scene.x.map;
  const double offset = (groups_[s] - (n_groups_ - 1) / 2.0) * bar_width_;
  for (std::size_t p = 0; p < series.points.size(); ++p) {
    const ChartPoint& point = series.points[p];
    const AxisRange& span = stacks_[s][p];
    const double at = lies ? point.y : point.x;
    if (std::isnan(span.high) || !can_place(lies ? frame_.chart.y : frame_.chart.x, at)) continue;
    const double middle = places.place(at) + offset;
    if (middle < std::min(places.from, places.to) - 1 || middle > std::max(places.from, places.to) + 1) continue;
    const double from = values.place(std::clamp(span.low, values.range.low, values.range.high));
    const double to = values.place(std::clamp(span.high, values.range.low, values.range.high));
    const double begin = std::min(from, to), length = std::fabs(to - from), side = middle - bar_width_ / 2;
    const double thickness = std::max(1.0, bar_width_ - (n_groups_ > 1 ? 1 : 0));
    const QRectF box = lies ? QRectF(begin, side, length, thickness) : QRectF(side, begin, thickness, length);
    const QPointF end = lies ? QPointF(to, box.center().y()) : QPointF(box.center().x(), to);
    frame_.scene.marks.push_back({MarkKind::bar, frame_.scene.looks[s].shape, point.is_hollow, static_cast<int>(s),
                                  static_cast<int>(p), 1, end, box, box});
    frame_.add_whisker(s, lies ? point.x_interval : point.y_interval, lies, end);
  }
}

void BarLayout::add_spans(std::size_t s) {
  const ChartSeries& series = frame_.chart.series[s];
  const AxisMap& times = frame_.scene.x.map;
  const QRectF& plot = frame_.scene.plot;
  std::map<double, double> ends;  // by row: where what is drawn ends
  for (std::size_t p = 0; p < series.points.size(); ++p) {
    const ChartPoint& point = series.points[p];
    if (!point.x_interval || !can_place(frame_.chart.y, point.y)) continue;
    const auto [low, high] = std::minmax((*point.x_interval)[0], (*point.x_interval)[1]);
    if (!can_place(frame_.chart.x, low) || !can_place(frame_.chart.x, high)) continue;
    if (high < times.range.low || low > times.range.high) continue;
    const double from = times.place(std::max(low, times.range.low));
    const double to = times.place(std::min(high, times.range.high));
    const double middle = frame_.scene.y.map.place(point.y);
    if (middle < plot.top() || middle > plot.bottom()) continue;
    const auto [end, is_first] = ends.try_emplace(point.y, to);
    if (!is_first && to < end->second + kLeastSpan) continue;
    end->second = to;
    const QRectF box(from, middle - row_height_ / 2, to - from, row_height_);
    frame_.scene.marks.push_back({MarkKind::bar, frame_.scene.looks[s].shape, point.is_hollow, static_cast<int>(s),
                                  static_cast<int>(p), 1, box.center(), box, box});
  }
}

}  // namespace assay::gui

// Where a chart's series lie: marks with whiskers, and cells where there are too many. Bars and lines have files of
// their own.

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "gui/models/plain_text.h"
#include "gui/views/charts/scene_parts.h"

namespace assay::gui {

namespace {

constexpr double kFarOutside = 1e4;  // pixels: lines that leave the plot are followed no further
constexpr double kCellSize = 4;

class SeriesLayout {
 public:
  SeriesLayout(const Chart& chart, Scene& scene) : chart_(chart), scene_(scene), frame_{chart, scene}, bars_(frame_) {
    find_offsets();
  }

  void add_all() {
    std::size_t n_marks = 0;
    for (const ChartSeries& series : chart_.series) {
      if (series.form == SeriesForm::marks) n_marks += series.points.size();
    }
    scene_.has_marks_on_bars = n_marks > 0 && bars_.n_groups() > 0 && has_lying_bars(chart_);
    if (n_marks >= kManyMarks) scene_.mark_radius = kSmallMarkRadius;
    for (std::size_t s = 0; s < chart_.series.size(); ++s) {
      switch (chart_.series[s].form) {
        case SeriesForm::marks:
          n_marks > kMostDrawnMarks ? add_cells(s) : add_marks(s);
          break;
        case SeriesForm::line:
        case SeriesForm::steps:
          add_line(frame_, s);
          break;
        case SeriesForm::band:
        case SeriesForm::step_band:
          add_band(frame_, s);
          break;
        case SeriesForm::bars:
          bars_.add_bars(s);
          break;
        case SeriesForm::spans:
          bars_.add_spans(s);
          break;
      }
    }
    sort_marks();
  }

 private:
  // Several series of marks at the same name of an axis lie beside each other, not on top.
  void find_offsets() {
    offsets_.assign(chart_.series.size(), QPointF());
    const bool on_x = !chart_.x.categories.isEmpty();
    if (!on_x && chart_.y.categories.isEmpty()) return;
    std::vector<std::size_t> series_of_marks;
    std::set<double> places;
    bool shares_places = false;
    for (std::size_t s = 0; s < chart_.series.size(); ++s) {
      if (chart_.series[s].form != SeriesForm::marks) continue;
      if (chart_.series[s].points.empty() && bars_.n_groups() == 0) continue;
      series_of_marks.push_back(s);
      std::set<double> own;
      for (const ChartPoint& point : chart_.series[s].points) own.insert(on_x ? point.x : point.y);
      for (const double each : own) shares_places |= !places.insert(each).second;
    }
    const bool stands_on_bars = static_cast<std::size_t>(bars_.n_groups()) == series_of_marks.size();
    if (!shares_places && !stands_on_bars) return;
    const AxisMap& map = on_x ? scene_.x.map : scene_.y.map;
    const auto n = static_cast<double>(series_of_marks.size());
    double step = std::min(std::fabs(map.place(1) - map.place(0)) * 0.75 / n, 4 * kMarkRadius);
    if (stands_on_bars) step = bars_.bar_width();
    for (std::size_t i = 0; i < series_of_marks.size(); ++i) {
      const double offset = (static_cast<double>(i) - (n - 1) / 2) * step;
      offsets_[series_of_marks[i]] = on_x ? QPointF(offset, 0) : QPointF(0, offset);
    }
  }

  void add_marks(std::size_t s) {
    const std::vector<ChartPoint>& points = chart_.series[s].points;
    for (std::size_t p = 0; p < points.size(); ++p) {
      if (!frame_.can_place_point(points[p])) continue;
      const QPointF at = frame_.place(points[p].x, points[p].y);
      if (frame_.is_inside(at)) frame_.add_mark(s, p, at + offsets_[s]);
    }
  }

  void add_cells(std::size_t s) {
    struct Count {
      int n = 0, point = 0;
    };
    const QRectF& plot = scene_.plot;
    const int n_columns = static_cast<int>(plot.width() / kCellSize) + 1;
    const int n_rows = static_cast<int>(plot.height() / kCellSize) + 1;
    std::vector<Count> counts(static_cast<std::size_t>(n_columns) * static_cast<std::size_t>(n_rows));
    const std::vector<ChartPoint>& points = chart_.series[s].points;
    for (std::size_t p = 0; p < points.size(); ++p) {
      if (!frame_.can_place_point(points[p])) continue;
      const QPointF at = frame_.place(points[p].x, points[p].y) + offsets_[s];
      if (!frame_.is_inside(at)) continue;
      const int column = std::clamp(static_cast<int>((at.x() - plot.left()) / kCellSize), 0, n_columns - 1);
      const int row = std::clamp(static_cast<int>((at.y() - plot.top()) / kCellSize), 0, n_rows - 1);
      Count& count = counts[static_cast<std::size_t>(row * n_columns + column)];
      if (count.n++ == 0) count.point = static_cast<int>(p);
    }
    for (int row = 0; row < n_rows; ++row) {
      for (int column = 0; column < n_columns; ++column) {
        const Count& count = counts[static_cast<std::size_t>(row * n_columns + column)];
        if (count.n == 0) continue;
        const QRectF box(plot.left() + column * kCellSize, plot.top() + row * kCellSize, kCellSize, kCellSize);
        scene_.marks.push_back(
            {MarkKind::cell, Shape::none, false, static_cast<int>(s), count.point, count.n, box.center(), box, box});
        scene_.most_in_a_cell = std::max(scene_.most_in_a_cell, count.n);
      }
    }
  }

  void sort_marks() {
    const bool by_rows = !chart_.y.categories.isEmpty();
    std::stable_sort(scene_.marks.begin(), scene_.marks.end(), [by_rows](const SceneMark& a, const SceneMark& b) {
      if (by_rows) return std::pair(a.at.y(), a.at.x()) < std::pair(b.at.y(), b.at.x());
      return std::pair(a.at.x(), a.at.y()) < std::pair(b.at.x(), b.at.y());
    });
  }

  const Chart& chart_;
  Scene& scene_;
  SeriesFrame frame_;
  BarLayout bars_;
  std::vector<QPointF> offsets_;  // of marks, by series
};

bool lies_outside(const ChartAxis& axis, double value) {
  return (axis.low && value < *axis.low) || (axis.high && value > *axis.high);
}

}  // namespace

QPointF SeriesFrame::place(double x, double y) const {
  const auto near = [&](double at) { return std::clamp(at, -kFarOutside, kFarOutside + scene.size.width()); };
  return {near(scene.x.map.place(x)), near(scene.y.map.place(y))};
}

bool SeriesFrame::can_place_point(const ChartPoint& point) const {
  return can_place(chart.x, point.x) && can_place(chart.y, point.y);
}

bool SeriesFrame::is_inside(const QPointF& at) const { return scene.plot.adjusted(-0.5, -0.5, 0.5, 0.5).contains(at); }

void SeriesFrame::add_whisker(std::size_t s, const std::optional<results::Interval>& interval, bool is_x,
                              const QPointF& at) const {
  if (!interval || std::isnan((*interval)[0]) || std::isnan((*interval)[1])) return;
  const AxisMap& map = is_x ? scene.x.map : scene.y.map;
  const auto [low, high] = std::minmax((*interval)[0], (*interval)[1]);
  if (high < map.range.low || low > map.range.high) return;
  SceneWhisker whisker;
  whisker.series = static_cast<int>(s);
  whisker.has_first_cap = low >= map.range.low;
  whisker.has_second_cap = high <= map.range.high;
  const double first = map.place(std::max(low, map.range.low));
  const double second = map.place(std::min(high, map.range.high));
  whisker.line = is_x ? QLineF(first, at.y(), second, at.y()) : QLineF(at.x(), first, at.x(), second);
  scene.whiskers.push_back(whisker);
  QRectF& extent = scene.marks.back().extent;
  extent = extent.united(QRectF(whisker.line.p1(), whisker.line.p2()).normalized().adjusted(-1, -1, 1, 1));
}

void SeriesFrame::add_mark(std::size_t s, std::size_t p, const QPointF& at) const {
  const ChartPoint& point = chart.series[s].points[p];
  const double half = scene.mark_radius + 1;
  const QRectF box(at.x() - half, at.y() - half, 2 * half, 2 * half);
  scene.marks.push_back({MarkKind::shape, scene.looks[s].shape, point.is_hollow, static_cast<int>(s),
                         static_cast<int>(p), 1, at, box, box});
  add_whisker(s, point.x_interval, true, at);
  add_whisker(s, point.y_interval, false, at);
}

void add_series(const Chart& chart, Scene& scene) { SeriesLayout(chart, scene).add_all(); }

QStringList unplaced(const Chart& chart) {
  QStringList sentences;
  for (const ChartSeries& series : chart.series) {
    if (series.form == SeriesForm::band || series.form == SeriesForm::step_band) continue;
    int n_not_finite = 0, n_not_positive = 0, n_outside = 0;
    for (const ChartPoint& point : series.points) {
      const ChartAxis linear;
      if (!can_place(linear, point.x) || !can_place(linear, point.y)) {
        ++n_not_finite;
      } else if (!can_place(chart.x, point.x) || !can_place(chart.y, point.y)) {
        ++n_not_positive;
      } else if (lies_outside(chart.x, point.x) || lies_outside(chart.y, point.y)) {
        ++n_outside;
      }
    }
    const auto say = [&](int n, const QString& why) {
      if (n == 0) return;
      const QString name = series.name.isEmpty() ? QString() : " of " + visible_text(series.name, 80);
      sentences << QString("%1 %2%3: %4").arg(n).arg(n == 1 ? "point" : "points", name, why);
    };
    say(n_not_finite, "not a finite number");
    say(n_not_positive, "zero or negative, which a logarithmic axis can't show");
    say(n_outside, "outside of the axes");
  }
  return sentences;
}

}  // namespace assay::gui

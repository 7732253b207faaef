// Where a chart's series lie: marks, whiskers, bars, lines, bands, and cells where there are too many marks.

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "gui/models/plain_text.h"
#include "gui/views/charts/scene_parts.h"

namespace assay::gui {

namespace {

constexpr double kFarOutside = 1e4;         // pixels: lines that leave the plot are followed no further
constexpr double kShapeEvery = 90;          // pixels between the shapes that tell long lines apart
constexpr std::size_t kMostLineMarks = 60;  // a line with more points shows no mark a point
constexpr double kCellSize = 4;
constexpr double kThickestBar = 44;

// The part of a line that lies in `box`. Source: Liang and Barsky 1984, ACM TOG 3(1):1-22.
std::optional<QLineF> clipped(const QLineF& line, const QRectF& box) {
  double from = 0, to = 1;
  const double steps[] = {-line.dx(), line.dx(), -line.dy(), line.dy()};
  const double rooms[] = {line.x1() - box.left(), box.right() - line.x1(), line.y1() - box.top(),
                          box.bottom() - line.y1()};
  for (int side = 0; side < 4; ++side) {
    if (steps[side] == 0 && rooms[side] < 0) return std::nullopt;
    if (steps[side] < 0) from = std::max(from, rooms[side] / steps[side]);
    if (steps[side] > 0) to = std::min(to, rooms[side] / steps[side]);
  }
  if (from > to) return std::nullopt;
  return QLineF(from == 0 ? line.p1() : line.pointAt(from), to == 1 ? line.p2() : line.pointAt(to));
}

class SeriesLayout {
 public:
  SeriesLayout(const Chart& chart, Scene& scene) : chart_(chart), scene_(scene), spans_(bar_spans(chart)) {
    find_offsets();
    find_bar_groups();
  }

  void add_all() {
    std::size_t n_marks = 0;
    for (const ChartSeries& series : chart_.series) {
      if (series.form == SeriesForm::marks) n_marks += series.points.size();
    }
    if (n_marks >= kManyMarks) scene_.mark_radius = kSmallMarkRadius;
    for (std::size_t s = 0; s < chart_.series.size(); ++s) {
      switch (chart_.series[s].form) {
        case SeriesForm::marks:
          n_marks > kMostDrawnMarks ? add_cells(s) : add_marks(s);
          break;
        case SeriesForm::line:
        case SeriesForm::steps:
          add_line(s);
          break;
        case SeriesForm::band:
        case SeriesForm::step_band:
          add_band(s);
          break;
        case SeriesForm::bars:
          add_bars(s);
          break;
      }
    }
    sort_marks();
  }

 private:
  double far(double place) const { return std::clamp(place, -kFarOutside, kFarOutside + scene_.size.width()); }
  QPointF place(double x, double y) const { return {far(scene_.x.map.place(x)), far(scene_.y.map.place(y))}; }
  bool can_place_point(const ChartPoint& point) const {
    return can_place(chart_.x, point.x) && can_place(chart_.y, point.y);
  }
  bool is_inside(const QPointF& at) const {
    const QRectF& plot = scene_.plot;
    return at.x() >= plot.left() - 0.5 && at.x() <= plot.right() + 0.5 && at.y() >= plot.top() - 0.5 &&
           at.y() <= plot.bottom() + 0.5;
  }

  // Several series of marks at the same name of an axis lie beside each other, not on top.
  void find_offsets() {
    offsets_.assign(chart_.series.size(), QPointF());
    const bool on_x = !chart_.x.categories.isEmpty();
    if (!on_x && chart_.y.categories.isEmpty()) return;
    std::vector<std::size_t> series_of_marks;
    std::set<double> places;
    bool shares_places = false;
    for (std::size_t s = 0; s < chart_.series.size(); ++s) {
      if (chart_.series[s].form != SeriesForm::marks || chart_.series[s].points.empty()) continue;
      series_of_marks.push_back(s);
      std::set<double> own;
      for (const ChartPoint& point : chart_.series[s].points) own.insert(on_x ? point.x : point.y);
      for (const double each : own) shares_places |= !places.insert(each).second;
    }
    if (!shares_places) return;
    const AxisMap& map = on_x ? scene_.x.map : scene_.y.map;
    const auto n = static_cast<double>(series_of_marks.size());
    const double step = std::min(std::fabs(map.place(1) - map.place(0)) * 0.75 / n, 4 * kMarkRadius);
    for (std::size_t i = 0; i < series_of_marks.size(); ++i) {
      const double offset = (static_cast<double>(i) - (n - 1) / 2) * step;
      offsets_[series_of_marks[i]] = on_x ? QPointF(offset, 0) : QPointF(0, offset);
    }
  }

  // Bars at the same place stand side by side, unless they are stacked.
  void find_bar_groups() {
    const bool lies = has_lying_bars(chart_);
    std::set<double> places;
    groups_.assign(chart_.series.size(), 0);
    int n_series = 0;
    for (std::size_t s = 0; s < chart_.series.size(); ++s) {
      const ChartSeries& series = chart_.series[s];
      if (series.form != SeriesForm::bars) continue;
      if (!series.is_stacked || n_groups_ == 0) ++n_groups_;
      groups_[s] = n_groups_ - 1;
      ++n_series;
      for (const ChartPoint& point : series.points) {
        const double at = lies ? point.y : point.x;
        if (std::isfinite(at)) places.insert(at);
      }
    }
    scene_.draws_bars = n_series > 0;
    scene_.draws_glyphs = n_series > 1;
    const ChartAxis& axis = lies ? chart_.y : chart_.x;
    const AxisMap& map = lies ? scene_.y.map : scene_.x.map;
    const bool has_names = !axis.categories.isEmpty();
    double slot = has_names ? std::fabs(map.place(1) - map.place(0)) * 0.8 : std::fabs(map.to - map.from) * 0.2;
    for (auto it = places.begin(); !has_names && it != places.end() && std::next(it) != places.end(); ++it) {
      slot = std::min(slot, std::fabs(map.place(*std::next(it)) - map.place(*it)) - 1);
    }
    bar_width_ = std::max(1.0, slot / std::max(1, n_groups_));
    if (has_names) bar_width_ = std::min(bar_width_, kThickestBar);
  }

  // Adds the line of an interval of the mark that was added last, which grows by it.
  void add_whisker(std::size_t s, const std::optional<results::Interval>& interval, bool is_x, const QPointF& at) {
    if (!interval || std::isnan((*interval)[0]) || std::isnan((*interval)[1])) return;
    const AxisMap& map = is_x ? scene_.x.map : scene_.y.map;
    const auto [low, high] = std::minmax((*interval)[0], (*interval)[1]);
    if (high < map.range.low || low > map.range.high) return;
    SceneWhisker whisker;
    whisker.series = static_cast<int>(s);
    whisker.has_first_cap = low >= map.range.low;
    whisker.has_second_cap = high <= map.range.high;
    const double first = map.place(std::max(low, map.range.low));
    const double second = map.place(std::min(high, map.range.high));
    whisker.line = is_x ? QLineF(first, at.y(), second, at.y()) : QLineF(at.x(), first, at.x(), second);
    scene_.whiskers.push_back(whisker);
    QRectF& extent = scene_.marks.back().extent;
    extent = extent.united(QRectF(whisker.line.p1(), whisker.line.p2()).normalized().adjusted(-1, -1, 1, 1));
  }

  void add_mark(std::size_t s, std::size_t p, const QPointF& at) {
    const ChartPoint& point = chart_.series[s].points[p];
    const double half = scene_.mark_radius + 1;
    const QRectF box(at.x() - half, at.y() - half, 2 * half, 2 * half);
    scene_.marks.push_back({MarkKind::shape, scene_.looks[s].shape, point.is_hollow, static_cast<int>(s),
                            static_cast<int>(p), 1, at, box, box});
    add_whisker(s, point.x_interval, true, at);
    add_whisker(s, point.y_interval, false, at);
  }

  void add_marks(std::size_t s) {
    const std::vector<ChartPoint>& points = chart_.series[s].points;
    for (std::size_t p = 0; p < points.size(); ++p) {
      if (!can_place_point(points[p])) continue;
      const QPointF at = place(points[p].x, points[p].y);
      if (is_inside(at)) add_mark(s, p, at + offsets_[s]);
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
      if (!can_place_point(points[p])) continue;
      const QPointF at = place(points[p].x, points[p].y) + offsets_[s];
      if (!is_inside(at)) continue;
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

  struct Vertex {
    QPointF at;
    std::size_t point = 0;
  };

  // Of neighbours in one column of pixels only the first, the lowest, the highest and the last are drawn: the line
  // looks the same.
  static std::vector<Vertex> thinned(const std::vector<Vertex>& vertices) {
    std::vector<Vertex> kept;
    for (std::size_t begin = 0; begin < vertices.size();) {
      const double column = std::floor(vertices[begin].at.x());
      std::size_t end = begin + 1, low = begin, high = begin;
      for (; end < vertices.size() && std::floor(vertices[end].at.x()) == column; ++end) {
        if (vertices[end].at.y() < vertices[low].at.y()) low = end;
        if (vertices[end].at.y() > vertices[high].at.y()) high = end;
      }
      for (const std::size_t each : std::set<std::size_t>{begin, low, high, end - 1}) kept.push_back(vertices[each]);
      begin = end;
    }
    return kept;
  }

  // Adds a line cut to the plot: files know no clipping.
  void add_clipped(std::size_t s, const QPolygonF& points) {
    QPolygonF part;
    const auto finish = [&] {
      if (part.size() > 1) scene_.lines.push_back({part, static_cast<int>(s)});
      part.clear();
    };
    for (qsizetype i = 0; i + 1 < points.size(); ++i) {
      const std::optional<QLineF> inside =
          clipped(QLineF(points[i], points[i + 1]), scene_.plot.adjusted(-1, -1, 1, 1));
      if (!inside) {
        finish();
        continue;
      }
      if (part.isEmpty() || part.last() != inside->p1()) {
        finish();
        part << inside->p1();
      }
      part << inside->p2();
      if (inside->p2() != points[i + 1]) finish();
    }
    finish();
  }

  static QPolygonF as_steps(const QPolygonF& points) {
    QPolygonF steps;
    for (qsizetype i = 0; i < points.size(); ++i) {
      if (i > 0) steps << QPointF(points[i].x(), points[i - 1].y());
      steps << points[i];
    }
    return steps;
  }

  void add_line(std::size_t s) {
    const ChartSeries& series = chart_.series[s];
    std::vector<std::vector<Vertex>> stretches(1);  // a point that can't be placed leaves a gap
    std::size_t n_placed = 0;
    for (std::size_t p = 0; p < series.points.size(); ++p) {
      if (can_place_point(series.points[p])) {
        stretches.back().push_back({place(series.points[p].x, series.points[p].y), p});
        ++n_placed;
      } else if (!stretches.back().empty()) {
        stretches.emplace_back();
      }
    }
    const bool has_marks = n_placed <= kMostLineMarks && scene_.plot.width() / static_cast<double>(n_placed) >= 10;
    double next_shape = scene_.plot.left() + 20 + std::fmod(static_cast<double>(s) * 31, kShapeEvery);
    for (const std::vector<Vertex>& stretch : stretches) {
      const std::vector<Vertex> kept = has_marks ? stretch : thinned(stretch);
      QPolygonF points;
      for (const Vertex& vertex : kept) points << vertex.at;
      if (points.size() > 1) {
        add_clipped(s, series.form == SeriesForm::steps ? as_steps(points) : points);
      }
      for (const Vertex& vertex : kept) {
        if (!is_inside(vertex.at)) continue;
        if (has_marks || points.size() == 1) {
          add_mark(s, vertex.point, vertex.at);
          continue;
        }
        Shape shape = Shape::none;
        if (vertex.at.x() >= next_shape) {
          shape = scene_.looks[s].shape;
          next_shape = vertex.at.x() + kShapeEvery;
        }
        const QRectF box(vertex.at.x() - 2, vertex.at.y() - 2, 4, 4);
        scene_.marks.push_back({MarkKind::vertex, shape, series.points[vertex.point].is_hollow, static_cast<int>(s),
                                static_cast<int>(vertex.point), 1, vertex.at, box, box});
      }
    }
  }

  void add_band(std::size_t s) {
    const ChartSeries& series = chart_.series[s];
    const AxisRange& range = scene_.y.map.range;
    QPolygonF highs, lows;
    const auto finish = [&] {
      if (series.form == SeriesForm::step_band) {
        highs = as_steps(highs);
        lows = as_steps(lows);
      }
      std::reverse(lows.begin(), lows.end());
      if (highs.size() > 1) add_area(s, highs + lows);
      highs.clear();
      lows.clear();
    };
    for (const ChartPoint& point : series.points) {
      const bool has_ends =
          point.y_interval && !std::isnan((*point.y_interval)[0]) && !std::isnan((*point.y_interval)[1]);
      if (!has_ends || !can_place(chart_.x, point.x)) {
        finish();
        continue;
      }
      const auto [low, high] = std::minmax((*point.y_interval)[0], (*point.y_interval)[1]);
      const QPointF high_at = place(point.x, std::clamp(high, range.low, range.high));
      const QPointF low_at = place(point.x, std::clamp(low, range.low, range.high));
      if (!highs.isEmpty() && highs.size() > 1 && std::floor(highs.last().x()) == std::floor(high_at.x())) {
        highs.last().setY(std::min(highs.last().y(), high_at.y()));  // one column of pixels: its widest stretch
        lows.last().setY(std::max(lows.last().y(), low_at.y()));
      } else {
        highs << high_at;
        lows << low_at;
      }
    }
    finish();
  }

  void add_area(std::size_t s, const QPolygonF& outline) {
    const bool leaves = !scene_.plot.adjusted(-1, -1, 1, 1).contains(outline.boundingRect());
    const QPolygonF inside = leaves ? outline.intersected(QPolygonF(scene_.plot)) : outline;
    if (inside.size() > 2) scene_.areas.push_back({inside, static_cast<int>(s)});
  }

  void add_bars(std::size_t s) {
    const bool lies = has_lying_bars(chart_);
    const ChartSeries& series = chart_.series[s];
    const AxisMap& values = lies ? scene_.x.map : scene_.y.map;
    const AxisMap& places = lies ? scene_.y.map : scene_.x.map;
    const double offset = (groups_[s] - (n_groups_ - 1) / 2.0) * bar_width_;
    for (std::size_t p = 0; p < series.points.size(); ++p) {
      const ChartPoint& point = series.points[p];
      const AxisRange& span = spans_[s][p];
      const double at = lies ? point.y : point.x;
      if (std::isnan(span.high) || !can_place(lies ? chart_.y : chart_.x, at)) continue;
      const double middle = places.place(at) + offset;
      if (middle < std::min(places.from, places.to) - 1 || middle > std::max(places.from, places.to) + 1) continue;
      const double from = values.place(std::clamp(span.low, values.range.low, values.range.high));
      const double to = values.place(std::clamp(span.high, values.range.low, values.range.high));
      const double begin = std::min(from, to), length = std::fabs(to - from), side = middle - bar_width_ / 2;
      const double thickness = std::max(1.0, bar_width_ - (n_groups_ > 1 ? 1 : 0));
      const QRectF box = lies ? QRectF(begin, side, length, thickness) : QRectF(side, begin, thickness, length);
      const QPointF end = lies ? QPointF(to, box.center().y()) : QPointF(box.center().x(), to);
      scene_.marks.push_back({MarkKind::bar, scene_.looks[s].shape, point.is_hollow, static_cast<int>(s),
                              static_cast<int>(p), 1, end, box, box});
      add_whisker(s, lies ? point.x_interval : point.y_interval, lies, end);
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
  std::vector<std::vector<AxisRange>> spans_;
  std::vector<QPointF> offsets_;  // of marks, by series
  std::vector<int> groups_;       // of bars, by series
  int n_groups_ = 0;
  double bar_width_ = 1;
};

bool lies_outside(const ChartAxis& axis, double value) {
  return (axis.low && value < *axis.low) || (axis.high && value > *axis.high);
}

}  // namespace

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

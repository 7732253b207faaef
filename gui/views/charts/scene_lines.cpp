// Lines and bands: thinned to what can be seen, and cut at the plot's edge.

#include <algorithm>
#include <cmath>
#include <set>

#include "gui/views/charts/scene_parts.h"

namespace assay::gui {

namespace {

constexpr double kShapeEvery = 90;          // pixels between the shapes that tell long lines apart
constexpr std::size_t kMostLineMarks = 60;  // a line with more points shows no mark a point

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

struct Vertex {
  QPointF at;
  std::size_t point = 0;
};

// Of neighbours in one column of pixels only the first, the lowest, the highest and the last are drawn: the line
// looks the same.
std::vector<Vertex> thinned(const std::vector<Vertex>& vertices) {
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
void add_clipped(const SeriesFrame& frame, std::size_t s, const QPolygonF& points) {
  QPolygonF part;
  const auto finish = [&] {
    if (part.size() > 1) frame.scene.lines.push_back({part, static_cast<int>(s)});
    part.clear();
  };
  for (qsizetype i = 0; i + 1 < points.size(); ++i) {
    const std::optional<QLineF> inside =
        clipped(QLineF(points[i], points[i + 1]), frame.scene.plot.adjusted(-1, -1, 1, 1));
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

QPolygonF as_steps(const QPolygonF& points) {
  QPolygonF steps;
  for (qsizetype i = 0; i < points.size(); ++i) {
    if (i > 0) steps << QPointF(points[i].x(), points[i - 1].y());
    steps << points[i];
  }
  return steps;
}

void add_area(const SeriesFrame& frame, std::size_t s, const QPolygonF& outline) {
  const bool leaves = !frame.scene.plot.adjusted(-1, -1, 1, 1).contains(outline.boundingRect());
  const QPolygonF inside = leaves ? outline.intersected(QPolygonF(frame.scene.plot)) : outline;
  if (inside.size() > 2) frame.scene.areas.push_back({inside, static_cast<int>(s)});
}

}  // namespace

void add_line(const SeriesFrame& frame, std::size_t s) {
  const ChartSeries& series = frame.chart.series[s];
  std::vector<std::vector<Vertex>> stretches(1);  // a point that can't be placed leaves a gap
  std::size_t n_placed = 0;
  for (std::size_t p = 0; p < series.points.size(); ++p) {
    if (frame.can_place_point(series.points[p])) {
      stretches.back().push_back({frame.place(series.points[p].x, series.points[p].y), p});
      ++n_placed;
    } else if (!stretches.back().empty()) {
      stretches.emplace_back();
    }
  }
  const bool has_marks = n_placed <= kMostLineMarks && frame.scene.plot.width() / static_cast<double>(n_placed) >= 10;
  double next_shape = frame.scene.plot.left() + 20 + std::fmod(static_cast<double>(s) * 31, kShapeEvery);
  for (const std::vector<Vertex>& stretch : stretches) {
    const std::vector<Vertex> kept = has_marks ? stretch : thinned(stretch);
    QPolygonF points;
    for (const Vertex& vertex : kept) points << vertex.at;
    if (points.size() > 1) {
      add_clipped(frame, s, series.form == SeriesForm::steps ? as_steps(points) : points);
    }
    for (const Vertex& vertex : kept) {
      if (!frame.is_inside(vertex.at) || !series.has_marks) continue;
      if (has_marks || points.size() == 1) {
        frame.add_mark(s, vertex.point, vertex.at);
        continue;
      }
      Shape shape = Shape::none;
      if (vertex.at.x() >= next_shape) {
        shape = frame.scene.looks[s].shape;
        next_shape = vertex.at.x() + kShapeEvery;
      }
      const QRectF box(vertex.at.x() - 2, vertex.at.y() - 2, 4, 4);
      frame.scene.marks.push_back({MarkKind::vertex, shape, series.points[vertex.point].is_hollow, static_cast<int>(s),
                                   static_cast<int>(vertex.point), 1, vertex.at, box, box});
    }
  }
}

void add_band(const SeriesFrame& frame, std::size_t s) {
  const ChartSeries& series = frame.chart.series[s];
  const AxisRange& range = frame.scene.y.map.range;
  QPolygonF highs, lows;
  const auto finish = [&] {
    if (series.form == SeriesForm::step_band) {
      highs = as_steps(highs);
      lows = as_steps(lows);
    }
    std::reverse(lows.begin(), lows.end());
    if (highs.size() > 1) add_area(frame, s, highs + lows);
    highs.clear();
    lows.clear();
  };
  for (const ChartPoint& point : series.points) {
    const bool has_ends =
        point.y_interval && !std::isnan((*point.y_interval)[0]) && !std::isnan((*point.y_interval)[1]);
    if (!has_ends || !can_place(frame.chart.x, point.x)) {
      finish();
      continue;
    }
    const auto [low, high] = std::minmax((*point.y_interval)[0], (*point.y_interval)[1]);
    const QPointF high_at = frame.place(point.x, std::clamp(high, range.low, range.high));
    const QPointF low_at = frame.place(point.x, std::clamp(low, range.low, range.high));
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

}  // namespace assay::gui

#include "gui/views/charts/paint.h"

#include <QPaintEngine>
#include <QPainterPath>
#include <QPixmap>
#include <algorithm>
#include <cmath>
#include <numbers>

namespace assay::gui {

namespace {

constexpr double kLineWidth = 1.75;
constexpr double kFillingLength = 6;  // a line this many times as long as the plot is wide and high fills it
constexpr qsizetype kLongLine = 100, kLinePiece = 8;  // points
constexpr double kGlyphRoom = 8;                      // from a bar's beginning to the middle of its shape
constexpr double kManyOpacity = 0.65;                 // of marks among many

QColor faded(QColor color, double alpha) {
  color.setAlphaF(static_cast<float>(alpha));
  return color;
}

bool is_raster(const QPainter& painter) {
  return painter.paintEngine() != nullptr && painter.paintEngine()->type() == QPaintEngine::Raster;
}

QPen line_pen(const SeriesLook& look, double width) {
  QPen pen(look.color, width, Qt::SolidLine, Qt::FlatCap, Qt::RoundJoin);
  if (look.is_dashed) pen.setDashPattern({4, 2.5});
  return pen;
}

QPolygonF star(double radius) {
  QPolygonF points;
  for (int i = 0; i < 10; ++i) {
    const double angle = std::numbers::pi * (i / 5.0 - 0.5);
    const double r = i % 2 == 0 ? radius * 1.25 : radius * 0.55;
    points << QPointF(r * std::cos(angle), r * std::sin(angle));
  }
  points << points.first();
  return points;
}

// A plus of bars as wide as `2 * half`, reaching `arm` from the middle.
QPolygonF plus(double arm, double half) {
  return QPolygonF({{-half, -arm},
                    {half, -arm},
                    {half, -half},
                    {arm, -half},
                    {arm, half},
                    {half, half},
                    {half, arm},
                    {-half, arm},
                    {-half, half},
                    {-arm, half},
                    {-arm, -half},
                    {-half, -half},
                    {-half, -arm}});
}

void paint_axes(QPainter& painter, const Scene& scene) {
  const QRectF& plot = scene.plot;
  painter.setRenderHint(QPainter::Antialiasing, false);
  for (const SceneTick& tick : scene.y.ticks) {
    painter.setPen(QPen(tick.is_minor ? faded(scene.theme.grid, 0.5) : scene.theme.grid, 1));
    painter.drawLine(QPointF(plot.left(), std::round(tick.place)), QPointF(plot.right(), std::round(tick.place)));
  }
  for (const SceneTick& tick : scene.x.ticks) {
    painter.setPen(QPen(tick.is_minor ? faded(scene.theme.grid, 0.5) : scene.theme.grid, 1));
    if (!scene.x.has_names) {
      painter.drawLine(QPointF(std::round(tick.place), plot.top()), QPointF(std::round(tick.place), plot.bottom()));
    }
  }
  painter.setPen(QPen(scene.theme.line, 1));
  painter.drawLine(QPointF(plot.left(), std::round(plot.bottom())), QPointF(plot.right(), std::round(plot.bottom())));
  painter.drawLine(QPointF(std::round(plot.left()), plot.top()), QPointF(std::round(plot.left()), plot.bottom()));
  for (const SceneTick& tick : scene.x.ticks) {
    const double x = std::round(tick.place);
    painter.drawLine(QPointF(x, plot.bottom()), QPointF(x, plot.bottom() + (tick.is_minor ? 2 : 4)));
  }
  painter.setRenderHint(QPainter::Antialiasing, true);
}

void paint_markers(QPainter& painter, const Scene& scene) {
  for (const SceneMarker& marker : scene.markers) {
    if (marker.is_stretch) painter.fillRect(marker.box, faded(scene.theme.undecided, 0.16));
    if (marker.is_stretch) continue;
    painter.setPen(QPen(scene.theme.muted_text, 1, Qt::DashLine));
    painter.drawLine(marker.box.topLeft(), marker.box.bottomRight());
  }
}

void paint_bar(QPainter& painter, const Scene& scene, const SceneMark& mark) {
  const SeriesLook& look = scene.looks[static_cast<std::size_t>(mark.series)];
  if (mark.is_hollow && mark.box.width() < 4) {
    painter.fillRect(mark.box, faded(look.color, 0.5));  // no room for a frame
  } else if (mark.is_hollow) {
    painter.setPen(QPen(look.color, 1.5));
    painter.setBrush(faded(look.color, 0.12));
    painter.drawRect(mark.box.adjusted(0.75, 0.75, -0.75, -0.75));
  } else {
    painter.fillRect(mark.box, look.color);
    painter.setPen(QPen(scene.theme.panel, 1));  // parts of a stack stay apart
    painter.setBrush(Qt::NoBrush);
    if (mark.box.height() > 3 && mark.box.width() > 3) painter.drawRect(mark.box);
  }
  if (!scene.draws_glyphs || mark.box.width() < 13 || mark.box.height() < 13) return;
  const QColor ink = mark.is_hollow ? look.color : scene.theme.panel;
  QPointF at = mark.box.center();
  if (scene.has_marks_on_bars) at.setX(mark.box.left() + kGlyphRoom);
  paint_shape(painter, at, mark.shape, 3.5, ink, false, scene.theme.panel);
}

// All marks of one series that look the same, as copies of one picture.
void paint_copies(QPainter& painter, const Scene& scene, const SeriesLook& look, bool is_hollow,
                  const std::vector<QPointF>& places) {
  const double scale = std::max(1.0, painter.deviceTransform().m11());
  const int side = static_cast<int>(std::ceil(2 * (kMarkRadius * 1.25 + 2) * scale)) | 1;
  QPixmap picture(side, side);
  picture.fill(Qt::transparent);
  {
    QPainter sprite(&picture);
    sprite.setRenderHint(QPainter::Antialiasing);
    sprite.translate(side / 2.0, side / 2.0);
    sprite.scale(scale, scale);
    if (scene.mark_radius < kMarkRadius) sprite.setOpacity(kManyOpacity);
    paint_shape(sprite, {0, 0}, look.shape, scene.mark_radius, look.color, is_hollow, scene.theme.panel);
  }
  std::vector<QPainter::PixmapFragment> fragments;
  fragments.reserve(places.size());
  for (const QPointF& at : places) {
    fragments.push_back(QPainter::PixmapFragment::create(at, QRectF(0, 0, side, side), 1 / scale, 1 / scale));
  }
  painter.drawPixmapFragments(fragments.data(), static_cast<int>(fragments.size()), picture);
}

void paint_marks(QPainter& painter, const Scene& scene) {
  const bool copies = scene.marks.size() >= kManyMarks && is_raster(painter);
  std::vector<std::vector<QPointF>> places(copies ? scene.looks.size() * 2 : 0);
  // Marks stand on bars.
  for (const SceneMark& mark : scene.marks) {
    if (mark.kind == MarkKind::bar) paint_bar(painter, scene, mark);
  }
  for (const SceneMark& mark : scene.marks) {
    const SeriesLook& look = scene.looks[static_cast<std::size_t>(mark.series)];
    if (mark.kind == MarkKind::bar) continue;
    if (mark.kind == MarkKind::cell) {
      const double share = std::log1p(mark.n_points) / std::log1p(std::max(1, scene.most_in_a_cell));
      painter.fillRect(mark.box, faded(look.color, 0.15 + 0.85 * share));
    } else if (mark.shape != Shape::none && copies) {
      places[static_cast<std::size_t>(mark.series) * 2 + (mark.is_hollow ? 1 : 0)].push_back(mark.at);
    } else if (mark.shape != Shape::none) {
      paint_shape(painter, mark.at, mark.shape, scene.mark_radius, look.color, mark.is_hollow, scene.theme.panel);
    }
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!places[i].empty()) paint_copies(painter, scene, scene.looks[i / 2], i % 2 == 1, places[i]);
  }
}

void paint_whiskers(QPainter& painter, const Scene& scene) {
  for (const SceneWhisker& whisker : scene.whiskers) {
    const SeriesLook& look = scene.looks[static_cast<std::size_t>(whisker.series)];
    const QColor color = look.form == SeriesForm::bars ? scene.theme.text : look.color;
    painter.setPen(QPen(color, 1.5, Qt::SolidLine, Qt::FlatCap));
    painter.drawLine(whisker.line);
    const bool lies = whisker.line.y1() == whisker.line.y2() && whisker.line.x1() != whisker.line.x2();
    const QPointF cap = lies ? QPointF(0, kCapLength) : QPointF(kCapLength, 0);
    if (whisker.has_first_cap) painter.drawLine(whisker.line.p1() - cap, whisker.line.p1() + cap);
    if (whisker.has_second_cap) painter.drawLine(whisker.line.p2() - cap, whisker.line.p2() + cap);
  }
}

double length_of(const QPolygonF& points) {
  double length = 0;
  for (qsizetype i = 0; i + 1 < points.size(); ++i) length += QLineF(points[i], points[i + 1]).length();
  return length;
}

// Qt's raster engine strokes a wide line as one area: the time grows with the square of what crosses itself, up to
// seconds for noise. So a long line is stroked in pieces, and one that fills the plot is as thin as the device draws.
void paint_line(QPainter& painter, const Scene& scene, const SceneLine& line) {
  const SeriesLook& look = scene.looks[static_cast<std::size_t>(line.series)];
  const bool fills_plot = length_of(line.points) > kFillingLength * (scene.plot.width() + scene.plot.height());
  if (fills_plot) {
    const double scale = is_raster(painter) ? std::max(1.0, painter.deviceTransform().m11()) : 1;
    painter.setPen(QPen(look.color, 1 / scale));
    painter.drawPolyline(line.points);
    return;
  }
  QPen pen = line_pen(look, kLineWidth);
  if (look.is_dashed || line.points.size() < kLongLine || !is_raster(painter)) {
    painter.setPen(pen);
    painter.drawPolyline(line.points);
    return;
  }
  pen.setCapStyle(Qt::RoundCap);
  painter.setPen(pen);
  for (qsizetype i = 0; i + 1 < line.points.size(); i += kLinePiece) {
    painter.drawPolyline(line.points.constData() + i,
                         static_cast<int>(std::min(kLinePiece + 1, line.points.size() - i)));
  }
}

void paint_lines(QPainter& painter, const Scene& scene) {
  painter.setPen(Qt::NoPen);
  for (const SceneArea& area : scene.areas) {
    painter.setBrush(faded(scene.looks[static_cast<std::size_t>(area.series)].color, 0.18));
    painter.drawPolygon(area.outline);
  }
  painter.setBrush(Qt::NoBrush);
  for (const SceneLine& line : scene.lines) {
    paint_line(painter, scene, line);
  }
}

void paint_legend(QPainter& painter, const Scene& scene) {
  for (const SceneLegendEntry& entry : scene.legend) {
    const QRectF& box = entry.sample;
    const QPointF middle = box.center();
    if (entry.series < 0) {
      paint_shape(painter, middle, Shape::circle, kMarkRadius, scene.theme.text, true, scene.theme.panel);
      continue;
    }
    const SeriesLook& look = scene.looks[static_cast<std::size_t>(entry.series)];
    const QRectF block(box.left() + 3, middle.y() - 6, box.width() - 6, 12);
    switch (look.form) {
      case SeriesForm::line:
      case SeriesForm::steps:
        painter.setPen(line_pen(look, kLineWidth));
        painter.drawLine(QPointF(box.left(), middle.y()), QPointF(box.right(), middle.y()));
        if (!look.has_marks) break;
        [[fallthrough]];
      case SeriesForm::marks:
        paint_shape(painter, middle, look.shape, kMarkRadius, look.color, false, scene.theme.panel);
        break;
      case SeriesForm::band:
      case SeriesForm::step_band:
        painter.fillRect(block, faded(look.color, 0.25));
        break;
      case SeriesForm::bars:
      case SeriesForm::spans:
        painter.fillRect(block, look.color);
        if (scene.draws_glyphs)
          paint_shape(painter, middle, look.shape, 3.5, scene.theme.panel, false, scene.theme.panel);
        break;
    }
  }
}

void paint_texts(QPainter& painter, const Scene& scene) {
  for (const SceneText& text : scene.texts) {
    // A name in the plot is read across the lines that it lies on.
    if (text.role == TextRole::label) painter.fillRect(text.box, faded(scene.theme.panel, 0.85));
    painter.setFont(font_of(scene, text.role));
    painter.setPen(text.color);
    const int flags = static_cast<int>(text.alignment) | Qt::TextSingleLine;
    if (text.is_upright) {
      painter.drawText(text.box, flags, text.text);
      continue;
    }
    painter.save();
    painter.translate(text.box.bottomLeft());
    painter.rotate(-90);
    painter.drawText(QRectF(0, 0, text.box.height(), text.box.width()), flags, text.text);
    painter.restore();
  }
}

}  // namespace

QPainterPath shape_path(Shape shape, double radius) {
  QPainterPath path;
  const double r = radius;
  switch (shape) {
    case Shape::circle:
      path.addEllipse(QPointF(0, 0), r, r);
      break;
    case Shape::square:
      path.addRect(-0.88 * r, -0.88 * r, 1.76 * r, 1.76 * r);
      break;
    case Shape::triangle:
      path.addPolygon(QPolygonF({{0, -1.15 * r}, {1.1 * r, 0.8 * r}, {-1.1 * r, 0.8 * r}, {0, -1.15 * r}}));
      break;
    case Shape::inverted_triangle:
      path.addPolygon(QPolygonF({{0, 1.15 * r}, {1.1 * r, -0.8 * r}, {-1.1 * r, -0.8 * r}, {0, 1.15 * r}}));
      break;
    case Shape::diamond:
      path.addPolygon(QPolygonF({{0, -1.25 * r}, {1.25 * r, 0}, {0, 1.25 * r}, {-1.25 * r, 0}, {0, -1.25 * r}}));
      break;
    case Shape::plus:
      path.addPolygon(plus(1.15 * r, 0.4 * r));
      break;
    case Shape::cross: {
      path.addPolygon(plus(1.2 * r, 0.4 * r));
      path = QTransform().rotate(45).map(path);
      break;
    }
    case Shape::star:
      path.addPolygon(star(r));
      break;
    case Shape::none:
      break;
  }
  return path;
}

void paint_shape(QPainter& painter, const QPointF& at, Shape shape, double radius, const QColor& color, bool is_hollow,
                 const QColor& background) {
  const QPainterPath path = shape_path(shape, is_hollow ? radius - 0.5 : radius).translated(at);
  // A filled mark has a thin rim in the background's colour: marks that overlap stay apart. Small ones have no room.
  if (is_hollow) {
    painter.setPen(QPen(color, 1.6));
  } else {
    painter.setPen(radius < kMarkRadius ? QPen(Qt::NoPen) : QPen(background, 0.8));
  }
  painter.setBrush(is_hollow ? background : color);
  painter.drawPath(path);
}

void paint(QPainter& painter, const Scene& scene) {
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.fillRect(QRectF({0, 0}, scene.size), scene.theme.panel);
  if (!scene.plot.isEmpty()) {
    paint_axes(painter, scene);
    paint_markers(painter, scene);
    paint_lines(painter, scene);
    if (scene.draws_bars) paint_marks(painter, scene);
    paint_whiskers(painter, scene);
    if (!scene.draws_bars) paint_marks(painter, scene);
    paint_legend(painter, scene);
  }
  paint_texts(painter, scene);
  painter.restore();
}

}  // namespace assay::gui

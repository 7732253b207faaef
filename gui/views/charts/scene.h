#pragma once
// A chart laid out: every line, mark and word with its place in pixels. Pure, so that tests look at geometry and not at
// pixels, and the screen, PNG, SVG and PDF all show the same.

#include <QFont>
#include <QLineF>
#include <QPolygonF>
#include <QRectF>
#include <vector>

#include "gui/views/charts/axis.h"
#include "gui/views/charts/chart.h"

namespace assay::gui {

enum class TextRole { title, heading, tick, label, legend, note, empty };

struct SceneText {
  QString text;  ///< one line, already cut to its box
  QRectF box;
  Qt::Alignment alignment = Qt::AlignLeft | Qt::AlignVCenter;
  TextRole role = TextRole::label;
  QColor color;
  bool is_upright = true;  ///< else it reads from bottom to top
};

struct SceneTick {
  double value = 0;
  double place = 0;  ///< x or y in pixels
  bool is_minor = false;
};

struct SceneAxis {
  AxisMap map;
  bool has_names = false;        ///< places of an axis of names, else numbers
  std::vector<SceneTick> ticks;  ///< those that are drawn: of very many names every second, third, …
};

enum class MarkKind {
  shape,   ///< a point's mark
  bar,     ///< a point's bar
  vertex,  ///< a point on a long line: found by the pointer and the keys; its shape is drawn only here and there
  cell,    ///< many points in one place: darker where there are more
};

/// What the pointer and the arrow keys find.
struct SceneMark {
  MarkKind kind = MarkKind::shape;
  Shape shape = Shape::none;
  bool is_hollow = false;
  int series = 0;
  int point = 0;     ///< of a cell: one of its points
  int n_points = 1;  ///< that a cell stands for
  QPointF at;
  QRectF box;
  QRectF extent;  ///< with its intervals
};

/// An interval's line; a cap closes each end that lies within the axes.
struct SceneWhisker {
  QLineF line;
  bool has_first_cap = true, has_second_cap = true;
  int series = 0;
};

struct SceneLine {
  QPolygonF points;
  int series = 0;
};

/// A band's outline.
struct SceneArea {
  QPolygonF outline;
  int series = 0;
};

struct SceneMarker {
  QRectF box;  ///< without width or height for a line
  bool is_vertical = false;
  bool is_stretch = false;
  int marker = 0;  ///< which of the chart's
};

struct SceneLegendEntry {
  int series = 0;  ///< -1: the entry that explains hollow marks
  QRectF sample;   ///< where the series' sign is drawn
};

/// How a series looks.
struct SeriesLook {
  QColor color;
  Shape shape = Shape::circle;
  SeriesForm form = SeriesForm::marks;
  bool is_dashed = false;
  bool has_marks = true;
};

/// Above this many marks a chart shows how many there are in each place instead.
inline constexpr std::size_t kMostDrawnMarks = 50'000;
/// From this many marks on they are smaller and let one another shine through.
inline constexpr std::size_t kManyMarks = 400;
/// The radius of a mark, and of one among many, and how long a whisker's cap is to each side, in pixels.
inline constexpr double kMarkRadius = 4.5;
inline constexpr double kSmallMarkRadius = 3;
inline constexpr double kCapLength = 3.5;

struct Scene {
  QSizeF size;
  Theme theme;
  QFont font;   ///< with a size in pixels, so that every device agrees
  QRectF plot;  ///< empty if there is nothing to draw or no room
  SceneAxis x, y;
  std::vector<SeriesLook> looks;  ///< of the chart's series
  std::vector<SceneLegendEntry> legend;
  std::vector<SceneMarker> markers;
  std::vector<SceneArea> areas;
  std::vector<SceneLine> lines;
  std::vector<SceneWhisker> whiskers;
  std::vector<SceneMark> marks;  ///< in reading order: from left to right, on an axis of names from top to bottom
  std::vector<SceneText> texts;
  QStringList missing;               ///< the chart's, and what its axes can't show
  int most_in_a_cell = 0;            ///< of cells: the largest n_points
  double mark_radius = kMarkRadius;  ///< smaller where there are many
  bool draws_bars = false;           ///< intervals lie on top of bars, but below marks
  bool draws_glyphs = false;         ///< bars of several series carry their series' shape
  bool has_marks_on_bars = false;    ///< so that the shape is at the beginning of a bar, not in its middle
};

/// Lays the chart out in `size` pixels. `font` is the widget's or the application's.
Scene layout(const Chart& chart, const QSizeF& size, const Theme& theme, const QFont& font);

/// The font of a kind of text in the scene.
QFont font_of(const Scene& scene, TextRole role);

}  // namespace assay::gui

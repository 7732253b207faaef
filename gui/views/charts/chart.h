#pragma once
// A chart as data. One description serves the screen, PNG, SVG, PDF, the table that is copied as CSV, and screen
// readers: axes' titles, tooltips and headers come from one place and can't disagree.

#include <QString>
#include <QStringList>
#include <optional>
#include <vector>

#include "gui/views/theme.h"
#include "results/analysis/intervals.h"

namespace assay::gui {

enum class AxisScale { linear, log };

/// An axis. Its range follows what is drawn, unless given.
struct ChartAxis {
  QString title{};  ///< "Output speed"
  QString unit{};   ///< "tokens/s"; empty for shares and counts
  AxisScale scale = AxisScale::linear;
  bool begins_at_zero = false;
  bool is_share = false;  ///< values 0 to 1 are shown as percent
  bool is_count = false;  ///< values are whole, and so are the ticks
  std::optional<double> low{}, high{};
  QStringList categories{};  ///< names of the places 0, 1, 2, … (from the top, on y); empty for an axis of numbers
};

/// A mark. What is not known is left out by whoever makes the chart: a missing value has no mark, see Chart::missing.
struct ChartPoint {
  double x = 0, y = 0;
  std::optional<results::Interval> x_interval{}, y_interval{};
  QString label{};         ///< written beside the mark, if there is room
  QString tooltip{};       ///< plain text, lines: value, interval, n, provenance, method
  QString key{};           ///< given back when the mark is chosen
  bool is_hollow = false;  ///< not measured here: emulated, projected, published or stated
};

enum class SeriesForm {
  marks,      ///< a shape a point, with its intervals
  line,       ///< joined by straight lines; marks too where there are few
  steps,      ///< joined by horizontal, then vertical lines: distribution functions
  band,       ///< the area between y_interval's ends
  step_band,  ///< the same with steps' edges: bands of distribution functions
  bars,       ///< from 0 (or the stack below) to y; where y has categories and x has none they lie, from 0 to x
  spans,      ///< a box from x_interval's first end to its last, in the row y: timelines. In order of time
};

struct ChartSeries {
  QString name{};
  SeriesForm form = SeriesForm::marks;
  int style = 0;                  ///< which of the theme's colours and shapes
  std::optional<QColor> color{};  ///< instead of the style's
  bool is_dashed = false;
  bool is_stacked = false;  ///< bars: on top of the series before
  bool has_marks = true;    ///< lines: whether its points are marks, too
  std::vector<ChartPoint> points{};
};

/// A line across the chart, or a shaded stretch of an axis.
struct ChartMarker {
  bool is_vertical = false;
  double from = 0;
  std::optional<double> to{};  ///< a stretch from `from` to `to`
  QString label{};
};

struct Chart {
  QString title{};
  ChartAxis x{}, y{};
  std::vector<ChartSeries> series{};
  std::vector<ChartMarker> markers{};
  QStringList missing{};  ///< what should be here and is not known, each with its reason: listed below the chart
  QString empty_text{};   ///< said where there is nothing to draw
  QString note{};         ///< method and provenance, below the chart
};

/// The chart's points as CSV (RFC 4180), a row a point: series, label, x, y with titles and units in the header,
/// intervals, whether it was measured; then a row for each missing one. Numbers are whole, as stored (shares from 0 to
/// 1). Cells that a spreadsheet would take for a formula are written as text.
QString chart_csv(const Chart& chart);

/// "Output speed (tokens/s)"
QString axis_heading(const ChartAxis& axis);
/// A value with the axis' unit: "12.3 tokens/s", "45.2%", a category's name.
QString axis_value(const ChartAxis& axis, double value);
/// What is said about a point: its tooltip, or one made of its series, label, values and intervals. Plain text.
QString point_tooltip(const Chart& chart, const ChartSeries& series, const ChartPoint& point);

}  // namespace assay::gui

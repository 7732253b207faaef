#pragma once
// The stages of layout(): each adds its part to the scene. Used by scene*.cpp alone.

#include <QFontMetricsF>

#include "gui/views/charts/scene.h"

namespace assay::gui {

/// Areas, lines, bars, marks and whiskers; what can't be placed joins scene.missing. Needs the axes' maps.
void add_series(const Chart& chart, Scene& scene);
/// The names beside marks and markers, where there is room: no two overlap, none covers a mark.
void add_labels(const Chart& chart, Scene& scene);
/// What can't be drawn and why, one sentence for each series and reason.
QStringList unplaced(const Chart& chart);

/// A chart and its scene while series are added: where points lie, and the marks that all forms share.
struct SeriesFrame {
  const Chart& chart;
  Scene& scene;

  QPointF place(double x, double y) const;
  bool can_place_point(const ChartPoint& point) const;
  bool is_inside(const QPointF& at) const;
  /// A shape at `at`, with the lines of the point's intervals.
  void add_mark(std::size_t series, std::size_t point, const QPointF& at) const;
  /// The line of an interval of the mark that was added last, which grows by it.
  void add_whisker(std::size_t series, const std::optional<results::Interval>& interval, bool is_x,
                   const QPointF& at) const;
};

/// A series of the forms line and steps, and of band and step_band.
void add_line(const SeriesFrame& frame, std::size_t series);
void add_band(const SeriesFrame& frame, std::size_t series);

/// Bars that begin at 0 or on one another, and spans that begin where they say.
class BarLayout {
 public:
  explicit BarLayout(const SeriesFrame& frame);
  void add_bars(std::size_t series);
  void add_spans(std::size_t series);
  /// How many bars stand side by side at a place, and how far apart.
  int n_groups() const { return n_groups_; }
  double bar_width() const { return bar_width_; }

 private:
  void find_groups();
  void find_row_height();

  SeriesFrame frame_;
  std::vector<std::vector<AxisRange>> stacks_;
  std::vector<int> groups_;  // by series
  int n_groups_ = 0;
  double bar_width_ = 1;
  double row_height_ = 1;  // of spans
};

}  // namespace assay::gui

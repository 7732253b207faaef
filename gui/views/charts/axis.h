#pragma once
// Axes: from values to places, and where ticks stand.

#include <optional>
#include <vector>

#include "gui/views/charts/chart.h"

namespace assay::gui {

/// True for what an axis can place: finite, at most 1e300 in magnitude and, on a logarithmic axis, above 0.
bool can_place(const ChartAxis& axis, double value);

/// The values that an axis spans.
struct AxisRange {
  double low = 0, high = 1;
};

/// The smallest range around all that is drawn: points, ends of intervals, bars from 0. Nothing if there is no point.
/// `is_x` picks the axis.
std::optional<AxisRange> data_range(const Chart& chart, bool is_x);
/// The range that the axis shows: `data` (of data_range) with some room, or what the axis asks for.
AxisRange shown_range(const Chart& chart, bool is_x, const std::optional<AxisRange>& data);

/// Maps values to pixels: `low` lies at `from`, `high` at `to`.
struct AxisMap {
  AxisScale scale = AxisScale::linear;
  AxisRange range;
  double from = 0, to = 1;

  double place(double value) const;
  double value(double place) const;
};

struct AxisTick {
  double value = 0;
  QString text;           ///< empty for minor ticks
  bool is_minor = false;  ///< between decades of a logarithmic axis
};

/// At most about `most` labelled ticks at round values within the range; all categories of an axis of names.
std::vector<AxisTick> ticks_of(const ChartAxis& axis, const AxisRange& range, int most);

/// True if the chart's bars lie (y has names, x has values).
bool has_lying_bars(const Chart& chart);
/// Where a stacked bar begins and ends: [series][point], {from, to}. Bars that don't stack begin at 0; positive and
/// negative values stack apart. What can't be placed is {NaN, NaN}.
std::vector<std::vector<AxisRange>> bar_spans(const Chart& chart);

}  // namespace assay::gui

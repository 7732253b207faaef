#include "gui/views/frontier.h"

namespace assay::gui {

void add_frontier(const std::vector<results::TradeOff>& points, results::Better x, Chart& chart) {
  const std::vector<std::size_t> front = results::pareto_front(points, x);
  if (front.size() < 2) return;
  constexpr int kFrontierStyle = 6;
  ChartSeries line;
  line.name = "not beaten by another";
  line.form = SeriesForm::line;
  line.style = kFrontierStyle;
  line.is_dashed = true;
  line.has_marks = false;
  for (const std::size_t i : front) line.points.push_back({points[i].x, points[i].y});
  chart.series.insert(chart.series.begin(), std::move(line));
}

}  // namespace assay::gui

#include "gui/views/charts/chart_grid.h"

#include <QGridLayout>
#include <algorithm>

#include "gui/views/charts/axis.h"
#include "gui/views/charts/chart_view.h"

namespace assay::gui {

namespace {

void share_axis(std::vector<Chart>& charts, bool is_x) {
  std::optional<AxisRange> all;
  for (const Chart& chart : charts) {
    const ChartAxis& axis = is_x ? chart.x : chart.y;
    const std::optional<AxisRange> data = data_range(chart, is_x);
    if (!axis.categories.isEmpty() || !data) continue;
    const AxisRange range = shown_range(chart, is_x, data);
    all = all ? AxisRange{std::min(all->low, range.low), std::max(all->high, range.high)} : range;
  }
  if (!all) return;
  for (Chart& chart : charts) {
    ChartAxis& axis = is_x ? chart.x : chart.y;
    if (!axis.categories.isEmpty()) continue;
    if (!axis.low) axis.low = all->low;
    if (!axis.high) axis.high = all->high;
  }
}

}  // namespace

std::vector<Chart> with_shared_axes(std::vector<Chart> charts, SharedAxes shared) {
  if (shared == SharedAxes::x || shared == SharedAxes::both) share_axis(charts, true);
  if (shared == SharedAxes::y || shared == SharedAxes::both) share_axis(charts, false);
  return charts;
}

ChartGrid::ChartGrid(QWidget* parent) : QWidget(parent), grid_(new QGridLayout(this)) {
  grid_->setContentsMargins(0, 0, 0, 0);
  grid_->setSpacing(8);
}

void ChartGrid::set_charts(std::vector<Chart> charts, SharedAxes shared) {
  charts = with_shared_axes(std::move(charts), shared);
  while (views_.size() > charts.size()) {
    delete views_.back();
    views_.pop_back();
  }
  while (views_.size() < charts.size()) {
    auto* view = new ChartView(this);
    connect(view, &ChartView::chosen, this, &ChartGrid::chosen);
    views_.push_back(view);
  }
  for (std::size_t i = 0; i < charts.size(); ++i) views_[i]->set_chart(std::move(charts[i]));
  n_columns_ = 0;
  arrange();
}

void ChartGrid::set_least_size(const QSize& least_size) {
  least_size_ = least_size;
  n_columns_ = 0;
  arrange();
}

void ChartGrid::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  arrange();
}

void ChartGrid::arrange() {
  const int n = static_cast<int>(views_.size());
  const int fitting = (width() + grid_->spacing()) / (least_size_.width() + grid_->spacing());
  const int n_columns = std::clamp(fitting, 1, std::max(1, n));
  if (n_columns == n_columns_) return;
  for (int column = 0; column < grid_->columnCount(); ++column) grid_->setColumnStretch(column, 0);
  for (int i = 0; i < n; ++i) {
    ChartView* view = views_[static_cast<std::size_t>(i)];
    view->set_height(least_size_.height());
    grid_->addWidget(view, i / n_columns, i % n_columns, Qt::AlignTop);
    grid_->setColumnStretch(i % n_columns, 1);
    if (i > 0) setTabOrder(views_[static_cast<std::size_t>(i - 1)], view);
    view->show();
  }
  n_columns_ = n_columns;
}

}  // namespace assay::gui

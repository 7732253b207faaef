#include "gui/views/charts/chart_view.h"

#include <QPainter>

#include "gui/views/charts/paint.h"

namespace assay::gui {

struct ChartView::State {
  Chart chart;
};

ChartView::ChartView(QWidget* parent) : QWidget(parent), state_(std::make_unique<State>()) { setMinimumSize(160, 120); }

ChartView::~ChartView() = default;

void ChartView::set_chart(Chart chart) {
  state_->chart = std::move(chart);
  update();
}

const Chart& ChartView::chart() const { return state_->chart; }

void ChartView::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  paint(painter, gui::layout(state_->chart, size(), theme_of(palette()), font()));
}

}  // namespace assay::gui

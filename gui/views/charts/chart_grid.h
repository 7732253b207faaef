#pragma once
// Small multiples: charts of the same kind beside each other, with the same axes.

#include <QWidget>
#include <vector>

#include "gui/views/charts/chart.h"

class QGridLayout;

namespace assay::gui {

class ChartView;

/// Which axes of small multiples are the same, so that places can be compared.
enum class SharedAxes { none, x, y, both };

/// Gives axes of numbers the range that all charts need together. Axes of names and ranges that were asked for stay.
std::vector<Chart> with_shared_axes(std::vector<Chart> charts, SharedAxes shared);

/// As many charts in a row as have at least the least width; as high as all rows. Tab goes from chart to chart.
class ChartGrid : public QWidget {
  Q_OBJECT

 public:
  explicit ChartGrid(QWidget* parent = nullptr);

  void set_charts(std::vector<Chart> charts, SharedAxes shared = SharedAxes::both);
  void set_least_size(const QSize& least_size);
  const std::vector<ChartView*>& views() const { return views_; }
  int n_columns() const { return n_columns_; }

 signals:
  void chosen(const QString& key);  ///< a mark of one of the charts

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void arrange();

  QGridLayout* grid_;
  std::vector<ChartView*> views_;  // owned by the widget
  QSize least_size_{300, 240};
  int n_columns_ = 0;
};

}  // namespace assay::gui

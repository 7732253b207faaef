#pragma once
// A chart in a window.

#include <QWidget>
#include <memory>

#include "gui/views/charts/chart.h"

namespace assay::gui {

/// Shows one Chart: hover and arrow keys go from mark to mark and show its tooltip, Enter or a click chooses it; a menu
/// copies the data as CSV and saves PNG, SVG, PDF. Screen readers find a child per mark.
class ChartView : public QWidget {
  Q_OBJECT

 public:
  explicit ChartView(QWidget* parent = nullptr);
  ~ChartView() override;

  void set_chart(Chart chart);
  const Chart& chart() const;

 signals:
  void chosen(const QString& key);  ///< a mark with a key

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay::gui

#pragma once
// The page of hardware: published profiles side by side, and runs of one suite on different devices.

#include <QComboBox>
#include <QGridLayout>

#include "gui/models/hardware.h"
#include "gui/views/panel.h"
#include "gui/views/reading_page.h"

namespace assay::gui {

class HardwarePage : public ReadingPage {
  Q_OBJECT

 public:
  HardwarePage(const PageContext& context, QWidget* parent);
  void refresh() override;
  QString as_csv() const override;
  QString as_sql() const override;

 private:
  void show_profiles();
  void show_answer(HardwareAnswer answer);
  void show_benchmarks();
  void choose_profile();

  std::vector<results::HardwareProfile> profiles_;
  QStringList profiles_shown_;
  HardwareAnswer answer_;
  std::vector<QComboBox*> names_;
  Panel *profiles_panel_, *runs_panel_, *bench_panel_, *measurements_panel_;
  ChartView* sweep_;
  DataTable *values_, *sources_, *runs_, *bench_steps_, *measurements_;
  QWidget* suite_row_;  // hidden where there is no suite to choose
  QComboBox* suite_;
  std::vector<ChartView*> charts_;
};

}  // namespace assay::gui

#pragma once
// The page of speed: how fast the chosen runs answered, what their devices did, and kernels beside ceilings.

#include <QComboBox>
#include <QPushButton>

#include "gui/models/bench_sweeps.h"
#include "gui/models/speed.h"
#include "gui/views/panel.h"
#include "gui/views/reading_page.h"

namespace assay::gui {

class ChartGrid;
class PassPanel;

class SpeedPage : public ReadingPage {
  Q_OBJECT

 public:
  SpeedPage(const PageContext& context, QWidget* parent);
  void refresh() override;
  QString as_csv() const override;
  QString as_sql() const override;

 private:
  void make_panels();
  void make_one_run_panel();
  void make_bench_panel();
  void make_pass_panel();
  void make_kernels_panel();
  void show_answer(SpeedAnswer answer);
  void show_one_run();
  void show_benchmarks();
  void show_passes();
  std::vector<BenchedRun> benched_runs() const;
  void show_kernels();
  const SpeedRun* run_looked_at() const;
  void turn_page(int by);
  QString view_settings() const;

  SpeedAnswer answer_;
  QString shown_;  ///< the settings that the charts were made with
  std::vector<results::HardwareProfile> profiles_;
  QComboBox *metric_, *run_, *profile_;
  ChartView *latency_, *throughput_, *trade_off_, *rate_, *power_, *clock_, *temperature_, *timeline_, *roofline_,
      *sweep_, *first_token_, *cost_curve_;
  DataTable *percentiles_, *device_time_, *kernels_, *token_rates_, *ceilings_, *bench_steps_;
  PassPanel* pass_panel_;
  QLabel* collectives_title_;
  ChartGrid* collectives_;  ///< a chart an operation
  Panel *latency_panel_, *rates_panel_, *one_run_, *kernels_panel_, *bench_panel_;
  QPushButton *earlier_, *later_;
};

}  // namespace assay::gui

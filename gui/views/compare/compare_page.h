#pragma once
// The page of comparisons: chosen runs against the baseline.

#include <QCheckBox>
#include <QComboBox>
#include <QGridLayout>

#include "gui/models/comparison.h"
#include "gui/views/panel.h"
#include "gui/views/reading_page.h"

namespace assay::gui {

class ComparePage : public ReadingPage {
  Q_OBJECT

 public:
  ComparePage(const PageContext& context, QWidget* parent);
  void refresh() override;
  QString as_csv() const override;
  QString as_sql() const override;

 private:
  void show_answer(ComparisonAnswer answer);
  void show_obstacles();
  void show_gates();
  void show_accuracies();
  void show_flips();
  void choose_policy();

  ComparisonAnswer answer_;
  QString flips_shown_;  ///< the settings that the table of flips was made with
  Panel* obstacles_panel_;
  QLabel* obstacles_;
  QCheckBox* force_;
  Panel* gate_panel_;
  QVBoxLayout* gates_;
  QLabel* policy_;
  QPushButton* default_policy_;
  Panel* accuracy_panel_;
  QGridLayout* accuracies_;
  Panel* difference_panel_;
  ChartView* difference_;
  DataTable* paired_;
  Panel* flips_panel_;
  QComboBox *flips_which_, *flips_suite_;
  DataTable* flips_;
  Panel* lengths_panel_;
  DataTable* lengths_;
  Panel* speed_panel_;
  DataTable *latency_, *run_figures_;
  Panel* environment_panel_;
  DataTable* environment_;
};

}  // namespace assay::gui

#pragma once
// The page of costs: what chosen runs cost in dollars and joules, what others would have asked, and what if.

#include <QComboBox>
#include <QLineEdit>

#include "gui/models/cost.h"
#include "gui/views/cost/what_if_form.h"
#include "gui/views/panel.h"
#include "gui/views/reading_page.h"

namespace assay::gui {

class CostPage : public ReadingPage {
  Q_OBJECT

 public:
  CostPage(const PageContext& context, QWidget* parent);
  void refresh() override;
  QString as_csv() const override;
  QString as_sql() const override;

 private:
  void make_controls();
  void make_panels();
  void show_answer(CostAnswer answer);
  void show_energy();
  void show_scenarios();

  CostAnswer answer_;
  QString shown_;  ///< the settings that the scenarios were drawn with
  QLineEdit *price_, *utilisation_;
  QComboBox* hardware_;
  Panel* refusal_;
  ChartView *parts_, *frontier_, *break_even_;
  Panel* energy_panel_;
  DataTable *costs_, *energy_, *hosted_, *brain_, *rebounds_;
  Panel *hosted_panel_, *own_panel_, *rebound_panel_;
  QComboBox* endpoint_;
  WhatIfForm* form_;
};

}  // namespace assay::gui

#include "gui/app/plan_view.h"

#include "gui/models/plain_text.h"

namespace assay::gui {

PlanView::PlanView(QWidget* parent) : QWidget(parent) {
  size_ = make_text({}, this);
  figures_ = new DataTable(this);
  notes_ = make_text({}, this, true);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(6);
  for (QWidget* part : std::initializer_list<QWidget*>{size_, figures_, notes_}) layout->addWidget(part);
  figures_->hide();
}

void PlanView::show_plan(const RunPlan& plan) {
  size_->setText(plan_size_text(plan));
  figures_->set_table(plan_table(plan));
  figures_->show();
  notes_->setText(visible_text((plan.memory + plan.basis + plan.unknown).join('\n'), 2000, true));
}

void PlanView::show_message(const QString& text) {
  size_->setText(visible_text(text, 1000, true));
  figures_->hide();
  notes_->clear();
}

QString PlanView::text() const {
  QStringList lines = {size_->text()};
  for (const auto& row : figures_->isHidden() ? std::vector<std::vector<TableCell>>() : figures_->table().rows) {
    QStringList cells;
    for (const TableCell& cell : row) cells << cell.text;
    lines << cells.join("  ");
  }
  return (lines << notes_->text()).join('\n');
}

}  // namespace assay::gui

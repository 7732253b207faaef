#include "gui/views/speed/pass_panel.h"

#include <algorithm>

#include "gui/models/plain_text.h"
#include "gui/views/charts/chart_view.h"
#include "gui/views/speed/pass_charts.h"

namespace assay::gui {

PassPanel::PassPanel(QWidget* parent) : Panel("Where the time of a pass goes", parent) {
  controls_ = new QWidget(this);
  auto* row = new QHBoxLayout(controls_);
  row->setContentsMargins(0, 0, 0, 0);
  pass_ = make_choice("&Pass", controls_, row);
  stretch_ = make_choice("Sho&w", controls_, row);
  row->addStretch();
  connect(pass_, &QComboBox::activated, this, [this] { emit passChosen(pass_->currentData().toString()); });
  connect(stretch_, &QComboBox::activated, this, [this] { emit stretchChosen(stretch_->currentData().toString()); });
  strip_ = make_chart(this);
  passes_table_ = new DataTable(this);
  operations_ = make_chart(this);
  operations_table_ = new DataTable(this);
  layers_ = make_chart(this, 240);
  passes_table_->setAccessibleName("Passes");
  operations_table_->setAccessibleName("Operations of a pass");
  for (QWidget* part :
       std::initializer_list<QWidget*>{controls_, strip_, passes_table_, operations_, operations_table_, layers_}) {
    add(part);
  }
  connect(layers_, &ChartView::chosen, this, &PassPanel::stretchChosen);
}

void PassPanel::set_stretches(const std::vector<const PassTimeline*>& timelines, const QString& chosen) {
  std::vector<std::pair<QString, QString>> choices = {
      {"the whole pass", ""}, {"what is outside of the layers", stretch_text({PassStretch::Kind::outside, 0})}};
  for (const int layer : layers_of(timelines)) {
    choices.emplace_back("layer " + QString::number(layer), QString::number(layer));
  }
  set_choices(stretch_, choices, chosen);
}

void PassPanel::show_timelines(const PassTimelines& timelines, const QString& pass, const QString& stretch) {
  const QStringList names = pass_names(timelines);
  QStringList remarks = timelines.not_shown;
  if (names.isEmpty()) {
    remarks.prepend("No chosen run holds a timeline: \"assay bench layers\" measures one, operation by operation.");
  }
  set_remark(remarks.join('\n'));
  for (QWidget* part :
       std::initializer_list<QWidget*>{controls_, strip_, passes_table_, operations_, operations_table_, layers_}) {
    part->setVisible(!names.isEmpty());
  }
  if (names.isEmpty()) return;
  const QString name = names.contains(pass) ? pass : names.first();
  std::vector<std::pair<QString, QString>> passes;
  for (const QString& each : names) passes.emplace_back(visible_text(each, 80), each);
  set_choices(pass_, passes, name);
  const std::vector<const PassTimeline*> shown = timelines_of(timelines, name);
  set_stretches(shown, stretch);

  constexpr int kStripFrame = 170, kStripRow = 52, kOperationsFrame = 150, kOperationBar = 14, kMostHeight = 1400;
  const Chart strip = pass_strip_chart(shown, parse_stretch(stretch_->currentData().toString()));
  const auto n_rows = static_cast<int>(strip.y.categories.size());
  strip_->set_height(std::min(kMostHeight, kStripFrame + kStripRow * std::max(1, n_rows)));
  strip_->set_chart(strip);
  const Chart operations = operations_chart(shown);
  const auto n_bars = static_cast<int>(operations.y.categories.size()) * (static_cast<int>(shown.size()) + 1);
  operations_->set_height(std::min(kMostHeight, kOperationsFrame + kOperationBar * n_bars));
  operations_->set_chart(operations);
  const Chart layers = layer_times_chart(shown);
  layers_->setVisible(!layers.series.empty());
  layers_->set_chart(layers);
  passes_table_->set_table(passes_table(shown));
  operations_table_->set_table(operations_table(shown));
}

}  // namespace assay::gui

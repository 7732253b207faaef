#include "gui/views/items/items_pane.h"

#include <QHeaderView>
#include <QLineEdit>
#include <QVBoxLayout>

#include "gui/views/plain_delegate.h"

namespace assay::gui {

ItemsPane::ItemsPane(const PageContext& context, QWidget* parent) : QWidget(parent), context_(context) {}

void ItemsPane::refresh(const ChosenRuns& chosen) {
  if (is_drawing_) return;
  is_drawing_ = true;
  show_state(chosen);
  is_drawing_ = false;
}

void ItemsPane::set(const QString& key, const QString& value) {
  ViewState next = state();
  next.settings.remove(key);
  if (!value.isEmpty()) next.settings[key] = value;
  replace(std::move(next));
}

void ItemsPane::go(ViewState next) {
  if (!is_drawing_) context_.navigator.go(std::move(next));
}

void ItemsPane::replace(ViewState next) {
  if (!is_drawing_) context_.navigator.replace(std::move(next));
}

void ItemsPane::go_to_sample(const QString& run_id, const results::SampleKey& key) {
  ViewState next = state();
  if (next.runs.isEmpty()) {
    next.runs = {run_id};
  } else if (!next.runs.contains(run_id)) {
    next.runs << run_id;
  }
  next.suite = QString::fromStdString(key.suite);
  next.item = QString::fromStdString(key.item.value);
  next.sample = static_cast<int>(key.sample);
  if (run_id != baseline_of(next)) next.settings["items.run"] = run_id;
  go(std::move(next));
}

QTableView* make_items_table(const QString& name, QAbstractItemModel* model, const QList<int>& widths) {
  auto* table = new QTableView;
  const QFontMetrics metrics = table->fontMetrics();
  table->setAccessibleName(name);
  table->setModel(model);
  table->setItemDelegate(new PlainDelegate(table));
  table->setSelectionMode(QAbstractItemView::SingleSelection);
  table->setShowGrid(false);
  table->setWordWrap(false);
  table->setTabKeyNavigation(false);
  table->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
  table->verticalHeader()->hide();
  table->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  table->verticalHeader()->setDefaultSectionSize(metrics.height() + 8);
  table->horizontalHeader()->setHighlightSections(false);
  table->horizontalHeader()->setTextElideMode(Qt::ElideRight);
  table->horizontalHeader()->setDefaultSectionSize(metrics.averageCharWidth() * 12);
  for (int i = 0; i < widths.size(); ++i) table->setColumnWidth(i, metrics.averageCharWidth() * widths[i]);
  return table;
}

QLabel* make_items_status() {
  auto* label = new QLabel;
  label->setTextFormat(Qt::PlainText);
  label->setForegroundRole(QPalette::PlaceholderText);
  label->setWordWrap(true);
  return label;
}

void lay_out_pane(QWidget* pane, std::initializer_list<QWidget*> controls, std::initializer_list<QWidget*> below) {
  auto* layout = new QVBoxLayout(pane);
  layout->setContentsMargins(8, 8, 8, 8);
  layout->setSpacing(6);
  auto* first = new QHBoxLayout;
  for (QWidget* widget : controls) first->addWidget(widget, qobject_cast<QLineEdit*>(widget) != nullptr ? 1 : 0);
  first->addStretch(0);
  layout->addLayout(first);
  for (QWidget* widget : below) layout->addWidget(widget, qobject_cast<QTableView*>(widget) != nullptr ? 1 : 0);
}

}  // namespace assay::gui

#include "gui/views/cost/what_if_form.h"

#include <QVBoxLayout>
#include <algorithm>

#include "gui/models/what_if_fields.h"
#include "gui/views/panel.h"

namespace assay::gui {

namespace {
constexpr int kMostColumns = 2;
constexpr int kParts = 3;  // of a column: label, edit, unit
constexpr int kEditWidth = 150;
constexpr int kSpacing = 10;
}  // namespace

WhatIfForm::WhatIfForm(QWidget* parent) : QWidget(parent) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  grid_ = new QGridLayout;
  grid_->setHorizontalSpacing(kSpacing);
  grid_->setVerticalSpacing(6);
  layout->addLayout(grid_);
  for (const WhatIfField& field : what_if_fields()) {
    auto* label = make_text(field.label, this);
    auto* edit = new QLineEdit(this);
    auto* unit = make_text(field.unit, this, true);
    edit->setPlaceholderText("e.g. " + field.example);
    edit->setFixedWidth(kEditWidth);
    edit->setAccessibleName(field.label);
    label->setWordWrap(false);
    label->setBuddy(edit);
    unit->setWordWrap(false);
    connect(edit, &QLineEdit::editingFinished, this, [this, i = fields_.size()] { take(i); });
    fields_.push_back({label, edit, unit});
  }
  error_ = make_text({}, this);
  error_->hide();
  layout->addWidget(error_);
  lay_out(1);
}

int WhatIfForm::column_width() const {
  int label = 0, unit = 0;
  for (const Field& field : fields_) {
    label = std::max(label, field.label->sizeHint().width());
    unit = std::max(unit, field.unit->sizeHint().width());
  }
  return label + kSpacing + kEditWidth + kSpacing + unit;
}

void WhatIfForm::lay_out(int n_columns) {
  if (n_columns == n_columns_) return;
  n_columns_ = n_columns;
  const int n_fields = static_cast<int>(fields_.size());
  const int n_rows = (n_fields + n_columns - 1) / n_columns;
  for (int i = 0; i < n_fields; ++i) {
    const auto& [label, edit, unit] = fields_[static_cast<std::size_t>(i)];
    const int row = i % n_rows, column = i / n_rows * kParts;
    int part = 0;
    for (QWidget* widget : std::initializer_list<QWidget*>{label, edit, unit}) {
      grid_->removeWidget(widget);  // from where it was
      grid_->addWidget(widget, row, column + part++);
    }
  }
  for (int column = 0; column < kMostColumns; ++column) {
    grid_->setColumnStretch(column * kParts + kParts - 1, column < n_columns ? 1 : 0);
  }
  updateGeometry();
}

QSize WhatIfForm::minimumSizeHint() const { return {column_width(), QWidget::minimumSizeHint().height()}; }

void WhatIfForm::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  lay_out(width() >= kMostColumns * column_width() + kSpacing ? kMostColumns : 1);
}

void WhatIfForm::set_document(const QString& document) {
  document_ = document;
  error_->hide();
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    set_unless_typing(fields_[i].edit, what_if_value(document, what_if_fields()[i]));
  }
}

void WhatIfForm::take(std::size_t field) {
  QLineEdit* edit = fields_[field].edit;
  if (!edit->isModified()) return;
  Result<QString> document = with_what_if_value(document_, what_if_fields()[field], edit->text());
  error_->setVisible(!document);
  if (!document) {
    error_->setText(QString::fromStdString(document.error().message));
    return;
  }
  edit->setModified(false);
  if (*document != document_) emit documentChanged(*document);
}

}  // namespace assay::gui

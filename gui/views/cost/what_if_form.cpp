#include "gui/views/cost/what_if_form.h"

#include <QGridLayout>
#include <QVBoxLayout>

#include "gui/models/what_if_fields.h"
#include "gui/views/panel.h"

namespace assay::gui {

namespace {
constexpr int kColumns = 2;
constexpr int kEditWidth = 150;
}  // namespace

WhatIfForm::WhatIfForm(QWidget* parent) : QWidget(parent) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  auto* grid = new QGridLayout;
  grid->setHorizontalSpacing(10);
  grid->setVerticalSpacing(6);
  layout->addLayout(grid);
  const std::vector<WhatIfField>& fields = what_if_fields();
  const int n_rows = (static_cast<int>(fields.size()) + kColumns - 1) / kColumns;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const WhatIfField& field = fields[i];
    auto* edit = new QLineEdit(this);
    edit->setPlaceholderText("e.g. " + field.example);
    edit->setFixedWidth(kEditWidth);
    edit->setAccessibleName(field.label);
    auto* label = make_text(field.label, this);
    label->setWordWrap(false);
    label->setBuddy(edit);
    const int row = static_cast<int>(i) % n_rows, column = static_cast<int>(i) / n_rows * 3;
    grid->addWidget(label, row, column);
    grid->addWidget(edit, row, column + 1);
    grid->addWidget(make_text(field.unit, this, true), row, column + 2);
    connect(edit, &QLineEdit::editingFinished, this, [this, i] { take(i); });
    edits_.push_back(edit);
  }
  grid->setColumnStretch(2, 1);
  grid->setColumnStretch(5, 1);
  error_ = make_text({}, this);
  error_->hide();
  layout->addWidget(error_);
}

void WhatIfForm::set_document(const QString& document) {
  document_ = document;
  error_->hide();
  for (std::size_t i = 0; i < edits_.size(); ++i) {
    set_unless_typing(edits_[i], what_if_value(document, what_if_fields()[i]));
  }
}

void WhatIfForm::take(std::size_t field) {
  if (!edits_[field]->isModified()) return;
  Result<QString> document = with_what_if_value(document_, what_if_fields()[field], edits_[field]->text());
  error_->setVisible(!document);
  if (!document) {
    error_->setText(QString::fromStdString(document.error().message));
    return;
  }
  edits_[field]->setModified(false);
  if (*document != document_) emit documentChanged(*document);
}

}  // namespace assay::gui

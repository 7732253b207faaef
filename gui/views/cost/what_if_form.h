#pragma once
// The user's assumptions about cost as a form.

#include <QLabel>
#include <QLineEdit>
#include <QWidget>
#include <vector>

namespace assay::gui {

/// Shows a what-if document field by field. A field that was changed gives the whole new document.
class WhatIfForm : public QWidget {
  Q_OBJECT

 public:
  explicit WhatIfForm(QWidget* parent);
  void set_document(const QString& document);

 signals:
  void documentChanged(const QString& document);

 private:
  void take(std::size_t field);
  QString document_;
  std::vector<QLineEdit*> edits_;
  QLabel* error_;
};

}  // namespace assay::gui

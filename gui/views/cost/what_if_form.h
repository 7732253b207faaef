#pragma once
// The user's assumptions about cost as a form.

#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QWidget>
#include <vector>

namespace assay::gui {

/// Shows a what-if document field by field, side by side where there is room for two. A field that was changed gives
/// the whole new document.
class WhatIfForm : public QWidget {
  Q_OBJECT

 public:
  explicit WhatIfForm(QWidget* parent);
  void set_document(const QString& document);
  QSize minimumSizeHint() const override;  ///< the fields below each other

 signals:
  void documentChanged(const QString& document);

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  struct Field {
    QLabel* label;
    QLineEdit* edit;
    QLabel* unit;
  };
  int column_width() const;  ///< of label, edit and unit in a row
  void lay_out(int n_columns);
  void take(std::size_t field);
  QString document_;
  std::vector<Field> fields_;
  QGridLayout* grid_;
  int n_columns_ = 0;
  QLabel* error_;
};

}  // namespace assay::gui

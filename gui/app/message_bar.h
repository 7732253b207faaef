#pragma once
// What went wrong, above the page, until it is closed.

#include <QFrame>

class QLabel;

namespace assay::gui {

/// Hidden while there is nothing to say. Told to screen readers when it comes.
class MessageBar : public QFrame {
  Q_OBJECT

 public:
  explicit MessageBar(QWidget* parent = nullptr);
  void show_message(const QString& text);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void color();
  QLabel* message_;
};

}  // namespace assay::gui

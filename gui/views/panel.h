#pragma once
// What pages are made of: panels with a title, tables, lines of text that are never taken for HTML.

#include <QComboBox>
#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QVBoxLayout>

#include "gui/views/data_table.h"

namespace assay::gui {

class ChartView;

/// A label that shows its text as it stands, wraps it and lets it be selected.
QLabel* make_text(const QString& text, QWidget* parent, bool is_muted = false);

/// A box with a heading, a remark below it and content.
class Panel : public QFrame {
  Q_OBJECT

 public:
  Panel(const QString& title, QWidget* parent);
  /// Says how to read the panel, or why it is empty. Hidden while there is none.
  void set_remark(const QString& remark);
  QString remark() const;
  void add(QWidget* content);
  QVBoxLayout* content() { return layout_; }

 protected:
  void paintEvent(QPaintEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void color_remark();
  QVBoxLayout* layout_;
  QLabel* remark_;
};

/// A choice behind its label (with a mnemonic), at the end of a row.
QComboBox* make_choice(const QString& label, QWidget* parent, QHBoxLayout* row);
/// Fills a choice with texts and their values, unless it holds just these; and picks the value, else the first.
void set_choices(QComboBox* box, const std::vector<std::pair<QString, QString>>& choices, const QString& value);
/// Shows a text in a field, unless the user is typing there.
void set_unless_typing(QLineEdit* edit, const QString& text);

/// A chart with the size that charts have on pages.
ChartView* make_chart(QWidget* parent, int height = 280);

}  // namespace assay::gui

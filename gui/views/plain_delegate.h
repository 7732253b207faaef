#pragma once
// Cells whose text came from elsewhere.

#include <QStyledItemDelegate>

namespace assay::gui {

/// Draws a model's text as visible_text() and shows its tooltips as plain text, whatever they hold.
class PlainDelegate : public QStyledItemDelegate {
  Q_OBJECT

 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  bool helpEvent(QHelpEvent* event, QAbstractItemView* view, const QStyleOptionViewItem& option,
                 const QModelIndex& index) override;

 protected:
  void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override;
};

}  // namespace assay::gui

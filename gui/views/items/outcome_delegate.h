#pragma once
// A cell of the heat map of outcomes.

#include "gui/views/plain_delegate.h"

namespace assay::gui {

/// Paints the shares of the five outcomes beside each other in their colours, with the letter and count on top.
class OutcomeDelegate : public PlainDelegate {
  Q_OBJECT

 public:
  using PlainDelegate::PlainDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

}  // namespace assay::gui

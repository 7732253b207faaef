#pragma once
// A row of the facets: a box, the value, and how many runs have it.

#include "gui/views/plain_delegate.h"

namespace assay::gui {

class FacetDelegate : public PlainDelegate {
  Q_OBJECT

 public:
  using PlainDelegate::PlainDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

}  // namespace assay::gui

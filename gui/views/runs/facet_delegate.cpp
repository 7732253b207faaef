#include "gui/views/runs/facet_delegate.h"

#include <QPainter>

#include "gui/models/facet_model.h"
#include "gui/models/run_columns.h"
#include "gui/views/theme.h"

namespace assay::gui {

void FacetDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  const Theme& theme = theme_of(option.palette);
  QStyleOptionViewItem row = option;
  const QVariant count = index.data(FacetModel::CountRole);
  if (!count.isValid()) {
    row.font.setBold(true);
    return PlainDelegate::paint(painter, row, index);
  }
  const QString shown = shown_count(count.toInt());
  const int width = option.fontMetrics.horizontalAdvance(shown) + 12;
  row.rect.setRight(option.rect.right() - width);
  row.textElideMode = Qt::ElideMiddle;  // names of devices differ at their ends
  PlainDelegate::paint(painter, row, index);
  painter->save();
  painter->setPen(theme.muted_text);
  painter->drawText(option.rect.adjusted(0, 0, -6, 0), static_cast<int>(Qt::AlignRight | Qt::AlignVCenter), shown);
  painter->restore();
}

QSize FacetDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const {
  QSize size = PlainDelegate::sizeHint(option, index);
  size.setHeight(option.fontMetrics.height() + 8);
  return size;
}

}  // namespace assay::gui

#include "gui/views/items/outcome_delegate.h"

#include <QPainter>

#include "gui/models/outcome_matrix.h"
#include "gui/views/theme.h"

namespace assay::gui {

void OutcomeDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  const QVariantList counts = index.data(OutcomeModel::CellRole).toList();
  const Theme& theme = theme_of(option.palette);
  painter->save();
  if (option.state & QStyle::State_Selected) painter->fillRect(option.rect, theme.selection);
  const QRectF inside = QRectF(option.rect).adjusted(1.5, 1.5, -1.5, -1.5);
  double n = 0;
  for (const QVariant& count : counts) n += count.toInt();
  double left = inside.left();
  for (int v = 0; v < counts.size() && n > 0; ++v) {
    const double width = inside.width() * counts[v].toInt() / n;
    QColor color = outcome_color(theme, static_cast<results::Verdict>(v));
    // Text must stay readable on it.
    color.setAlphaF(theme.is_dark ? 0.45F : 0.35F);
    painter->fillRect(QRectF(left, inside.top(), width, inside.height()), color);
    left += width;
  }
  painter->setPen(counts.isEmpty() ? theme.muted_text : theme.text);
  painter->drawText(option.rect, Qt::AlignCenter, index.data(Qt::DisplayRole).toString());
  if (option.state & QStyle::State_HasFocus) {
    painter->setPen(QPen(theme.accent, 2));
    painter->drawRect(inside);
  }
  painter->restore();
}

}  // namespace assay::gui

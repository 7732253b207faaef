#include "gui/views/plain_delegate.h"

#include <QAbstractItemView>
#include <QHelpEvent>
#include <QToolTip>

#include "gui/models/plain_text.h"

namespace assay::gui {

bool PlainDelegate::helpEvent(QHelpEvent* event, QAbstractItemView* view, const QStyleOptionViewItem& option,
                              const QModelIndex& index) {
  if (event->type() != QEvent::ToolTip) return QStyledItemDelegate::helpEvent(event, view, option, index);
  const QString tooltip = index.data(Qt::ToolTipRole).toString();
  if (tooltip.isEmpty()) {
    QToolTip::hideText();
  } else {
    QToolTip::showText(event->globalPos(), tooltip_html(tooltip), view, option.rect);
  }
  return true;
}

void PlainDelegate::initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const {
  QStyledItemDelegate::initStyleOption(option, index);
  option->text = visible_text(option->text);
}

}  // namespace assay::gui

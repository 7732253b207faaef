#include "gui/views/line_style.h"

#include <QPainter>
#include <QStyleOption>

#include "gui/views/theme.h"

namespace assay::gui {

void LineStyle::drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                              const QWidget* widget) const {
  QProxyStyle::drawPrimitive(element, option, painter, widget);
  const bool has_edge = element == PE_IndicatorCheckBox || element == PE_IndicatorItemViewItemCheck ||
                        element == PE_FrameLineEdit || element == PE_Frame;
  const Theme& theme = theme_of(option->palette);
  if (!has_edge || !theme.is_dark || option->state.testFlag(State_HasFocus)) return;
  const bool is_box = element == PE_IndicatorCheckBox || element == PE_IndicatorItemViewItemCheck;
  painter->save();
  painter->setPen(is_box ? theme.muted_text : theme.line);
  painter->setBrush(Qt::NoBrush);
  painter->drawRect(option->rect.adjusted(0, 0, -1, -1));
  painter->restore();
}

}  // namespace assay::gui

#include "gui/views/line_style.h"

#include <QAbstractItemView>
#include <QPainter>
#include <QStyleOption>

#include "gui/views/theme.h"

namespace assay::gui {

namespace {
constexpr int kCellMargin = 5;
}

int LineStyle::pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const {
  if (metric == PM_HeaderMargin) return kCellMargin + 1;
  if (metric == PM_FocusFrameHMargin && qobject_cast<const QAbstractItemView*>(widget) != nullptr) return kCellMargin;
  return QProxyStyle::pixelMetric(metric, option, widget);
}

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

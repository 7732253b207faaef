#pragma once
// The style of the window: Fusion, with edges that are seen on dark backgrounds too.

#include <QProxyStyle>

namespace assay::gui {

/// Draws the edges of fields and check boxes in the theme's own line colour. Fusion makes them a darker shade of the
/// window, which is hardly to be told from a dark one.
class LineStyle : public QProxyStyle {
 public:
  LineStyle() : QProxyStyle("Fusion") {}
  void drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                     const QWidget* widget) const override;
  /// Cells and headers of tables and lists have the same margin.
  int pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const override;
};

}  // namespace assay::gui

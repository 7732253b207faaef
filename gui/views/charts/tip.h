#pragma once
// The box with what is said about a mark, drawn over the chart: plain text that can stay (pinned) and be photographed.

#include <QFont>
#include <QPainter>
#include <QStringList>

#include "gui/views/theme.h"

namespace assay::gui {

struct Tip {
  QStringList lines;
  QRectF box;
  bool is_cut = false;  ///< not all lines have room
};

/// Puts the text beside `at` (a mark's place, `clear` pixels around it stay visible) within `area`.
Tip lay_out_tip(const QString& text, const QPointF& at, double clear, const QRectF& area, const QFont& font);

void paint_tip(QPainter& painter, const Tip& tip, const Theme& theme, const QFont& font, bool is_pinned);

}  // namespace assay::gui

#include "gui/views/charts/tip.h"

#include <QFontMetricsF>
#include <algorithm>
#include <cmath>

namespace assay::gui {

namespace {

constexpr double kPad = 8;
constexpr double kWidestTip = 380;

// Lines of at most `width` pixels; broken between words.
QStringList broken(const QString& text, const QFontMetricsF& metrics, double width) {
  QStringList lines;
  for (const QString& paragraph : text.split('\n')) {
    QString line;
    for (const QString& word : paragraph.split(' ')) {
      const QString longer = line.isEmpty() ? word : line + ' ' + word;
      if (!line.isEmpty() && metrics.horizontalAdvance(longer) > width) {
        lines << line;
        line = word;
      } else {
        line = longer;
      }
    }
    lines << line;
  }
  for (QString& line : lines) line = metrics.elidedText(line, Qt::ElideRight, width);
  return lines;
}

}  // namespace

Tip lay_out_tip(const QString& text, const QPointF& at, double clear, const QRectF& area, const QFont& font) {
  const QFontMetricsF metrics(font);
  const double line_height = std::ceil(metrics.height());
  Tip tip;
  tip.lines = broken(text, metrics, std::max(40.0, std::min(kWidestTip, area.width() - 2 * kPad - 8)));
  const auto n_most = static_cast<qsizetype>(std::max(1.0, (area.height() - 2 * kPad - 4) / line_height));
  if (tip.lines.size() > n_most) {
    tip.is_cut = true;
    tip.lines = tip.lines.mid(0, n_most);
    tip.lines.last() = QString(QChar(0x2026));
  }
  double width = 0;
  for (const QString& line : tip.lines) width = std::max(width, metrics.horizontalAdvance(line));
  const QSizeF size(std::ceil(width) + 2 * kPad, line_height * static_cast<double>(tip.lines.size()) + 2 * kPad - 4);

  double x = at.x() + clear;
  if (x + size.width() > area.right()) x = at.x() - clear - size.width();
  double y = at.y() - clear - size.height();
  if (x < area.left()) x = std::max(area.left(), area.right() - size.width());  // no room beside it: above or below
  if (y < area.top()) y = at.y() + clear;
  if (y + size.height() > area.bottom()) y = std::max(area.top(), area.bottom() - size.height());
  tip.box = QRectF(QPointF(std::round(x), std::round(y)), size);
  return tip;
}

void paint_tip(QPainter& painter, const Tip& tip, const Theme& theme, const QFont& font, bool is_pinned) {
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  QColor shadow(0, 0, 0, theme.is_dark ? 110 : 36);
  painter.setPen(Qt::NoPen);
  painter.setBrush(shadow);
  painter.drawRoundedRect(tip.box.translated(0, 2), 4, 4);
  painter.setBrush(theme.panel);
  painter.setPen(QPen(is_pinned ? theme.accent : theme.line, is_pinned ? 1.5 : 1));
  painter.drawRoundedRect(tip.box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);
  const QFontMetricsF metrics(font);
  const double line_height = std::ceil(metrics.height());
  double y = tip.box.top() + kPad - 2;
  for (qsizetype i = 0; i < tip.lines.size(); ++i) {
    painter.setFont(font);
    painter.setPen(i == 0 ? theme.text : theme.muted_text);
    painter.drawText(QRectF(tip.box.left() + kPad, y, tip.box.width() - kPad, line_height),
                     Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine, tip.lines[i]);
    y += line_height;
  }
  painter.restore();
}

}  // namespace assay::gui

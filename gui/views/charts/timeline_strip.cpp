#include "gui/views/charts/timeline_strip.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "gui/models/plain_text.h"
#include "gui/views/charts/paint.h"
#include "harness/base/text.h"

namespace assay::gui {

namespace {

constexpr int kBarPadding = 3;   // above and below the text in a bar
constexpr int kScaleHeight = 2;  // between the bar and the times below
constexpr double kThinnest = 2;

}  // namespace

QString duration_text(double ms) {
  if (!std::isfinite(ms) || ms < 0) return QString(QChar(0x2014));
  const auto fixed = [](double value, int places) { return QString::fromStdString(to_fixed(value, places)); };
  if (ms < 10) return fixed(ms, 2) + " ms";
  if (ms < 1000) return fixed(ms, 0) + " ms";
  if (ms < 60'000) return fixed(ms / 1000, ms < 10'000 ? 2 : 1) + " s";
  const double seconds = std::floor(ms / 1000);
  if (seconds < 3600)
    return QString("%1 min %2 s").arg(fixed(std::floor(seconds / 60), 0), fixed(std::fmod(seconds, 60), 0));
  const double minutes = std::floor(seconds / 60);
  return QString("%1 h %2 min").arg(fixed(std::floor(minutes / 60), 0), fixed(std::fmod(minutes, 60), 0));
}

TimelineStrip::TimelineStrip(QWidget* parent) : QWidget(parent) {
  install_parts_accessibility();
  setFocusPolicy(Qt::StrongFocus);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  setAccessibleName("Time of the sample");
}

void TimelineStrip::set_stretches(std::vector<TimelineStretch> stretches, double total_ms, const QString& empty_text) {
  std::erase_if(stretches, [](const TimelineStretch& each) {
    return !std::isfinite(each.begin_ms) || !std::isfinite(each.end_ms) || each.begin_ms < 0 ||
           each.end_ms < each.begin_ms;
  });
  stretches_ = std::move(stretches);
  total_ms_ = std::isfinite(total_ms) ? total_ms : 0;
  for (const TimelineStretch& each : stretches_) total_ms_ = std::max(total_ms_, each.end_ms);
  empty_text_ = empty_text;
  current_ = -1;
  update();
}

QRectF TimelineStrip::stretch_box(int stretch) const {
  if (stretch < 0 || stretch >= n_parts() || total_ms_ <= 0) return {};
  const TimelineStretch& each = stretches_[static_cast<std::size_t>(stretch)];
  const double width = this->width() - 2.0;
  const double height = fontMetrics().height() + 2 * kBarPadding;
  const double left = std::min(1 + width * each.begin_ms / total_ms_, 1 + width - kThinnest);
  const double right = 1 + width * each.end_ms / total_ms_;
  return {left, 1, std::max(kThinnest, right - left), height};
}

void TimelineStrip::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const Theme& theme = theme_of(palette());
  painter.setPen(theme.muted_text);
  if (stretches_.empty() || total_ms_ <= 0) {
    painter.drawText(rect(), Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine,
                     empty_text_.isEmpty() ? "No times are stored" : visible_text(empty_text_));
    return;
  }
  const QRectF whole(1, 1, width() - 2, stretch_box(0).height());
  painter.fillRect(whole, theme.grid);
  for (int i = 0; i < n_parts(); ++i) {
    const TimelineStretch& stretch = stretches_[static_cast<std::size_t>(i)];
    const QRectF box = stretch_box(i);
    painter.fillRect(box.adjusted(0, 0, box.width() > 4 ? -1 : 0, 0), theme.series_color(stretch.style));
    painter.setPen(theme.panel);
    // The sign and the name, where they have room: colour alone says nothing.
    const QString name = visible_text(stretch.name, 60);
    const double sign = box.height();
    if (box.width() > sign) {
      const QPointF at(box.left() + sign / 2, box.center().y());
      paint_shape(painter, at, series_shape(stretch.style), 4, theme.panel, false, theme.panel);
    }
    painter.setPen(theme.panel);
    if (fontMetrics().horizontalAdvance(name) < box.width() - sign - 4) {
      painter.drawText(box.adjusted(sign, 0, -4, 0), Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine, name);
    }
    if (i != current_) continue;
    painter.setPen(QPen(theme.text, 2));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(box.adjusted(1, 1, -1, -1));
  }
  const QRectF below(1, whole.bottom() + kScaleHeight, whole.width(), fontMetrics().height());
  painter.setPen(theme.muted_text);
  painter.drawText(below, Qt::AlignLeft | Qt::AlignVCenter, "0");
  painter.drawText(below, Qt::AlignRight | Qt::AlignVCenter, duration_text(total_ms_));
  if (hasFocus() && current_ >= 0) {
    const QRectF middle = below.adjusted(20, 0, -fontMetrics().horizontalAdvance(duration_text(total_ms_)) - 12, 0);
    const QString said = part_name(current_).replace('\n', ", ");
    painter.setPen(theme.text);
    painter.drawText(middle, Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine,
                     fontMetrics().elidedText(said, Qt::ElideRight, static_cast<int>(middle.width())));
  }
}

void TimelineStrip::keyPressEvent(QKeyEvent* event) {
  const int n = n_parts();
  const bool goes_on = event->key() == Qt::Key_Right;
  if (n == 0 || (!goes_on && event->key() != Qt::Key_Left)) return QWidget::keyPressEvent(event);
  choose_part(current_ < 0 ? (goes_on ? 0 : n - 1) : std::clamp(current_ + (goes_on ? 1 : -1), 0, n - 1));
}

bool TimelineStrip::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) {
    if (event->type() == QEvent::FocusIn || event->type() == QEvent::FocusOut) update();
    return QWidget::event(event);
  }
  const auto* help = static_cast<QHelpEvent*>(event);
  const int part = part_at(help->pos());
  if (part < 0) {
    QToolTip::hideText();
  } else {
    QToolTip::showText(help->globalPos(), tooltip_html(part_name(part)), this, part_box(part));
  }
  return true;
}

QString TimelineStrip::part_name(int part) const {
  if (part < 0 || part >= n_parts()) return {};
  const TimelineStretch& each = stretches_[static_cast<std::size_t>(part)];
  if (!each.tooltip.isEmpty()) return visible_text(each.tooltip, 1000, true);
  return QString("%1: %2").arg(visible_text(each.name, 60), duration_text(each.end_ms - each.begin_ms));
}

int TimelineStrip::part_at(const QPoint& at) const {
  for (int i = n_parts() - 1; i >= 0; --i) {
    if (stretch_box(i).contains(at)) return i;
  }
  return -1;
}

void TimelineStrip::choose_part(int part) {
  if (part < 0 || part >= n_parts()) return;
  current_ = part;
  announce_part(*this, part);
  update();
}

QString TimelineStrip::description() const {
  if (stretches_.empty()) return empty_text_.isEmpty() ? "No times are stored" : visible_text(empty_text_);
  return "Whole time: " + duration_text(total_ms_);
}

QSize TimelineStrip::sizeHint() const { return {320, 2 * fontMetrics().height() + 2 * kBarPadding + kScaleHeight + 4}; }

QSize TimelineStrip::minimumSizeHint() const { return {120, sizeHint().height()}; }

}  // namespace assay::gui

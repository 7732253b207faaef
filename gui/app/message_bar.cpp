#include "gui/app/message_bar.h"

#include <QAccessible>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QToolButton>

#include "gui/views/theme.h"

namespace assay::gui {

MessageBar::MessageBar(QWidget* parent) : QFrame(parent), message_(new QLabel) {
  setObjectName("message_bar");
  message_->setTextFormat(Qt::PlainText);
  message_->setWordWrap(true);
  auto* close = new QToolButton;
  close->setText(QString(QChar(0x00D7)));
  close->setAutoRaise(true);
  close->setToolTip(tr("Close the message"));
  close->setAccessibleName(tr("Close the message"));
  connect(close, &QToolButton::clicked, this, &QWidget::hide);
  auto* layout = new QHBoxLayout(this);
  layout->addWidget(new QLabel(QString(QChar(0x26A0))));  // a warning sign
  layout->addWidget(message_, 1);
  layout->addWidget(close);
  hide();
}

void MessageBar::show_message(const QString& text) {
  message_->setText(text);
  color();
  show();
  QAccessibleEvent event(message_, QAccessible::Alert);
  QAccessible::updateAccessibility(&event);
}

void MessageBar::color() {
  const Theme& theme = theme_of(palette());
  const QString style =
      QString("#message_bar { border: 1px solid %1; border-left-width: 4px; border-radius: 4px; background: %2; }")
          .arg(theme.worse.name(), theme.panel.name());
  if (style != styleSheet()) setStyleSheet(style);
}

void MessageBar::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  if (event->type() == QEvent::PaletteChange && isVisible()) color();
}

}  // namespace assay::gui

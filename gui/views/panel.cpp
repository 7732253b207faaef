#include "gui/views/panel.h"

#include <QPainter>

#include "gui/views/charts/chart_view.h"
#include "gui/views/theme.h"

namespace assay::gui {

namespace {

constexpr int kPanelMargin = 14;
constexpr int kPanelRadius = 6;

}  // namespace

QLabel* make_text(const QString& text, QWidget* parent, bool is_muted) {
  auto* label = new QLabel(parent);
  label->setTextFormat(Qt::PlainText);
  label->setText(text);
  label->setWordWrap(true);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  if (is_muted) label->setForegroundRole(QPalette::PlaceholderText);
  return label;
}

Panel::Panel(const QString& title, QWidget* parent)
    : QFrame(parent), layout_(new QVBoxLayout(this)), remark_(make_text({}, this)) {
  layout_->setContentsMargins(kPanelMargin, kPanelMargin - 2, kPanelMargin, kPanelMargin);
  layout_->setSpacing(8);
  auto* heading = make_text(title, this);
  QFont font = heading->font();
  font.setBold(true);
  font.setPointSizeF(font.pointSizeF() * 1.1);
  heading->setFont(font);
  layout_->addWidget(heading);
  layout_->addWidget(remark_);
  remark_->hide();
  setAccessibleName(title);
  setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Maximum);
  color_remark();
}

void Panel::set_remark(const QString& remark) {
  remark_->setText(remark);
  remark_->setVisible(!remark.isEmpty());
}

QString Panel::remark() const { return remark_->text(); }

void Panel::add(QWidget* content) { layout_->addWidget(content); }

void Panel::color_remark() { remark_->setForegroundRole(QPalette::PlaceholderText); }

void Panel::paintEvent(QPaintEvent*) {
  const Theme& theme = theme_of(palette());
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(theme.line);
  painter.setBrush(theme.panel);
  painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), kPanelRadius, kPanelRadius);
}

void Panel::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) update();
}

QComboBox* make_choice(const QString& label, QWidget* parent, QHBoxLayout* row) {
  auto* text = new QLabel(label, parent);
  auto* choice = new QComboBox(parent);
  choice->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  choice->setAccessibleName(QString(label).remove('&'));
  text->setBuddy(choice);
  row->addWidget(text);
  row->addWidget(choice);
  return choice;
}

void set_choices(QComboBox* box, const std::vector<std::pair<QString, QString>>& choices, const QString& value) {
  bool is_same = box->count() == static_cast<int>(choices.size());
  for (int i = 0; is_same && i < box->count(); ++i) {
    const auto& [text, data] = choices[static_cast<std::size_t>(i)];
    is_same = box->itemText(i) == text && box->itemData(i).toString() == data;
  }
  if (!is_same) {
    box->clear();
    for (const auto& [text, data] : choices) box->addItem(text, data);
  }
  box->setCurrentIndex(std::max(0, box->findData(value)));
}

void set_unless_typing(QLineEdit* edit, const QString& text) {
  if (edit->hasFocus() && edit->isModified()) return;
  edit->setText(text);
}

ChartView* make_chart(QWidget* parent, int height) {
  auto* view = new ChartView(parent);
  view->setMinimumWidth(260);
  view->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  view->set_height(height);
  return view;
}

}  // namespace assay::gui

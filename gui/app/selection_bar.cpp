#include "gui/app/selection_bar.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QScrollBar>
#include <QToolButton>

#include "gui/views/theme.h"

namespace assay::gui {

namespace {

/// The series' shape as a character, so that the chip and the charts show the same sign.
QString shape_sign(int index) {
  switch (series_shape(index)) {
    case Shape::circle:
      return QString(QChar(0x25CF));
    case Shape::square:
      return QString(QChar(0x25A0));
    case Shape::triangle:
      return QString(QChar(0x25B2));
    case Shape::diamond:
      return QString(QChar(0x25C6));
    case Shape::inverted_triangle:
      return QString(QChar(0x25BC));
    case Shape::plus:
      return QString(QChar(0x271A));
    case Shape::star:
      return QString(QChar(0x2605));
    case Shape::cross:
      return QString(QChar(0x2716));
    case Shape::none:
      break;
  }
  return {};
}

}  // namespace

SelectionBar::SelectionBar(Workspace& workspace, Navigator& navigator, QWidget* parent)
    : QWidget(parent), workspace_(workspace), navigator_(navigator) {
  setObjectName("selection_bar");
  auto* scroll = new QScrollArea(this);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  // Where the chips need a scroll bar it comes below them, not over them.
  const int height = fontMetrics().height() + 22;
  scroll->setFixedHeight(height);
  connect(scroll->horizontalScrollBar(), &QScrollBar::rangeChanged, this, [scroll, height](int least, int most) {
    scroll->setFixedHeight(height + (most > least ? scroll->horizontalScrollBar()->sizeHint().height() + 2 : 0));
  });
  auto* inside = new QWidget;
  chips_ = new QHBoxLayout(inside);
  chips_->setContentsMargins(0, 2, 0, 2);
  chips_->setSpacing(6);
  scroll->setWidget(inside);
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(scroll);
}

void SelectionBar::refresh() {
  const QStringList& runs = navigator_.state().runs;
  QStringList wanted = {baseline_of(navigator_.state()), palette().color(QPalette::Window).name()};
  for (const QString& run_id : runs) wanted << run_id << title_of(run_id);
  if (wanted == shown_) return;
  shown_ = wanted;
  while (QLayoutItem* item = chips_->takeAt(0)) {
    if (item->widget() != nullptr) item->widget()->deleteLater();
    delete item;
  }
  for (int i = 0; i < runs.size(); ++i) chips_->addWidget(make_chip(runs[i], i));
  if (runs.isEmpty()) {
    auto* hint = new QLabel(tr("No run chosen: choose some on the page of runs"));
    hint->setTextFormat(Qt::PlainText);
    hint->setForegroundRole(QPalette::PlaceholderText);
    chips_->addWidget(hint);
  }
  chips_->addStretch(1);
}

QString SelectionBar::title_of(const QString& run_id) const {
  const LocatedRun* located = workspace_.find(run_id);
  return located != nullptr ? located->title : run_id.left(8) + tr(" (not in an open database)");
}

QWidget* SelectionBar::make_chip(const QString& run_id, int index) {
  const Theme& theme = theme_of(palette());
  const bool is_baseline = baseline_of(navigator_.state()) == run_id;
  const QString title = title_of(run_id);

  auto* chip = new QFrame;
  chip->setObjectName("chip");
  chip->setStyleSheet(QString("#chip { border: 1px solid %1; border-radius: 4px; background: %2; }")
                          .arg((is_baseline ? theme.accent : theme.line).name(), theme.panel.name()));
  auto* layout = new QHBoxLayout(chip);
  layout->setContentsMargins(8, 1, 3, 1);
  layout->setSpacing(4);
  auto* sign = new QLabel(shape_sign(index));
  QPalette sign_palette = palette();
  sign_palette.setColor(QPalette::WindowText, theme.series_color(index));
  sign->setPalette(sign_palette);
  auto* name = new QLabel(fontMetrics().elidedText(title, Qt::ElideRight, 260));
  name->setTextFormat(Qt::PlainText);
  auto* baseline = new QToolButton;
  baseline->setText(is_baseline ? tr("baseline") : tr("make baseline"));
  baseline->setAutoRaise(true);
  baseline->setEnabled(!is_baseline);
  baseline->setAccessibleName(tr("Make %1 the baseline").arg(title));
  connect(baseline, &QToolButton::clicked, this, [this, run_id] { make_baseline(run_id); });
  auto* close = new QToolButton;
  close->setText(QString(QChar(0x00D7)));
  close->setAutoRaise(true);
  close->setToolTip(tr("No longer chosen"));
  close->setAccessibleName(tr("Choose %1 no longer").arg(title));
  connect(close, &QToolButton::clicked, this, [this, run_id] { drop(run_id); });
  for (QWidget* widget : std::initializer_list<QWidget*>{sign, name, baseline, close}) layout->addWidget(widget);
  return chip;
}

void SelectionBar::drop(const QString& run_id) {
  ViewState state = navigator_.state();
  state.runs.removeAll(run_id);
  if (state.baseline == run_id) state.baseline.clear();
  navigator_.go(std::move(state));
}

void SelectionBar::make_baseline(const QString& run_id) {
  ViewState state = navigator_.state();
  state.baseline = run_id;
  navigator_.go(std::move(state));
}

}  // namespace assay::gui

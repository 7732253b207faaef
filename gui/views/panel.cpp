#include "gui/views/panel.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QHeaderView>
#include <QMenu>
#include <QPainter>
#include <QScrollBar>
#include <QStyledItemDelegate>
#include <cmath>

#include "gui/views/charts/chart_view.h"
#include "gui/views/theme.h"

namespace assay::gui {

namespace {

constexpr int kPanelMargin = 14;
constexpr int kPanelRadius = 6;
constexpr int kCellPadding = 12;
constexpr int kMaxColumnWidth = 420;
constexpr int kMeasuredRows = 200;

bool is_bold(CellTone tone) { return tone != CellTone::plain && tone != CellTone::muted; }

/// What the style leaves free beside a cell's text.
int cell_margin(const QWidget* view) {
  return view->style()->pixelMetric(QStyle::PM_FocusFrameHMargin, nullptr, view) + 1;
}

/// Cells with room at both sides, in the colour and weight of their tone.
class ToneDelegate : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;

  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    if ((option.state & QStyle::State_Selected) != 0) painter->fillRect(option.rect, option.palette.highlight());
    QStyleOptionViewItem inner = option;
    inner.rect.adjust(kCellPadding / 2, 0, -kCellPadding / 2, 0);
    QStyledItemDelegate::paint(painter, inner, index);
  }

  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    return QStyledItemDelegate::sizeHint(option, index) + QSize(kCellPadding, 0);
  }

 protected:
  void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override {
    QStyledItemDelegate::initStyleOption(option, index);
    const Theme& theme = theme_of(option->palette);
    const auto tone = static_cast<CellTone>(index.data(TableModel::tone_role).toInt());
    QColor color = theme.text;
    if (tone == CellTone::muted) color = theme.muted_text;
    if (tone == CellTone::better) color = theme.better;
    if (tone == CellTone::worse) color = theme.worse;
    if (is_bold(tone)) option->font.setBold(true);
    for (const QPalette::ColorRole role : {QPalette::Text, QPalette::HighlightedText}) {
      option->palette.setColor(role, color);
    }
  }
};

/// Titles over a line, without boxes, set as the cells below them.
class PlainHeader : public QHeaderView {
 public:
  explicit PlainHeader(QWidget* parent) : QHeaderView(Qt::Horizontal, parent) {}

 protected:
  /// The style would draw a box over the place behind the last section.
  void paintEvent(QPaintEvent* event) override {
    QHeaderView::paintEvent(event);
    const Theme& theme = theme_of(palette());
    const QRect rest(length(), 0, viewport()->width() - length(), viewport()->height());
    if (rest.width() <= 0) return;
    QPainter painter(viewport());
    painter.fillRect(rest, theme.panel);
    painter.setPen(theme.line);
    painter.drawLine(rest.bottomLeft(), rest.bottomRight());
  }

  void paintSection(QPainter* painter, const QRect& rect, int section) const override {
    const Theme& theme = theme_of(palette());
    painter->fillRect(rect, theme.panel);
    painter->setPen(theme.line);
    painter->drawLine(rect.bottomLeft(), rect.bottomRight());
    painter->setPen(theme.muted_text);
    const int room = kCellPadding / 2 + cell_margin(this);
    const QRect inner = rect.adjusted(room, 0, -room, 0);
    const auto alignment = model()->headerData(section, Qt::Horizontal, Qt::TextAlignmentRole).toInt();
    const QString title = model()->headerData(section, Qt::Horizontal).toString();
    painter->drawText(inner, alignment | Qt::TextSingleLine,
                      fontMetrics().elidedText(title, Qt::ElideRight, inner.width()));
  }
};

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

DataTable::DataTable(QWidget* parent) : QTableView(parent) {
  setHorizontalHeader(new PlainHeader(this));
  setModel(&model_);
  setItemDelegate(new ToneDelegate(this));
  setShowGrid(false);
  setFrameShape(QFrame::NoFrame);
  setSelectionBehavior(QAbstractItemView::SelectRows);
  setSelectionMode(QAbstractItemView::SingleSelection);
  setEditTriggers(QAbstractItemView::NoEditTriggers);
  setTabKeyNavigation(false);
  setWordWrap(false);
  setTextElideMode(Qt::ElideRight);
  setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
  verticalHeader()->hide();
  horizontalHeader()->setHighlightSections(false);
  horizontalHeader()->setSectionResizeMode(QHeaderView::Interactive);
  setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
  auto* copy = new QAction("Copy table as &CSV", this);
  copy->setShortcut(QKeySequence::Copy);
  copy->setShortcutContext(Qt::WidgetShortcut);
  connect(copy, &QAction::triggered, this, &DataTable::copyAsCsv);
  addAction(copy);
  connect(this, &QTableView::activated, this, [this](const QModelIndex& index) {
    const QString key = model_.key_of(index.row());
    if (!key.isEmpty()) emit chosen(key);
  });
}

void DataTable::set_table(Table table) {
  setAccessibleName(table.name);
  model_.set_table(std::move(table));
  fit();
}

void DataTable::set_max_rows(int n) {
  max_rows_ = n;
  updateGeometry();
}

void DataTable::fit() {
  const QFontMetrics metrics(font());
  QFont bold = font();
  bold.setBold(true);
  // With fractions of pixels, as cells are laid out.
  const QFontMetricsF plain_metrics(font()), bold_metrics(bold);
  const int room = kCellPadding + 2 * cell_margin(this) + 1;
  verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  verticalHeader()->setDefaultSectionSize(metrics.height() + kCellPadding);
  horizontalHeader()->setFixedHeight(metrics.height() + kCellPadding + 2);
  const Table& table = model_.table();
  for (int column = 0; column < model_.columnCount(); ++column) {
    const auto at = static_cast<std::size_t>(column);
    double width = bold_metrics.horizontalAdvance(table.columns[at].title);
    for (std::size_t row = 0; row < table.rows.size() && row < kMeasuredRows; ++row) {
      if (at >= table.rows[row].size()) continue;
      const TableCell& cell = table.rows[row][at];
      width = std::max(width, (is_bold(cell.tone) ? bold_metrics : plain_metrics).horizontalAdvance(cell.text));
    }
    setColumnWidth(column, std::min(static_cast<int>(std::ceil(width)) + room, kMaxColumnWidth));
  }
  horizontalHeader()->setStretchLastSection(!table.columns.empty() && !table.columns.back().is_figure);
  updateGeometry();
}

QSize DataTable::sizeHint() const {
  const int rows = std::min(model_.rowCount(), max_rows_);
  int height = horizontalHeader()->height() + std::max(rows, 1) * verticalHeader()->defaultSectionSize() + 2;
  if (horizontalHeader()->length() > viewport()->width()) height += horizontalScrollBar()->sizeHint().height();
  return {std::min(horizontalHeader()->length(), 600), height};
}

QSize DataTable::minimumSizeHint() const { return {200, sizeHint().height()}; }

void DataTable::copyAsCsv() const { QApplication::clipboard()->setText(table_csv(model_.table())); }

void DataTable::changeEvent(QEvent* event) {
  QTableView::changeEvent(event);
  if (event->type() == QEvent::FontChange) fit();
}

void DataTable::contextMenuEvent(QContextMenuEvent* event) {
  QMenu menu(this);
  menu.addActions(actions());
  menu.exec(event->globalPos());
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
  view->setMinimumSize(260, height);
  view->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  view->setFixedHeight(height);
  return view;
}

}  // namespace assay::gui

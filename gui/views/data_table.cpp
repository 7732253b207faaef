#include "gui/views/data_table.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QHeaderView>
#include <QMenu>
#include <QPainter>
#include <QRegularExpression>
#include <QScrollBar>
#include <QStyledItemDelegate>
#include <QTextLayout>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "gui/views/theme.h"

namespace assay::gui {

namespace {

constexpr int kCellPadding = 12;
constexpr int kLeastTextWidth = 130;  // of a column whose texts wrap
constexpr int kMostWordWidth = 280;   // for which such a column is kept wider
constexpr int kScrolledWidth = 300;   // of such a column in a table that has to be scrolled anyway
constexpr int kMostLines = 8;         // of a cell; its tooltip has the rest
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
    // Only texts of rows that were made higher wrap.
    const bool is_low = option->rect.height() < 2 * option->fontMetrics.height();
    if (is_low || (option->displayAlignment & Qt::AlignRight) != 0) {
      option->features &= ~QStyleOptionViewItem::WrapText;
    }
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
    if (rect.height() < 2 * fontMetrics().height()) {
      painter->drawText(inner, alignment | Qt::TextSingleLine,
                        fontMetrics().elidedText(title, Qt::ElideRight, inner.width()));
    } else {
      painter->drawText(inner, alignment | Qt::TextWordWrap, title);
    }
  }
};

/// The width of the widest word, where words end as lines may.
double widest_word(const QString& text, const QFontMetricsF& metrics) {
  static const QRegularExpression ends("[ /-]");
  double widest = 0;
  for (const QString& word : text.split(ends)) widest = std::max(widest, metrics.horizontalAdvance(word + "-"));
  return widest;
}

/// How many lines a text takes where it is so wide, as the style breaks it.
int n_lines(const QString& text, const QFont& font, double width) {
  QTextLayout layout(text, font);
  QTextOption option;
  option.setWrapMode(QTextOption::WordWrap);
  layout.setTextOption(option);
  layout.beginLayout();
  int n = 0;
  while (n < kMostLines) {
    QTextLine line = layout.createLine();
    if (!line.isValid()) break;
    line.setLineWidth(width);
    ++n;
  }
  layout.endLayout();
  return std::max(1, n);
}

/// The width that the widest of these get so that all have room together: the others stay as they are.
int level_of(std::vector<int> widths, int room) {
  std::sort(widths.begin(), widths.end());
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const int share = room / static_cast<int>(widths.size() - i);
    if (widths[i] > share) return share;
    room -= widths[i];
  }
  return widths.empty() ? 0 : widths.back();
}

}  // namespace

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
  setWordWrap(true);
  setTextElideMode(Qt::ElideRight);
  setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
  setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
  verticalHeader()->hide();
  verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
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
  measure();
  lay_out();
}

void DataTable::set_max_rows(int n) {
  max_rows_ = n;
  updateGeometry();
}

int DataTable::room_of_cell() const { return kCellPadding + 2 * cell_margin(this) + 1; }

void DataTable::measure() {
  QFont bold = font();
  bold.setBold(true);
  // With fractions of pixels, as cells are laid out.
  const QFontMetricsF plain_metrics(font()), bold_metrics(bold);
  const auto whole = [&](double width) { return static_cast<int>(std::ceil(width)) + room_of_cell(); };
  const Table& table = model_.table();
  widths_.clear();
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    const QString& title = table.columns[column].title;
    double cells = 0, word = widest_word(title, bold_metrics);
    for (std::size_t row = 0; row < table.rows.size() && row < kMeasuredRows; ++row) {
      if (column >= table.rows[row].size()) continue;
      const TableCell& cell = table.rows[row][column];
      const QFontMetricsF& metrics = is_bold(cell.tone) ? bold_metrics : plain_metrics;
      cells = std::max(cells, metrics.horizontalAdvance(cell.text));
      if (!table.columns[column].is_figure) word = std::max(word, widest_word(cell.text, metrics));
    }
    ColumnWidth& width = widths_.emplace_back();
    width.in_one_line = whole(std::max(cells, bold_metrics.horizontalAdvance(title)));
    width.least = table.columns[column].is_figure
                      ? whole(std::max(cells, word))
                      : std::min(width.in_one_line, std::clamp(whole(word), kLeastTextWidth, kMostWordWidth));
  }
}

std::vector<int> DataTable::fitted_widths(int room) const {
  std::vector<int> widths;
  for (const ColumnWidth& width : widths_) widths.push_back(width.in_one_line);
  if (std::accumulate(widths.begin(), widths.end(), 0) <= room) return widths;
  // Figures get what they need; texts share the rest, but for those that would get too little.
  std::vector<std::size_t> sharing;
  for (std::size_t column = 0; column < widths.size(); ++column) {
    if (!model_.table().columns[column].is_figure) sharing.push_back(column);
    widths[column] = widths_[column].least;
  }
  if (std::accumulate(widths.begin(), widths.end(), 0) > room) {
    for (const std::size_t column : sharing) {
      widths[column] = std::min(widths_[column].in_one_line, std::max(widths_[column].least, kScrolledWidth));
    }
    return widths;
  }
  for (bool is_settled = false; !is_settled;) {
    is_settled = true;
    std::vector<int> wanted;
    int taken = std::accumulate(widths.begin(), widths.end(), 0);
    for (const std::size_t column : sharing) {
      wanted.push_back(widths_[column].in_one_line);
      taken -= widths_[column].least;
    }
    const int level = level_of(wanted, room - taken);
    const auto n_before = sharing.size();
    std::erase_if(sharing, [&](std::size_t column) { return widths_[column].least > level; });
    is_settled = sharing.size() == n_before;
    if (!is_settled) continue;
    for (const std::size_t column : sharing) widths[column] = std::min(widths_[column].in_one_line, level);
  }
  return widths;
}

void DataTable::lay_out() {
  const Table& table = model_.table();
  const std::vector<int> widths = fitted_widths(viewport()->width());
  const int line = fontMetrics().height();
  int n_header_lines = 1;
  bool is_wrapped = false;
  for (std::size_t column = 0; column < widths.size(); ++column) {
    setColumnWidth(static_cast<int>(column), widths[column]);
    if (widths[column] >= widths_[column].in_one_line) continue;
    is_wrapped = true;
    n_header_lines = std::max(n_header_lines, n_lines(table.columns[column].title, horizontalHeader()->font(),
                                                      widths[column] - room_of_cell() + 1));
  }
  const int header_height = n_header_lines * line + kCellPadding + 2;
  if (horizontalHeader()->minimumHeight() != header_height) {
    horizontalHeader()->setFixedHeight(header_height);
    // The rows begin below it. A view that is just being laid out does nothing of it, so once more when it has been.
    updateGeometries();
    QMetaObject::invokeMethod(this, &DataTable::updateGeometries, Qt::QueuedConnection);
  }
  horizontalHeader()->setStretchLastSection(!table.columns.empty() && !table.columns.back().is_figure);
  verticalHeader()->setDefaultSectionSize(line + kCellPadding);
  for (int row = 0; row < model_.rowCount(); ++row) {
    const int height = (is_wrapped ? n_lines_of_row(row) : 1) * line + kCellPadding;
    if (rowHeight(row) != height) setRowHeight(row, height);
  }
  updateGeometry();
}

int DataTable::n_lines_of_row(int row) const {
  QFont bold = font();
  bold.setBold(true);
  const QFontMetricsF plain_metrics(font()), bold_metrics(bold);
  const std::vector<TableCell>& cells = model_.table().rows[static_cast<std::size_t>(row)];
  int most = 1;
  for (std::size_t column = 0; column < cells.size() && column < widths_.size(); ++column) {
    const TableCell& cell = cells[column];
    const double width = columnWidth(static_cast<int>(column)) - room_of_cell() + 1;
    const bool is_wide = (is_bold(cell.tone) ? bold_metrics : plain_metrics).horizontalAdvance(cell.text) > width;
    if (!is_wide || cell.is_figure || model_.table().columns[column].is_figure) continue;
    most = std::max(most, n_lines(cell.text, is_bold(cell.tone) ? bold : font(), width));
  }
  return most;
}

QSize DataTable::sizeHint() const {
  const int n_rows = std::min(model_.rowCount(), max_rows_);
  int height = horizontalHeader()->height() + 2;
  if (n_rows == 0) height += verticalHeader()->defaultSectionSize();
  for (int row = 0; row < n_rows; ++row) height += rowHeight(row);
  if (horizontalHeader()->length() > viewport()->width()) height += horizontalScrollBar()->sizeHint().height();
  return {std::min(horizontalHeader()->length(), 600), height};
}

QSize DataTable::minimumSizeHint() const { return {200, sizeHint().height()}; }

void DataTable::resizeEvent(QResizeEvent* event) {
  QTableView::resizeEvent(event);
  if (event->size().width() != event->oldSize().width()) lay_out();
}

void DataTable::paintEvent(QPaintEvent* event) {
  QTableView::paintEvent(event);
  if (model_.rowCount() > 0) return;
  QPainter painter(viewport());
  painter.setPen(theme_of(palette()).muted_text);
  const QRect first(0, 0, viewport()->width(), verticalHeader()->defaultSectionSize());
  painter.drawText(first.adjusted(room_of_cell() / 2, 0, 0, 0), Qt::AlignVCenter, "none");
}

void DataTable::copyAsCsv() const { QApplication::clipboard()->setText(table_csv(model_.table())); }

void DataTable::changeEvent(QEvent* event) {
  QTableView::changeEvent(event);
  if (event->type() != QEvent::FontChange) return;
  measure();
  lay_out();
}

void DataTable::contextMenuEvent(QContextMenuEvent* event) {
  QMenu menu(this);
  menu.addActions(actions());
  menu.exec(event->globalPos());
}

}  // namespace assay::gui

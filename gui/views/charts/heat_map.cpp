#include "gui/views/charts/heat_map.h"

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QMenu>
#include <QPainter>
#include <QScrollBar>
#include <QToolTip>
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "gui/models/plain_text.h"
#include "gui/views/theme.h"

namespace assay::gui {

namespace {

constexpr int kHeatPadding = 6;
constexpr int kNarrowest = 26, kWidest = 140;  // a column
constexpr int kMostNameWidth = 260, kMostNameHeight = 130;
constexpr int kTurnBelow = 72;       // columns that are narrower have turned names
constexpr int kNamesMeasured = 200;  // of many names only some are measured
constexpr int kNameLength = 120;
constexpr double kStrong = 0.5, kFaint = 0.16;  // how opaque a cell's colour is

QColor see_through(QColor color, double alpha) {
  color.setAlphaF(static_cast<float>(alpha));
  return color;
}

int widest_name(int n, const QFontMetrics& metrics, const std::function<QString(int)>& name) {
  int width = 0;
  const int every = std::max(1, n / kNamesMeasured);
  for (int i = 0; i < n; i += every) {
    width = std::max(width, metrics.horizontalAdvance(visible_text(name(i), kNameLength)));
  }
  return width + 2;
}

}  // namespace

HeatMap::HeatMap(QWidget* parent) : QAbstractScrollArea(parent) {
  install_parts_accessibility();
  setFocusPolicy(Qt::StrongFocus);
  setFrameShape(QFrame::NoFrame);
  viewport()->setMouseTracking(true);
  viewport()->setAttribute(Qt::WA_OpaquePaintEvent);
  setAccessibleName("Heat map of outcomes");
  measure();
}

HeatMap::~HeatMap() = default;

bool HeatMap::has_cells() const { return source_ != nullptr && source_->n_rows() > 0 && source_->n_columns() > 0; }

void HeatMap::set_source(const HeatMapSource* source, const QString& empty_text) {
  source_ = source;
  empty_text_ = empty_text;
  current_row_ = current_column_ = -1;
  source_changed();
}

void HeatMap::source_changed() {
  if (!has_cells() || current_row_ >= source_->n_rows() || current_column_ >= source_->n_columns()) {
    current_row_ = current_column_ = -1;
  }
  measure();
  viewport()->update();
}

void HeatMap::measure() {
  if (is_measuring_) return;
  is_measuring_ = true;
  for (int round = 0; round < 3; ++round) {
    const QSize before = viewport()->size();
    measure_once();
    if (viewport()->size() == before) break;
  }
  is_measuring_ = false;
}

void HeatMap::measure_once() {
  QFont bold = font();  // of the current row and column
  bold.setBold(true);
  const QFontMetrics metrics(bold);
  measures_ = {};
  measures_.row_height = metrics.height() + kHeatPadding;
  if (!has_cells()) {
    horizontalScrollBar()->setRange(0, 0);
    verticalScrollBar()->setRange(0, 0);
    return;
  }
  const int n_columns = source_->n_columns();
  const auto row_name = [&](int row) { return source_->row_name(row); };
  const auto column_name = [&](int column) { return source_->column_name(column); };
  measures_.names_width = std::min({widest_name(source_->n_rows(), metrics, row_name) + 2 * kHeatPadding,
                                    kMostNameWidth, std::max(40, viewport()->width() * 2 / 5)});
  const int free_width = std::max(0, viewport()->width() - measures_.names_width);
  measures_.column_width = std::clamp(free_width / n_columns, kNarrowest, kWidest);
  measures_.turns_names = measures_.column_width < kTurnBelow;
  measures_.names_height =
      measures_.turns_names ? std::min({widest_name(n_columns, metrics, column_name) + 2 * kHeatPadding,
                                        kMostNameHeight, std::max(measures_.row_height, viewport()->height() * 2 / 5)})
                            : measures_.row_height + 2;

  const int free_height = std::max(1, viewport()->height() - measures_.names_height);
  // In pixels, 64 bits first: scroll bars hold int.
  const auto limit = [](std::int64_t size, int page) {
    return static_cast<int>(std::clamp<std::int64_t>(size - page, 0, std::numeric_limits<int>::max() / 2));
  };
  verticalScrollBar()->setRange(0, limit(std::int64_t{source_->n_rows()} * measures_.row_height, free_height));
  verticalScrollBar()->setPageStep(free_height);
  verticalScrollBar()->setSingleStep(measures_.row_height);
  horizontalScrollBar()->setRange(0, limit(std::int64_t{n_columns} * measures_.column_width, free_width));
  horizontalScrollBar()->setPageStep(std::max(1, free_width));
  horizontalScrollBar()->setSingleStep(measures_.column_width);
}

QRect HeatMap::cell_box(int row, int column) const {
  const std::int64_t x =
      measures_.names_width + std::int64_t{column} * measures_.column_width - horizontalScrollBar()->value();
  const std::int64_t y =
      measures_.names_height + std::int64_t{row} * measures_.row_height - verticalScrollBar()->value();
  return {static_cast<int>(x), static_cast<int>(y), measures_.column_width, measures_.row_height};
}

QPoint HeatMap::cell_at(const QPoint& at) const {
  if (!has_cells() || at.x() < measures_.names_width || at.y() < measures_.names_height) return {-1, -1};
  const int column = (at.x() - measures_.names_width + horizontalScrollBar()->value()) / measures_.column_width;
  const int row = (at.y() - measures_.names_height + verticalScrollBar()->value()) / measures_.row_height;
  if (column >= source_->n_columns() || row >= source_->n_rows()) return {-1, -1};
  return {column, row};
}

void HeatMap::set_current(int row, int column) {
  if (!has_cells() || row < 0 || column < 0 || row >= source_->n_rows() || column >= source_->n_columns()) return;
  const bool is_other = row != current_row_ || column != current_column_;
  current_row_ = row;
  current_column_ = column;
  const QRect box = cell_box(row, column);
  const QRect free(measures_.names_width, measures_.names_height, viewport()->width() - measures_.names_width,
                   viewport()->height() - measures_.names_height);
  const auto scroll = [](QScrollBar& bar, int begin, int end, int low, int high) {
    if (begin < low) bar.setValue(bar.value() + begin - low);
    if (end > high) bar.setValue(bar.value() + end - high);
  };
  scroll(*verticalScrollBar(), box.top(), box.bottom(), free.top(), free.bottom());
  scroll(*horizontalScrollBar(), box.left(), box.right(), free.left(), free.right());
  viewport()->update();
  if (!is_other) return;
  announce_part(*this, current_part());
  emit currentChanged(row, column);
}

void HeatMap::paintEvent(QPaintEvent*) {
  QPainter painter(viewport());
  const Theme& theme = theme_of(palette());
  painter.fillRect(viewport()->rect(), theme.panel);
  painter.setFont(font());
  if (!has_cells()) {
    painter.setPen(theme.muted_text);
    const QString text = empty_text_.isEmpty() ? "No items to show" : visible_text(empty_text_);
    painter.drawText(viewport()->rect().adjusted(24, 24, -24, -24), Qt::AlignCenter | Qt::TextWordWrap, text);
    return;
  }
  const int first_row = verticalScrollBar()->value() / measures_.row_height;
  const int first_column = horizontalScrollBar()->value() / measures_.column_width;
  const int n_rows = viewport()->height() / measures_.row_height + 2;
  const int n_columns = viewport()->width() / measures_.column_width + 2;
  const QRect visible(QPoint(first_column, first_row),
                      QPoint(std::min(source_->n_columns(), first_column + n_columns) - 1,
                             std::min(source_->n_rows(), first_row + n_rows) - 1));
  painter.save();
  painter.setClipRect(viewport()->rect().adjusted(measures_.names_width, measures_.names_height, 0, 0));
  paint_cells(painter, visible);
  painter.restore();
  paint_names(painter, visible);
}

void HeatMap::paint_cells(QPainter& painter, const QRect& visible) const {
  const Theme& theme = theme_of(palette());
  const QColor correct = outcome_color(theme, results::Verdict::correct);
  for (int row = visible.top(); row <= visible.bottom(); ++row) {
    for (int column = visible.left(); column <= visible.right(); ++column) {
      const QRect box = cell_box(row, column).adjusted(1, 1, 0, 0);
      const std::optional<HeatCell> cell = source_->cell(row, column);
      if (!cell) {
        painter.setPen(theme.muted_text);
        painter.drawText(box, Qt::AlignCenter, QString(QChar(0x2014)));
        continue;
      }
      const double ratio = std::clamp(cell->correct_ratio, 0.0, 1.0);
      const QColor color = outcome_color(theme, cell->verdict);
      const bool is_pure = cell->verdict == results::Verdict::correct ? ratio == 1 : ratio == 0;
      // Calm colours under a letter in the text's colour: strong for what all samples are, faint under a mixture.
      painter.fillRect(box, see_through(color, is_pure ? kStrong : kFaint));
      if (ratio > 0 && !is_pure) {
        const int filled = std::clamp(static_cast<int>(std::lround(ratio * box.width())), 1, box.width());
        painter.fillRect(QRect(box.topLeft(), QSize(filled, box.height())), see_through(correct, kStrong));
      }
      painter.setPen(theme.text);
      painter.drawText(box, Qt::AlignCenter, QString(outcome_letter(cell->verdict)));
    }
  }
  if (current_row_ < 0) return;
  painter.setPen(QPen(hasFocus() ? theme.text : theme.muted_text, 2));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(cell_box(current_row_, current_column_).adjusted(1, 1, 0, 0));
}

void HeatMap::paint_names(QPainter& painter, const QRect& visible) const {
  const Theme& theme = theme_of(palette());
  const QFontMetrics metrics(font());
  QFont bold = font();
  bold.setBold(true);
  const auto choose_font = [&](bool is_current) {
    painter.setFont(is_current ? bold : font());
    painter.setPen(is_current ? theme.text : theme.muted_text);
  };
  painter.save();
  painter.setClipRect(QRect(0, measures_.names_height, measures_.names_width, viewport()->height()));
  for (int row = visible.top(); row <= visible.bottom(); ++row) {
    choose_font(row == current_row_);
    const QRect box(kHeatPadding, cell_box(row, 0).top(), measures_.names_width - 2 * kHeatPadding,
                    measures_.row_height);
    const QString name = visible_text(source_->row_name(row), kNameLength);
    painter.drawText(box, Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine,
                     painter.fontMetrics().elidedText(name, Qt::ElideMiddle, box.width()));
  }
  painter.setClipRect(QRect(measures_.names_width, 0, viewport()->width(), measures_.names_height));
  for (int column = visible.left(); column <= visible.right(); ++column) {
    choose_font(column == current_column_);
    const QRect box(cell_box(0, column).left(), 0, measures_.column_width, measures_.names_height);
    const int length = (measures_.turns_names ? box.height() : box.width()) - kHeatPadding;
    const QString name = painter.fontMetrics().elidedText(visible_text(source_->column_name(column), kNameLength),
                                                          Qt::ElideMiddle, length);
    if (!measures_.turns_names) {
      painter.drawText(box, Qt::AlignCenter | Qt::TextSingleLine, name);
      continue;
    }
    painter.save();
    painter.translate(box.bottomLeft() + QPoint(0, 1));
    painter.rotate(-90);
    painter.drawText(QRect(kHeatPadding / 2, 0, box.height() - kHeatPadding, box.width()),
                     Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine, name);
    painter.restore();
  }
  painter.restore();
  painter.setPen(theme.line);
  painter.drawLine(measures_.names_width, measures_.names_height, viewport()->width(), measures_.names_height);
  painter.drawLine(measures_.names_width, measures_.names_height, measures_.names_width, viewport()->height());
}

void HeatMap::resizeEvent(QResizeEvent* event) {
  QAbstractScrollArea::resizeEvent(event);
  measure();
}

void HeatMap::scrollContentsBy(int, int) { viewport()->update(); }

void HeatMap::keyPressEvent(QKeyEvent* event) {
  if (event->matches(QKeySequence::Copy)) {
    QApplication::clipboard()->setText(as_csv());
    return;
  }
  if (!has_cells()) return QAbstractScrollArea::keyPressEvent(event);
  const bool is_far = event->modifiers() & Qt::ControlModifier;
  const int last_row = source_->n_rows() - 1, last_column = source_->n_columns() - 1;
  const int page = std::max(1, (viewport()->height() - measures_.names_height) / measures_.row_height - 1);
  int row = std::max(0, current_row_), column = std::max(0, current_column_);
  const bool is_first_key = current_row_ < 0;  // the first arrow shows where the cursor is
  const int step = is_first_key ? 0 : 1;
  switch (event->key()) {
    case Qt::Key_Left:
      column -= step;
      break;
    case Qt::Key_Right:
      column += step;
      break;
    case Qt::Key_Up:
      row -= step;
      break;
    case Qt::Key_Down:
      row += step;
      break;
    case Qt::Key_PageUp:
      row -= page;
      break;
    case Qt::Key_PageDown:
      row += page;
      break;
    case Qt::Key_Home:
      column = 0;
      if (is_far) row = 0;
      break;
    case Qt::Key_End:
      column = last_column;
      if (is_far) row = last_row;
      break;
    case Qt::Key_Return:
    case Qt::Key_Enter:
      if (!is_first_key) emit chosen(current_row_, current_column_);
      return;
    default:
      return QAbstractScrollArea::keyPressEvent(event);
  }
  set_current(std::clamp(row, 0, last_row), std::clamp(column, 0, last_column));
}

void HeatMap::mousePressEvent(QMouseEvent* event) {
  const QPoint at = cell_at(event->position().toPoint());
  if (event->button() != Qt::LeftButton || at.x() < 0) return QAbstractScrollArea::mousePressEvent(event);
  set_current(at.y(), at.x());
  emit chosen(at.y(), at.x());
}

void HeatMap::contextMenuEvent(QContextMenuEvent* event) {
  QMenu menu(this);
  menu.addAction("&Copy data as CSV", QKeySequence::Copy, this,
                 [this] { QApplication::clipboard()->setText(as_csv()); });
  const bool by_key = event->reason() == QContextMenuEvent::Keyboard && current_row_ >= 0;
  menu.exec(by_key ? viewport()->mapToGlobal(cell_box(current_row_, current_column_).center()) : event->globalPos());
}

bool HeatMap::viewportEvent(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QAbstractScrollArea::viewportEvent(event);
  const auto* help = static_cast<QHelpEvent*>(event);
  const QPoint at = cell_at(help->pos());
  if (at.x() < 0) {
    QToolTip::hideText();
  } else {
    QToolTip::showText(help->globalPos(), tooltip_html(source_->tooltip(at.y(), at.x())), viewport(),
                       cell_box(at.y(), at.x()));
  }
  return true;
}

void HeatMap::changeEvent(QEvent* event) {
  QAbstractScrollArea::changeEvent(event);
  if (event->type() == QEvent::FontChange) measure();
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) viewport()->update();
}

void HeatMap::focusInEvent(QFocusEvent* event) {
  QAbstractScrollArea::focusInEvent(event);
  viewport()->update();
}

void HeatMap::focusOutEvent(QFocusEvent* event) {
  QAbstractScrollArea::focusOutEvent(event);
  viewport()->update();
}

QString HeatMap::as_csv() const { return has_cells() ? heat_map_csv(*source_) : QString(); }

int HeatMap::n_parts() const {
  if (!has_cells()) return 0;
  const std::int64_t n = std::int64_t{source_->n_rows()} * source_->n_columns();
  return static_cast<int>(std::min<std::int64_t>(n, std::numeric_limits<int>::max()));
}

QString HeatMap::part_name(int part) const {
  if (part < 0 || part >= n_parts()) return {};
  return visible_text(source_->tooltip(part / source_->n_columns(), part % source_->n_columns()), 1000, true);
}

QRect HeatMap::part_box(int part) const {
  if (part < 0 || part >= n_parts()) return {};
  return cell_box(part / source_->n_columns(), part % source_->n_columns());
}

int HeatMap::part_at(const QPoint& at) const {
  const QPoint cell = cell_at(at);
  return cell.x() < 0 ? -1 : cell.y() * source_->n_columns() + cell.x();
}

int HeatMap::current_part() const {
  return has_cells() && current_row_ >= 0 ? current_row_ * source_->n_columns() + current_column_ : -1;
}

void HeatMap::choose_part(int part) {
  if (part < 0 || part >= n_parts()) return;
  set_current(part / source_->n_columns(), part % source_->n_columns());
  emit chosen(current_row_, current_column_);
}

QString HeatMap::description() const {
  if (!has_cells()) return empty_text_;
  return QString("%1 items in %2 runs; each cell is the most frequent outcome and the share of correct samples")
      .arg(source_->n_rows())
      .arg(source_->n_columns());
}

}  // namespace assay::gui

#include "gui/views/charts/chart_view.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QFileDialog>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMessageBox>
#include <QPainter>
#include <QPixmap>
#include <QToolTip>
#include <algorithm>
#include <cmath>
#include <optional>

#include "gui/models/plain_text.h"
#include "gui/views/charts/chart_files.h"
#include "gui/views/charts/hit_grid.h"
#include "gui/views/charts/paint.h"
#include "gui/views/charts/tip.h"

namespace assay::gui {

namespace {

constexpr int kPage = 10;             // marks that a Page key goes on
constexpr int kUsualTexts = 130;      // pixels of height for title, one line of names, axis and a note
constexpr int kEmptyHeight = 104;     // of a chart with nothing to draw, without the lines of what is missing
constexpr int kMostMissingLines = 4;  // of those
constexpr int kMostFitted = 20'000;   // points of a chart that is laid out anew to find its height

QString cell_tooltip(const Chart& chart, const Scene& scene, const SceneMark& mark) {
  const auto stretch = [](const ChartAxis& axis, const AxisMap& map, double from, double to) {
    const auto [low, high] = std::minmax(map.value(from), map.value(to));
    const QString title = axis.title.isEmpty() ? QString() : visible_text(axis.title, 120) + ": ";
    return QString("%1%2 to %3").arg(title, axis_value(axis, low), axis_value(axis, high));
  };
  const QString& name = chart.series[static_cast<std::size_t>(mark.series)].name;
  return QString("%1 %2 here%3\n%4\n%5")
      .arg(mark.n_points)
      .arg(mark.n_points == 1 ? "point" : "points", name.isEmpty() ? QString() : ": " + visible_text(name, 120),
           stretch(chart.x, scene.x.map, mark.box.left(), mark.box.right()),
           stretch(chart.y, scene.y.map, mark.box.top(), mark.box.bottom()));
}

// What a mark is of, whatever its value.
QString mark_identity(const Chart& chart, const SceneMark& mark) {
  const ChartSeries& series = chart.series[static_cast<std::size_t>(mark.series)];
  const ChartPoint& point = series.points[static_cast<std::size_t>(mark.point)];
  return QStringList{series.name, point.key, point.label}.join('\n');
}

ChartFileOptions file_options(const ChartView& view) { return {view.size(), 2, theme_of(view.palette()), view.font()}; }

}  // namespace

struct ChartView::State {
  Chart chart;
  Scene scene;
  HitGrid grid;
  QPixmap picture;  // the chart without what the pointer adds
  bool has_scene = false;
  int height = 0;  // of set_height(); 0: not fixed
  int current = -1;
  bool is_pinned = false;
};

ChartView::ChartView(QWidget* parent) : QWidget(parent), state_(std::make_unique<State>()) {
  install_parts_accessibility();
  setMinimumSize(160, 120);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
  setFocusPolicy(Qt::StrongFocus);
  setMouseTracking(true);
  setAttribute(Qt::WA_OpaquePaintEvent);
  add_actions();
}

ChartView::~ChartView() = default;

void ChartView::add_actions() {
  setContextMenuPolicy(Qt::ActionsContextMenu);
  const auto add = [this](const QString& name, const QString& text, const auto& slot) {
    auto* action = new QAction(text, this);
    action->setObjectName(name);
    connect(action, &QAction::triggered, this, slot);
    addAction(action);
    return action;
  };
  QAction* copy = add("copy_data", "&Copy data as CSV", [this] { copy_data(); });
  copy->setShortcut(QKeySequence::Copy);
  copy->setShortcutContext(Qt::WidgetShortcut);
  add("copy_picture", "Copy pict&ure", [this] { copy_picture(); });
  add("save_png", "Save as &PNG…", [this] { save_as("png"); });
  add("save_svg", "Save as &SVG…", [this] { save_as("svg"); });
  add("save_pdf", "Save as P&DF…", [this] { save_as("pdf"); });
  add("save_csv", "Save data as CS&V…", [this] { save_as("csv"); });
}

void ChartView::set_chart(Chart chart) {
  std::optional<SceneMark> current;
  QString name;
  if (state_->current >= 0) scene();  // after a resize it may be gone
  if (state_->current >= 0) {
    current = state_->scene.marks[static_cast<std::size_t>(state_->current)];
    name = mark_identity(state_->chart, *current);
  }
  const bool was_pinned = state_->is_pinned;
  state_->chart = std::move(chart);
  state_->current = -1;
  state_->is_pinned = false;
  setAccessibleName(visible_text(state_->chart.title.isEmpty() ? "Chart" : state_->chart.title));
  forget_scene();
  fit_height();
  if (!current) return;
  // A chart that is drawn anew, as of a run that goes on, keeps the mark that is being read.
  const std::vector<SceneMark>& marks = scene().marks;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const bool is_same = marks[i].series == current->series && marks[i].point == current->point &&
                         marks[i].kind == current->kind && mark_identity(state_->chart, marks[i]) == name;
    if (!is_same) continue;
    state_->current = static_cast<int>(i);
    state_->is_pinned = was_pinned;
    return;
  }
}

const Chart& ChartView::chart() const { return state_->chart; }

void ChartView::set_height(int height) {
  state_->height = height;
  fit_height();
}

void ChartView::fit_height() {
  if (state_->height == 0) return;
  const Chart& chart = state_->chart;
  std::size_t n_points = 0;
  for (const ChartSeries& series : chart.series) n_points += series.points.size();
  int height = state_->height;
  if (n_points == 0) {
    const auto n_missing = std::min<qsizetype>(chart.missing.size(), kMostMissingLines);
    height = std::min(height, kEmptyHeight + fontMetrics().height() * static_cast<int>(n_missing));
  } else if (n_points <= kMostFitted) {
    const double plot = std::max(0, state_->height - kUsualTexts);
    constexpr int kMostTries = 3;  // notes get more lines in a higher chart
    for (int i = 0; i < kMostTries; ++i) {
      const double drawn = gui::layout(chart, QSizeF(width(), height), theme_of(palette()), font()).plot.height();
      if (drawn >= plot) break;
      height = std::min(2 * state_->height, height + static_cast<int>(std::ceil(plot - drawn)));
    }
  }
  if (height != minimumHeight() || height != maximumHeight()) setFixedHeight(height);
}

const Scene& ChartView::scene() const {
  if (!state_->has_scene) {
    state_->scene = gui::layout(state_->chart, size(), theme_of(palette()), font());
    state_->grid = HitGrid(state_->scene);
    state_->has_scene = true;
    state_->picture = {};
    if (state_->current >= static_cast<int>(state_->scene.marks.size())) state_->current = -1;
  }
  return state_->scene;
}

void ChartView::forget_scene() {
  state_->has_scene = false;
  update();
}

int ChartView::current_mark() const { return state_->current; }
bool ChartView::is_pinned() const { return state_->is_pinned; }

void ChartView::pin(bool pinned) {
  state_->is_pinned = pinned && state_->current >= 0;
  update();
}

void ChartView::set_current_mark(int mark) {
  if (mark < -1 || mark >= n_parts() || mark == state_->current) return;
  state_->current = mark;
  state_->is_pinned = false;
  if (mark >= 0 && hasFocus()) announce_part(*this, mark);
  update();
}

Result<> ChartView::save(const QString& path) const { return save_chart(state_->chart, path, file_options(*this)); }

void ChartView::save_as(const QString& ending) {
  QString name = state_->chart.title.isEmpty() ? "chart" : visible_text(state_->chart.title, 60);
  for (QChar& c : name) {
    if (!c.isLetterOrNumber() && c != '-' && c != ' ') c = '_';
  }
  QString path = QFileDialog::getSaveFileName(this, "Save the chart", QString("%1.%2").arg(name, ending),
                                              QString("%1 (*.%2)").arg(ending.toUpper(), ending));
  if (path.isEmpty()) return;
  if (!chart_format_of(path)) path += '.' + ending;
  const Result<> saved = save(path);
  if (saved) return;
  QMessageBox box(QMessageBox::Warning, "The chart was not saved",
                  visible_text(QString::fromStdString(saved.error().message), 1000), QMessageBox::Ok, this);
  box.setTextFormat(Qt::PlainText);
  box.exec();
}

void ChartView::copy_data() const { QApplication::clipboard()->setText(chart_csv(state_->chart)); }

void ChartView::copy_picture() const {
  QApplication::clipboard()->setImage(chart_image(state_->chart, file_options(*this)));
}

void ChartView::paintEvent(QPaintEvent*) {
  const Scene& shown = scene();
  const double ratio = devicePixelRatioF();
  if (state_->picture.isNull() || state_->picture.devicePixelRatio() != ratio) {
    state_->picture = QPixmap((QSizeF(size()) * ratio).toSize());
    state_->picture.setDevicePixelRatio(ratio);
    QPainter painter(&state_->picture);
    gui::paint(painter, shown);
  }
  QPainter painter(this);
  painter.drawPixmap(0, 0, state_->picture);
  paint_hover(painter);
}

void ChartView::paint_hover(QPainter& painter) const {
  const Scene& shown = state_->scene;
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setBrush(Qt::NoBrush);
  if (hasFocus()) {
    painter.setPen(QPen(shown.theme.accent, 1));
    painter.drawRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5));
  }
  if (state_->current < 0) return;
  const SceneMark& mark = shown.marks[static_cast<std::size_t>(state_->current)];
  const bool has_size = mark.kind == MarkKind::bar || mark.kind == MarkKind::cell;
  if (mark.kind == MarkKind::vertex) {
    const SeriesLook& look = shown.looks[static_cast<std::size_t>(mark.series)];
    paint_shape(painter, mark.at, look.shape, kMarkRadius, look.color, mark.is_hollow, shown.theme.panel);
  }
  painter.setPen(QPen(shown.theme.text, 1.5));
  painter.setBrush(Qt::NoBrush);
  if (has_size) {
    painter.drawRect(mark.box.adjusted(-1, -1, 1, 1));
  } else {
    painter.drawEllipse(mark.at, kMarkRadius + 3.5, kMarkRadius + 3.5);
  }
  const Tip tip = current_tip();
  paint_tip(painter, tip, shown.theme, font_of(shown, TextRole::label), state_->is_pinned);
}

Tip ChartView::current_tip() const {
  const SceneMark& mark = state_->scene.marks[static_cast<std::size_t>(state_->current)];
  return lay_out_tip(part_name(state_->current), mark.at, 12, QRectF(rect()).adjusted(4, 4, -4, -4),
                     font_of(state_->scene, TextRole::label));
}

bool ChartView::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QWidget::event(event);
  scene();  // the current mark is one of it
  // What the box over the chart has no room for.
  const bool is_cut = state_->current >= 0 && current_tip().is_cut;
  const auto* help = static_cast<QHelpEvent*>(event);
  QToolTip::showText(help->globalPos(), is_cut ? tooltip_html(part_name(state_->current)) : QString(), this);
  return true;
}

void ChartView::resizeEvent(QResizeEvent* event) {
  forget_scene();
  if (event->size().width() != event->oldSize().width()) fit_height();
}

void ChartView::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) forget_scene();
  if (event->type() == QEvent::FontChange) fit_height();
}

void ChartView::keyPressEvent(QKeyEvent* event) {
  const int n = n_parts();
  const int at = state_->current;
  if (event->matches(QKeySequence::Copy)) return copy_data();
  switch (event->key()) {
    case Qt::Key_Right:
    case Qt::Key_Down:
      return set_current_mark(std::min(at + 1, n - 1));
    case Qt::Key_Left:
    case Qt::Key_Up:
      return set_current_mark(at < 0 ? n - 1 : std::max(at - 1, 0));
    case Qt::Key_PageDown:
      return set_current_mark(std::min(at + kPage, n - 1));
    case Qt::Key_PageUp:
      return set_current_mark(n == 0 ? -1 : std::max(at - kPage, 0));
    case Qt::Key_Home:
      return set_current_mark(n == 0 ? -1 : 0);
    case Qt::Key_End:
      return set_current_mark(n - 1);
    case Qt::Key_Space:
      return pin(!state_->is_pinned);
    case Qt::Key_Return:
    case Qt::Key_Enter:
      return choose_part(at);
    case Qt::Key_Escape:
      if (at >= 0) return set_current_mark(-1);
      break;
    default:
      break;
  }
  QWidget::keyPressEvent(event);
}

void ChartView::mouseMoveEvent(QMouseEvent* event) {
  if (state_->is_pinned) return;
  const int mark = part_at(event->position().toPoint());
  set_current_mark(mark);
}

void ChartView::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return QWidget::mousePressEvent(event);
  const int mark = part_at(event->position().toPoint());
  const bool was_pinned = state_->is_pinned && mark == state_->current;
  set_current_mark(mark);
  pin(!was_pinned && mark >= 0);
}

void ChartView::mouseDoubleClickEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton) choose_part(part_at(event->position().toPoint()));
}

void ChartView::leaveEvent(QEvent*) {
  if (!state_->is_pinned) set_current_mark(-1);
}

void ChartView::focusInEvent(QFocusEvent* event) {
  QWidget::focusInEvent(event);
  update();
}

void ChartView::focusOutEvent(QFocusEvent* event) {
  QWidget::focusOutEvent(event);
  if (!state_->is_pinned && !underMouse()) set_current_mark(-1);
  update();
}

int ChartView::n_parts() const { return static_cast<int>(scene().marks.size()); }

QString ChartView::part_name(int part) const {
  if (part < 0 || part >= n_parts()) return {};
  const SceneMark& mark = state_->scene.marks[static_cast<std::size_t>(part)];
  if (mark.kind == MarkKind::cell) return cell_tooltip(state_->chart, state_->scene, mark);
  const ChartSeries& series = state_->chart.series[static_cast<std::size_t>(mark.series)];
  return point_tooltip(state_->chart, series, series.points[static_cast<std::size_t>(mark.point)]);
}

QRect ChartView::part_box(int part) const {
  if (part < 0 || part >= n_parts()) return {};
  return state_->scene.marks[static_cast<std::size_t>(part)].box.toAlignedRect();
}

int ChartView::part_at(const QPoint& at) const {
  const Scene& shown = scene();  // also fills the grid
  return state_->grid.find(shown, at);
}

void ChartView::choose_part(int part) {
  if (part < 0 || part >= n_parts()) return;
  set_current_mark(part);
  const SceneMark& mark = state_->scene.marks[static_cast<std::size_t>(part)];
  const QString& key =
      state_->chart.series[static_cast<std::size_t>(mark.series)].points[static_cast<std::size_t>(mark.point)].key;
  if (mark.kind != MarkKind::cell && !key.isEmpty()) emit chosen(key);
}

QString ChartView::description() const {
  QStringList lines;
  for (const QString& each : scene().missing) lines << "Not shown: " + visible_text(each);
  if (!state_->chart.note.isEmpty()) lines << visible_text(state_->chart.note, 1000);
  if (state_->scene.marks.empty() && !state_->chart.empty_text.isEmpty()) {
    lines.prepend(visible_text(state_->chart.empty_text));
  }
  return lines.join('\n');
}

}  // namespace assay::gui

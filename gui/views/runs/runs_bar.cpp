#include "gui/views/runs/runs_bar.h"

#include <QAction>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QPushButton>
#include <QToolButton>

#include "gui/models/figure_text.h"

namespace assay::gui {

namespace {
constexpr auto kColumnsKey = "runs.columns";
constexpr auto kHideEqualKey = "hide_equal";
constexpr int kMostFilterCharacters = 500;
}  // namespace

QList<RunColumn> chosen_columns(const ViewState& state) {
  QList<RunColumn> columns;
  const QString chosen = state.settings.value(kColumnsKey);
  for (const QString& key : chosen.split(',', Qt::SkipEmptyParts)) {
    if (const auto column = run_column(key)) columns << *column;
  }
  if (!columns.isEmpty()) return columns;
  for (int c = 0; c < kRunColumns; ++c) {
    if (facts_of(static_cast<RunColumn>(c)).is_shown) columns << static_cast<RunColumn>(c);
  }
  return columns;
}

bool hides_equal_columns(const ViewState& state) { return state.settings.value(kHideEqualKey) == "1"; }

RunsBar::RunsBar(const PageContext& context, QWidget* parent) : QWidget(parent), context_(context) {
  make_search();
  make_buttons();
  count_ = new QLabel;
  count_->setTextFormat(Qt::PlainText);
  count_->setForegroundRole(QPalette::PlaceholderText);
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(8);
  layout->addWidget(search_, 1);
  for (QWidget* widget : std::initializer_list<QWidget*>{count_, hide_equal_, columns_}) layout->addWidget(widget);
}

void RunsBar::make_search() {
  search_ = new QLineEdit;
  search_->setObjectName("search");
  search_->setPlaceholderText(tr("Filter: words of name, model, suite, hardware, tag, command…"));
  search_->setAccessibleName(tr("Filter the runs by words"));
  search_->setClearButtonEnabled(true);
  search_->setMaxLength(kMostFilterCharacters);
  connect(search_, &QLineEdit::textEdited, this, &RunsBar::take_search);
  // The clear button edits nothing, as QLineEdit sees it.
  connect(search_, &QLineEdit::textChanged, this, [this](const QString& text) {
    if (text.isEmpty()) take_search(text);
  });
  search_->installEventFilter(this);
}

void RunsBar::make_buttons() {
  hide_equal_ = new QToolButton;
  hide_equal_->setObjectName("hide_equal");
  hide_equal_->setText(tr("Hide e&qual columns"));
  hide_equal_->setToolTip(tr("Leave out columns that say the same of all these runs"));
  hide_equal_->setCheckable(true);
  connect(hide_equal_, &QToolButton::toggled, this, [this](bool is_on) {
    if (is_drawing_) return;
    ViewState state = context_.navigator.state();
    state.settings.remove(kHideEqualKey);
    if (is_on) state.settings[kHideEqualKey] = "1";
    context_.navigator.go(std::move(state));
  });
  column_menu_ = new QMenu(this);
  connect(column_menu_, &QMenu::aboutToShow, this, &RunsBar::fill_column_menu);
  columns_ = new QPushButton(tr("Co&lumns"));
  columns_->setMenu(column_menu_);
}

void RunsBar::refresh(int n_shown, int n_all) {
  is_drawing_ = true;
  const ViewState& state = context_.navigator.state();
  if (search_->text() != state.search) search_->setText(state.search);
  hide_equal_->setChecked(hides_equal_columns(state));
  count_->setText((n_shown == n_all ? QString() : tr("%1 of ").arg(shown_count(n_shown))) + counted(n_all, "run"));
  is_drawing_ = false;
}

void RunsBar::find() {
  search_->setFocus();
  search_->selectAll();
}

void RunsBar::take_search(const QString& text) {
  if (is_drawing_) return;
  ViewState state = context_.navigator.state();
  const bool is_new = state.search.isEmpty() || text.isEmpty();
  state.search = text;
  // A filter is one step back, however many letters it has.
  if (is_new) {
    context_.navigator.go(std::move(state));
  } else {
    context_.navigator.replace(std::move(state));
  }
}

void RunsBar::take_column(RunColumn column, bool is_on) {
  ViewState state = context_.navigator.state();
  const QList<RunColumn> before = chosen_columns(state);
  QStringList keys;
  for (int other = 0; other < kRunColumns; ++other) {
    const auto each = static_cast<RunColumn>(other);
    if (each == column ? is_on : before.contains(each)) keys << facts_of(each).key;
  }
  state.settings[kColumnsKey] = keys.join(',');
  context_.navigator.go(std::move(state));
}

void RunsBar::fill_column_menu() {
  column_menu_->clear();
  const QList<RunColumn> chosen = chosen_columns(context_.navigator.state());
  for (int c = 0; c < kRunColumns; ++c) {
    const auto column = static_cast<RunColumn>(c);
    QAction* action = column_menu_->addAction(facts_of(column).title);
    action->setCheckable(true);
    action->setChecked(chosen.contains(column));
    action->setEnabled(column != RunColumn::name);
    connect(action, &QAction::toggled, this, [this, column](bool is_on) { take_column(column, is_on); });
  }
  column_menu_->addSeparator();
  connect(column_menu_->addAction(tr("&As at first")), &QAction::triggered, this, [this] {
    ViewState state = context_.navigator.state();
    state.settings.remove(kColumnsKey);
    context_.navigator.go(std::move(state));
  });
}

bool RunsBar::eventFilter(QObject* object, QEvent* event) {
  if (event->type() != QEvent::KeyPress) return QWidget::eventFilter(object, event);
  const int key = static_cast<QKeyEvent*>(event)->key();
  if (key == Qt::Key_Down || key == Qt::Key_Return || key == Qt::Key_Enter) {
    emit left_downwards();
    return true;
  }
  if (key == Qt::Key_Escape && !search_->text().isEmpty()) {
    search_->clear();
    return true;
  }
  return QWidget::eventFilter(object, event);
}

}  // namespace assay::gui

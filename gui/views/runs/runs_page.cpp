#include "gui/views/runs/runs_page.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QScrollBar>
#include <QSplitter>
#include <QTableView>
#include <QTreeView>
#include <QVBoxLayout>
#include <numeric>

#include "gui/models/facet_model.h"
#include "gui/models/run_filter.h"
#include "gui/models/runs_export.h"
#include "gui/models/runs_table.h"
#include "gui/views/runs/facet_delegate.h"
#include "gui/views/runs/run_cell_delegate.h"
#include "gui/views/runs/runs_bar.h"

namespace assay::gui {

namespace {

constexpr int kVisibleRowsMs = 60;

}  // namespace

RunsPage::RunsPage(const PageContext& context, QWidget* parent) : Page(parent), context_(context) {
  model_ = new RunsTable(this);
  facets_ = new FacetModel(this);
  bar_ = new RunsBar(context, this);
  connect(bar_, &RunsBar::left_downwards, this, [this] { table_->setFocus(); });
  make_table();

  facet_tree_ = new QTreeView;
  facet_tree_->setObjectName("facets");
  facet_tree_->setAccessibleName(tr("Filters"));
  facet_tree_->setModel(facets_);
  facet_tree_->setHeaderHidden(true);
  facet_tree_->setUniformRowHeights(true);
  facet_tree_->setItemDelegate(new FacetDelegate(facet_tree_));
  facet_tree_->setIndentation(14);
  facet_tree_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  facet_tree_->setMinimumWidth(fontMetrics().averageCharWidth() * 22);
  connect(facets_, &FacetModel::chosen, this, &RunsPage::take_facet);
  connect(facets_, &QAbstractItemModel::modelReset, facet_tree_, &QTreeView::expandAll);

  auto* splitter = new QSplitter;
  splitter->addWidget(facet_tree_);
  splitter->addWidget(table_);
  splitter->setStretchFactor(0, 0);
  splitter->setStretchFactor(1, 1);
  splitter->setSizes({fontMetrics().averageCharWidth() * 32, 10000});
  splitter->setChildrenCollapsible(false);
  splitter->setHandleWidth(8);

  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(8);
  layout->addWidget(bar_);
  layout->addWidget(splitter, 1);
  make_actions();
  setTabOrder(bar_->search(), facet_tree_);
  setTabOrder(facet_tree_, table_);

  visible_timer_.setSingleShot(true);
  connect(&visible_timer_, &QTimer::timeout, this, &RunsPage::show_visible_rows);
  connect(model_, &RunsTable::reading_changed, this, [this] {
    if (!is_refreshing_ && hides_equal_columns(context_.navigator.state())) show_columns();
  });
  connect(model_, &QAbstractItemModel::layoutChanged, this, [this] { visible_timer_.start(kVisibleRowsMs); });
}

RunsPage::~RunsPage() = default;

void RunsPage::make_table() {
  table_ = new QTableView;
  table_->setObjectName("runs");
  table_->setAccessibleName(tr("Runs"));
  table_->setModel(model_);
  delegate_ = new RunCellDelegate(table_);
  table_->setItemDelegate(delegate_);
  table_->setSelectionBehavior(QAbstractItemView::SelectRows);
  table_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  table_->setAlternatingRowColors(true);
  table_->setShowGrid(false);
  table_->setWordWrap(false);
  table_->setTabKeyNavigation(false);
  table_->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
  table_->setContextMenuPolicy(Qt::CustomContextMenu);
  table_->verticalHeader()->hide();
  table_->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  QHeaderView* header = table_->horizontalHeader();
  header->setSectionResizeMode(QHeaderView::Interactive);
  header->setHighlightSections(false);
  header->setTextElideMode(Qt::ElideRight);
  header->setSectionsClickable(true);
  header->setSortIndicatorShown(true);
  header->setContextMenuPolicy(Qt::CustomContextMenu);
  for (int c = 0; c < kRunColumns; ++c) {
    table_->setColumnWidth(
        c, fontMetrics().horizontalAdvance('0') * facts_of(static_cast<RunColumn>(c)).n_characters + 14);
  }
  connect(header, &QHeaderView::sectionClicked, this, &RunsPage::take_sort);
  connect(header, &QHeaderView::customContextMenuRequested, this,
          [this, header](const QPoint& at) { bar_->column_menu()->popup(header->mapToGlobal(at)); });
  connect(table_->selectionModel(), &QItemSelectionModel::selectionChanged, this, &RunsPage::take_selection);
  connect(table_, &QTableView::activated, this,
          [this] { open_chosen(chosen_rows().size() == 1 ? "items" : "compare"); });
  connect(table_, &QTableView::customContextMenuRequested, this, [this](const QPoint& at) {
    if (!chosen_rows().isEmpty()) row_menu_->popup(table_->viewport()->mapToGlobal(at));
  });
  connect(table_->verticalScrollBar(), &QScrollBar::valueChanged, this,
          [this] { visible_timer_.start(kVisibleRowsMs); });
  empty_ = new QLabel(table_);
  empty_->setObjectName("empty");
  empty_->setTextFormat(Qt::PlainText);
  empty_->setAlignment(Qt::AlignCenter);
  empty_->setWordWrap(true);
  empty_->setForegroundRole(QPalette::PlaceholderText);
  empty_->hide();
}

void RunsPage::make_actions() {
  row_menu_ = new QMenu(this);
  const auto add = [this](const QString& text, const QKeySequence& keys, std::function<void()> act) {
    QAction* action = row_menu_->addAction(text, keys, this, std::move(act));
    // While the page is seen, wherever the keyboard is; a field copies what is marked in it.
    action->setShortcutContext(keys == QKeySequence::Copy ? Qt::WidgetWithChildrenShortcut : Qt::WindowShortcut);
    table_->addAction(action);
  };
  add(tr("Open its &items"), QKeySequence("Ctrl+I"), [this] { open_chosen("items"); });
  add(tr("&Compare the chosen runs"), QKeySequence("Ctrl+K"), [this] { open_chosen("compare"); });
  add(tr("Pin as &baseline, or unpin"), QKeySequence("Ctrl+B"), [this] { pin_baseline(); });
  row_menu_->addSeparator();
  add(tr("Copy the &rows as CSV"), QKeySequence::Copy,
      [this] { copy(runs_csv(*model_, chosen_rows(), shown_columns())); });
  add(tr("Copy the i&d"), QKeySequence("Ctrl+Alt+I"), [this] { copy(ids_of(chosen_rows()).join('\n')); });
  add(tr("Copy the command &line that made it"), QKeySequence("Ctrl+Alt+C"), [this] {
    QStringList lines;
    for (const int row : chosen_rows()) {
      lines << QString::fromStdString(model_->run_at(row).run.facts.command_line);
    }
    copy(lines.join('\n'));
  });
  add(tr("Copy the &SQL that reads it"), QKeySequence("Ctrl+Alt+S"), [this] { copy(runs_sql(ids_of(chosen_rows()))); });
  auto* find = new QAction(tr("To the filter"), this);
  find->setShortcut(QKeySequence::Find);
  find->setShortcutContext(Qt::WindowShortcut);
  connect(find, &QAction::triggered, bar_, &RunsBar::find);
  addAction(find);
}

void RunsPage::refresh() {
  if (is_refreshing_) return;
  is_refreshing_ = true;
  const ViewState& state = context_.navigator.state();
  const int scrolled_to = table_->verticalScrollBar()->value();
  model_->find_equal_columns(hides_equal_columns(state));
  model_->show(context_.workspace.runs(), state);
  facets_->set_facets(count_facets(*context_.workspace.runs(), state));
  bar_->refresh(model_->rowCount(), static_cast<int>(context_.workspace.runs()->size()));
  delegate_->set_has_differences(!state.baseline.isEmpty());
  table_->verticalHeader()->setDefaultSectionSize(delegate_->row_height(table_->fontMetrics()));
  const auto sorted = run_column(state.sort_column);
  table_->horizontalHeader()->setSortIndicator(sorted ? static_cast<int>(*sorted) : -1,
                                               state.sort_descending ? Qt::DescendingOrder : Qt::AscendingOrder);
  show_columns();
  show_selection();
  table_->verticalScrollBar()->setValue(scrolled_to);
  show_empty_text();
  visible_timer_.start(kVisibleRowsMs);
  is_refreshing_ = false;
}

bool RunsPage::is_busy() const { return visible_timer_.isActive() || model_->is_busy(); }

void RunsPage::show_columns() {
  const ViewState& state = context_.navigator.state();
  const QList<RunColumn> chosen = chosen_columns(state);
  std::vector<RunColumn> equal;
  if (hides_equal_columns(state)) equal = model_->equal_columns();
  for (int c = 0; c < kRunColumns; ++c) {
    const auto column = static_cast<RunColumn>(c);
    // A run must stay recognisable.
    const bool is_equal = column != RunColumn::name && std::find(equal.begin(), equal.end(), column) != equal.end();
    const bool is_hidden = !chosen.contains(column) || is_equal;
    if (table_->isColumnHidden(c) != is_hidden) table_->setColumnHidden(c, is_hidden);
  }
}

void RunsPage::show_selection() {
  QItemSelection selection;
  for (const QString& id : context_.navigator.state().runs) {
    const int row = model_->row_of(id);
    if (row >= 0) selection.select(model_->index(row, 0), model_->index(row, kRunColumns - 1));
  }
  QItemSelectionModel* selected = table_->selectionModel();
  selected->select(selection, QItemSelectionModel::ClearAndSelect);
  if (!selected->currentIndex().isValid() && model_->rowCount() > 0) {
    const int row = selection.isEmpty() ? 0 : selection.first().top();
    selected->setCurrentIndex(model_->index(row, static_cast<int>(RunColumn::name)), QItemSelectionModel::NoUpdate);
  }
}

void RunsPage::show_empty_text() {
  const auto n_all = static_cast<int>(context_.workspace.runs()->size());
  const int n_shown = model_->rowCount();
  QString text;
  if (n_all == 0 && context_.workspace.is_reading()) {
    text = tr("Reading…");
  } else if (n_all == 0) {
    text =
        tr("The open databases hold no runs yet.\n\nassay run --model reference --suite smoke --db FILE.db\n\n"
           "adds one; it appears here while it is being written.");
  } else if (n_shown == 0) {
    text = tr("No run has all of this.\n\nUntick values on the left, clear the filter above, or undo (Ctrl+Z).");
  }
  empty_->setText(text);
  empty_->setVisible(!text.isEmpty());
  empty_->setGeometry(table_->viewport()->geometry().adjusted(24, 24, -24, -24));
}

void RunsPage::show_visible_rows() {
  const int first = table_->rowAt(0);
  int last = table_->rowAt(table_->viewport()->height() - 1);
  if (last < 0) last = model_->rowCount() - 1;
  if (first >= 0) model_->set_visible_rows(first, last);
}

QList<int> RunsPage::chosen_rows() const {
  QList<int> rows;
  for (const QModelIndex& index : table_->selectionModel()->selectedRows()) rows << index.row();
  std::sort(rows.begin(), rows.end());
  return rows;
}

void RunsPage::take_selection() {
  if (is_refreshing_) return;
  ViewState state = context_.navigator.state();
  const QStringList selected = ids_of(chosen_rows());
  // In the order in which they were chosen; what a filter hides stays chosen.
  QStringList runs;
  for (const QString& id : state.runs) {
    if (selected.contains(id) || (model_->row_of(id) < 0 && context_.workspace.find(id) != nullptr)) runs << id;
  }
  for (const QString& id : selected) {
    if (!runs.contains(id)) runs << id;
  }
  state.runs = runs;
  context_.navigator.replace(std::move(state));
}

void RunsPage::take_facet(const QString& facet, const QString& value, bool is_chosen) {
  ViewState state = context_.navigator.state();
  QStringList& values = state.facets[facet];
  values.removeAll(value);
  if (is_chosen) values << value;
  if (values.isEmpty()) state.facets.remove(facet);
  context_.navigator.go(std::move(state));
}

void RunsPage::take_sort(int section) {
  const auto column = static_cast<RunColumn>(section);
  ViewState state = context_.navigator.state();
  const QString key = facts_of(column).key;
  // Numbers begin with the largest, texts with A; a second click turns it round, a third gives the page's own order.
  const bool at_first = facts_of(column).is_number || column == RunColumn::started;
  if (state.sort_column != key) {
    state.sort_column = key;
    state.sort_descending = at_first;
  } else if (state.sort_descending == at_first) {
    state.sort_descending = !at_first;
  } else {
    state.sort_column.clear();
    state.sort_descending = false;
  }
  context_.navigator.go(std::move(state));
}

void RunsPage::open_chosen(const QString& page) {
  if (chosen_rows().isEmpty()) return;
  ViewState state = context_.navigator.state();
  state.page = page;
  state.search.clear();
  context_.navigator.go(std::move(state));
}

void RunsPage::pin_baseline() {
  const int row = table_->currentIndex().row();
  if (row < 0) return;
  ViewState state = context_.navigator.state();
  state.baseline = state.baseline == model_->run_id(row) ? QString() : model_->run_id(row);
  context_.navigator.go(std::move(state));
}

void RunsPage::copy(const QString& text) { QApplication::clipboard()->setText(text); }

QStringList RunsPage::ids_of(const QList<int>& rows) const {
  QStringList ids;
  for (const int row : rows) ids << model_->run_id(row);
  return ids;
}

QList<RunColumn> RunsPage::shown_columns() const {
  QList<RunColumn> columns;
  for (int c = 0; c < kRunColumns; ++c) {
    if (!table_->isColumnHidden(c)) columns << static_cast<RunColumn>(c);
  }
  return columns;
}

QList<int> RunsPage::all_rows() const {
  QList<int> rows(model_->rowCount());
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

QString RunsPage::as_csv() const { return runs_csv(*model_, all_rows(), shown_columns()); }

QString RunsPage::as_sql() const { return runs_sql(ids_of(all_rows())); }

void RunsPage::resizeEvent(QResizeEvent* event) {
  Page::resizeEvent(event);
  show_empty_text();
  visible_timer_.start(kVisibleRowsMs);
}

void RunsPage::showEvent(QShowEvent* event) {
  Page::showEvent(event);
  visible_timer_.start(kVisibleRowsMs);
}

void RunsPage::changeEvent(QEvent* event) {
  Page::changeEvent(event);
  if (event->type() == QEvent::FontChange && table_ != nullptr) {
    table_->verticalHeader()->setDefaultSectionSize(delegate_->row_height(table_->fontMetrics()));
  }
}

}  // namespace assay::gui
